"""Unknown numbers: true values put back into the picture."""

from __future__ import annotations

from math import comb

import pytest

from simlearn.analysis.errorradar.algebra_problems import (
    balance,
    number_line,
    number_wall,
    pattern,
)
from tests.analysis.errorradar.scenes import scenes


def test_balances_are_level():
    for reads, results, _ in scenes(balance):
        loose = sum(value for name, value in reads.items() if name.startswith("loose"))
        assert results["one"] * reads["bags"] + loose == reads["right"]
        assert results["together"] == results["one"] * reads["bags"]


def test_patterns_grow_evenly():
    steps = set()
    for reads, results, scene in scenes(pattern):
        number, counts = int(scene.pool.nodes["number"].value), [reads["one"], reads["two"]]
        while len(counts) < number:
            counts.append(2 * counts[-1] - counts[-2])
        assert results["last"] == counts[-1] and results["all"] == sum(counts)
        steps.add((counts[0], counts[1]))
    assert steps == {(3, 5), (4, 7)}  # triangles, squares


def test_number_lines():
    for reads, results, _ in scenes(number_line):
        share = reads["steps"] / reads["gaps"]
        assert results["p"] == reads["start"] * (1 - share) + reads["end"] * share
        assert results["m"] - reads["start"] == reads["end"] - results["m"]


@pytest.mark.parametrize("wide", [3, 5])
def test_walls_are_binomial_sums(wide):
    for reads, results, scene in scenes(number_wall, wide):
        base = list(reads.values())
        top = sum(comb(wide - 1, k) * value for k, value in enumerate(base))
        assert results[scene.targets[0]] == top
        assert sum(results[name] for name in scene.targets[1:]) == top
