"""Batch-hard mining against plain loops, the loss that mines by itself, and the peer library."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.losses import triplet_loss
from simlearn.losses.hardest import hardest_triplets
from simlearn.miners import BatchHardMiner

grid = st.integers(-2, 2)
points = st.lists(st.tuples(st.integers(0, 3), grid, grid), min_size=1, max_size=11)


def as_batch(drawn):
    """Labels and coordinates on a grid: duplicates and ties are common."""
    table = torch.tensor(drawn)
    return table[:, 1:].double(), table[:, 0]


def squared(z, i, j):
    return sum((a - b) ** 2 for a, b in zip(z[i], z[j], strict=True))


def naive(z, y):
    """Loops over whole numbers; the first of equals wins."""
    z, y, found = z.tolist(), y.tolist(), []
    for a in range(len(y)):
        p = [(-squared(z, a, i), i) for i in range(len(y)) if i != a and y[i] == y[a]]
        n = [(squared(z, a, i), i) for i in range(len(y)) if y[i] != y[a]]
        if p and n:
            found.append((a, min(p)[1], min(n)[1]))
    return found


@settings(max_examples=100)
@given(points)
def test_equals_the_loops_with_ties_and_duplicates(drawn):
    z, y = as_batch(drawn)
    found = hardest_triplets(z, y)
    assert list(zip(*(t.tolist() for t in found), strict=True)) == naive(z, y)


def test_anchors_without_a_positive_or_negative_are_left_out():
    z = torch.arange(5.0)[:, None]
    found = BatchHardMiner()(z, torch.tensor([0, 0, 1, 2, 0]))
    assert [t.tolist() for t in found] == [[0, 1, 4], [4, 4, 0], [2, 2, 3]]


@pytest.mark.parametrize("b", [8, 33])
def test_equal_to_pytorch_metric_learning_row_by_row(b):
    from pytorch_metric_learning.miners import BatchHardMiner as Theirs

    g = torch.Generator().manual_seed(b)
    z = torch.nn.functional.normalize(torch.randn(b, 6, generator=g, dtype=torch.float64), dim=1)
    y = torch.randint(5, (b,), generator=g)
    ours, theirs = BatchHardMiner()(z, y), Theirs()(z, y)
    assert len(ours.a) > 0
    assert all(torch.equal(s, t) for s, t in zip(ours, theirs, strict=True))


def test_the_loss_mines_the_same():
    g = torch.Generator().manual_seed(3)
    z, y = torch.randn(21, 4, generator=g, dtype=torch.float64), torch.arange(21) % 4
    mined = triplet_loss(z, y, BatchHardMiner()(z, y), margin=0.5)
    own = triplet_loss(z, y, margin=0.5, mining="hard")
    assert float(mined.value) == pytest.approx(float(own.value), abs=1e-12)
    assert (mined.active, mined.total) == (own.active, own.total)


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_huge_and_tiny_norms(scale):
    g = torch.Generator().manual_seed(4)
    z, y = torch.randn(15, 3, generator=g), torch.arange(15) % 3
    scaled = hardest_triplets(z.double() * scale, y)
    assert [t.tolist() for t in scaled] == [t.tolist() for t in hardest_triplets(z, y)]


def test_even_infinite_distances_take_the_right_class():
    z = torch.tensor([[1e200], [-1e200], [3e200], [-3e200]], dtype=torch.float64)
    found = hardest_triplets(z, torch.tensor([0, 0, 1, 1]))
    assert [t.tolist() for t in found] == [[0, 1, 2, 3], [1, 0, 3, 2], [2, 2, 0, 0]]
