"""Plane figures with one outline: their true values against school formulas."""

from __future__ import annotations

from fractions import Fraction

import pytest

from simlearn.analysis.errorradar.plane_problems import (
    circle,
    regular_polygon,
    trapezium,
    triangle,
)
from tests.analysis.errorradar.scenes import scenes


def test_circles():
    ways = set()
    for reads, results, _ in scenes(circle):
        radius = reads.get("radius") or reads["diameter"] / 2
        ways.add(next(iter(reads)))
        assert float(results["length"]) == pytest.approx(6.28 * float(radius))
        assert results["area"] * 2 == results["length"] * radius
    assert ways == {"radius", "diameter"}


def test_triangles_can_be_drawn():
    for reads, results, _ in scenes(triangle):
        a, b, c = (float(reads[k]) for k in ("left_side", "base", "right_side"))
        half = (a + b + c) / 2
        heron = (half * (half - a) * (half - b) * (half - c)) ** 0.5
        assert float(results["area"]) == pytest.approx(heron)
        assert results["length"] == a + b + c


def test_trapeziums_can_be_drawn():
    for reads, results, _ in scenes(trapezium):
        foot = (reads["bottom"] - reads["top"]) / 2
        assert foot**2 + reads["height"] ** 2 == reads["left"] ** 2 == reads["right"] ** 2
        assert results["area"] == (reads["top"] + foot) * reads["height"]
        assert results["length"] == sum(reads.values()) - reads["height"]


def test_regular_polygons():
    for reads, results, _ in scenes(regular_polygon):
        assert results["angle"] == 180 - Fraction(360) / reads["sides"]
        assert results["length"] / reads["side"] == reads["sides"]
