"""Solids: true values by other ways."""

from __future__ import annotations

from itertools import combinations

import pytest

from simlearn.analysis.errorradar.solid_problems import box, boxes, cylinder, prism
from tests.analysis.errorradar.scenes import scenes


def test_boxes_one_by_one():
    for reads, results, _ in scenes(box):
        sides = list(reads.values())
        assert results["surface"] == 2 * sum(a * b for a, b in combinations(sides, 2))
        assert results["edges"] == 4 * sum(sides)
        assert results["volume"] / (sides[0] * sides[1]) == sides[2]


def test_cylinders():
    ways = set()
    for reads, results, _ in scenes(cylinder):
        ways.add(next(iter(reads)))
        radius = reads.get("radius") or reads["diameter"] / 2
        assert float(results["volume"]) == pytest.approx(3.14 * float(radius**2 * reads["height"]))
        assert results["mantle"] * radius == 2 * results["volume"]
    assert ways == {"radius", "diameter"}


def test_prisms_stand_on_right_triangles():
    for reads, results, _ in scenes(prism):
        a, b, c = reads["short"], reads["upright"], reads["slanted"]
        assert a**2 + b**2 == c**2 and a < b < c
        assert results["volume"] * 2 == a * b * reads["length"]
        assert results["sides"] == sum(side * reads["length"] for side in (a, b, c))


@pytest.mark.parametrize("count", [2, 4])
def test_rows_of_boxes(count):
    for reads, results, _ in scenes(boxes, count):
        volumes = [
            reads[f"length{k}"] * reads[f"width{k}"] * reads[f"height{k}"] for k in "ABCD"[:count]
        ]
        assert results["whole"] == sum(volumes)
        if "more" in results:
            assert results["more"] == max(volumes) - min(volumes)


@pytest.mark.parametrize("template", [box, prism])
def test_areas_and_perimeters_go_by_a_formula(template):
    # without one a wrong sign could be taken for a wrong formula, which is another kind of error
    for _, _, scene in scenes(template, n=3):
        phrases = ("the area of", "the perimeter of", "the volume of", "the surface area of")
        sums = [n for n in scene.pool.of_kind("compute") if n.phrase.startswith(phrases)]
        assert len(sums) >= 2 and all(node.rule for node in sums)
