"""The counting forms of the triplet sums against loops over every triplet of a block."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.losses.class_rows import arrange_by_class
from simlearn.losses.distances import squared_distances
from simlearn.losses.hinge_sum import by_squares, hinge_sum, soft_sum
from tests.oracles.losses import soft_plus


def loops(d, places, rows, margin, mining, soft):
    """Value, derivatives by d and counts, one triplet after the other."""
    classes = rows.start.tolist()
    n = len(classes)
    value, active, total = [], 0, 0
    slope = [[0.0] * n for _ in places]
    for line, a in enumerate(places.tolist()):
        for p, q in itertools.product(range(n), repeat=2):
            near, far = float(d[line, p]), float(d[line, q])
            if p == a or classes[p] != classes[a] or classes[q] == classes[a]:
                continue
            if mining == "semihard" and not near < far < near + margin:
                continue
            total += 1
            loss = soft_plus(near - far) if soft else max(0.0, near - far + margin)
            value.append(loss)
            active += loss > 0
            push = 1 / (1 + math.exp(far - near)) if soft else float(loss > 0)
            slope[line][p] += push
            slope[line][q] -= push
    return math.fsum(value), torch.tensor(slope).reshape(len(places), n), [active, total]


@pytest.mark.parametrize("mining", ["all", "semihard"])
@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("lattice", [False, True])
@settings(max_examples=8)
@given(st.integers(0, 10_000), st.integers(1, 11), st.integers(1, 5), st.sampled_from([0, 0.5, 2]))
def test_equals_the_loops(mining, soft, lattice, seed, b, classes, margin):
    """On a lattice nearly everything is a tie: equal distances, and distances equal to limits."""
    g = torch.Generator().manual_seed(seed)
    z = torch.randint(3, (b, 2), generator=g) if lattice else torch.randn(b, 2, generator=g)
    d = squared_distances(z.double(), z.double())
    rows = arrange_by_class(torch.randint(classes, (b,), generator=g))
    places = torch.randperm(b, generator=g)[: b // 2 + 1]
    how = soft_sum if soft else hinge_sum
    value, slope, counts = how(d[places], places, rows, margin, mining)
    wanted, derivatives, numbers = loops(d[places], places, rows, margin, mining, soft)
    assert counts.tolist() == numbers
    assert float(value) == pytest.approx(wanted, abs=1e-11)
    assert torch.allclose(slope.float(), derivatives, atol=1e-6)
    if not soft:
        assert torch.equal(slope.float(), derivatives)  # whole numbers


@pytest.mark.parametrize("how", [hinge_sum, soft_sum])
@pytest.mark.parametrize("mining", ["all", "semihard"])
def test_no_anchors(how, mining):
    rows = arrange_by_class(torch.tensor([0, 0, 1]))
    none = torch.zeros(0, dtype=torch.int64)
    value, slope, counts = how(torch.zeros(0, 3).double(), none, rows, 0.2, mining)
    assert (float(value), slope.shape, counts.tolist()) == (0.0, (0, 3), [0, 0])


def test_a_margin_lost_to_rounding_is_no_band():
    """1e17 + 0.2 is 1e17: no distance lies between the two."""
    rows = arrange_by_class(torch.tensor([0, 0, 1, 1]))
    d = torch.tensor([[0.0, 1e17, 1e17, 1e17 + 16]]).double()
    value, slope, counts = hinge_sum(d, torch.tensor([0]), rows, 0.2, "semihard")
    assert (float(value), slope.any().item(), counts.tolist()) == (0.0, False, [0, 0])


def test_derivatives_by_squares():
    d2 = torch.tensor([4.0, 1e-12, 0.0, 1e-8]).double()
    found = by_squares(torch.tensor([3.0, 3.0, 3.0, -3.0]).double(), d2)
    assert found.tolist() == pytest.approx([0.75, 0.0, 0.0, -1.5e4])
