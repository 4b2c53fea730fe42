"""Strips, frames and polygons with a missing angle: true values by other ways."""

from __future__ import annotations

import pytest

from simlearn.analysis.errorradar.plane_composites import frame, polygon_angles, strips
from tests.analysis.errorradar.scenes import scenes


@pytest.mark.parametrize("count", [3, 5])
def test_strips(count):
    for reads, results, scene in scenes(strips, count):
        parts = scene.marks["parts"].split(", ")
        shaded = scene.marks["shaded parts"].split(", ")
        white = [k for k in parts if k not in shaded]
        assert len(parts) == count and 2 <= len(shaded) < count
        light = sum(reads[f"w{k}"] * reads[f"h{k}"] for k in white)
        assert results["whole"] - results["dark"] == light


def test_frames():
    for reads, results, _ in scenes(frame):
        ring = reads["l_outer"] - reads["l_inner"], reads["w_outer"] - reads["w_inner"]
        assert min(ring) >= 3
        area = ring[0] * reads["w_outer"] + reads["l_inner"] * ring[1]
        assert results["left"] == area
        assert results["more"] == 2 * sum(ring)
        assert results["border"] == 2 * sum(reads.values())


@pytest.mark.parametrize("count", [4, 6, 8])
def test_angles_belong_to_a_convex_polygon(count):
    for reads, results, _ in scenes(polygon_angles, count):
        angles = [value for name, value in reads.items() if name.startswith("angle")]
        assert len(angles) == count - 1 and reads["corners"] == count
        outside = [180 - angle for angle in angles]
        assert results["y"] == 360 - sum(outside)  # turning once around
        assert 0 < results["x"] < 180 and all(0 < angle < 180 for angle in angles)
