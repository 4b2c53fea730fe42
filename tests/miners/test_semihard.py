"""Semi-hard mining against three loops, the loss that mines by itself, and the peer library."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.losses import triplet_loss
from simlearn.miners import AllTriplets, SemihardMiner
from simlearn.miners.semihard import semihard_triplets

grid = st.integers(-2, 2)
points = st.lists(st.tuples(st.integers(0, 2), grid, grid), min_size=1, max_size=10)


def naive(z, y, margin, squared):
    """Three loops; distances as roots of whole numbers, so that ties are ties."""
    z, y, found = z.tolist(), y.tolist(), []

    def distance(i, j):
        d2 = sum((s - t) ** 2 for s, t in zip(z[i], z[j], strict=True))
        return d2 if squared else math.sqrt(d2)

    for a in range(len(y)):
        for p in range(len(y)):
            for n in range(len(y)):
                if a != p and y[a] == y[p] and y[a] != y[n]:
                    gap = distance(a, n) - distance(a, p)
                    if gap > 0 and distance(a, n) < distance(a, p) + margin:
                        found.append((a, p, n))
    return found


@settings(max_examples=80)
@given(points, st.sampled_from([0.1, 1.0, 2.0, math.inf]))
def test_equals_the_loops_with_ties_and_duplicates(drawn, margin):
    table = torch.tensor(drawn)
    z, y = table[:, 1:].double(), table[:, 0]
    found = semihard_triplets(z, y, margin=margin)
    assert list(zip(*(t.tolist() for t in found), strict=True)) == naive(z, y, margin, False)


@settings(max_examples=60)
@given(points, st.sampled_from([0.5, 2.5, math.inf]))
def test_squared_distances_equal_the_loops(drawn, margin):
    table = torch.tensor(drawn)
    z, y = table[:, 1:].double(), table[:, 0]
    found = semihard_triplets(z, y, margin=margin, squared=True)
    assert list(zip(*(t.tolist() for t in found), strict=True)) == naive(z, y, margin, True)


def test_both_edges_are_left_out():
    z, y = torch.tensor([[0.0], [1.0], [-1.0], [2.0], [-1.5]]), torch.tensor([0, 0, 1, 2, 3])
    found = SemihardMiner(margin=1.0)(z, y)
    # anchor 0: n = 2 lies at d_ap and n = 3 at d_ap + margin; anchor 1: the other way round
    assert [t.tolist() for t in found] == [[0], [1], [4]]


@pytest.mark.parametrize("squared", [False, True])
def test_the_loss_takes_the_same_band(squared):
    g = torch.Generator().manual_seed(3)
    z, y = torch.randn(22, 4, generator=g, dtype=torch.float64), torch.arange(22) % 4
    mined = SemihardMiner(margin=0.4, squared=squared)(z, y)
    one = triplet_loss(z, y, mined, margin=0.4, squared=squared)
    two = triplet_loss(z, y, margin=0.4, mining="semihard", squared=squared)
    assert 0 < two.total < len(AllTriplets()(z, y).a)
    assert float(one.value) == pytest.approx(float(two.value), abs=1e-9)
    assert (one.active, one.total) == (two.active, two.total)


@pytest.mark.parametrize("b", [9, 33])
def test_equal_to_pytorch_metric_learning_row_by_row(b):
    from pytorch_metric_learning.miners import TripletMarginMiner

    g = torch.Generator().manual_seed(b)
    z = torch.nn.functional.normalize(torch.randn(b, 6, generator=g, dtype=torch.float64), dim=1)
    y = torch.randint(4, (b,), generator=g)
    ours = SemihardMiner(margin=0.2)(z, y)
    theirs = TripletMarginMiner(margin=0.2, type_of_triplets="semihard")(z, y)
    assert len(ours.a) > 0
    assert all(torch.equal(s, t) for s, t in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_huge_and_tiny_norms(scale):
    g = torch.Generator().manual_seed(4)
    z = torch.randn(15, 3, generator=g, dtype=torch.float64)
    y = torch.arange(15) % 3
    scaled = semihard_triplets(z * scale, y, margin=0.3 * scale)
    plain = semihard_triplets(z, y, margin=0.3)
    assert len(plain.a) > 0
    assert [t.tolist() for t in scaled] == [t.tolist() for t in plain]


@pytest.mark.parametrize("margin", [0, -0.5, math.nan])
def test_mistakes_are_named(margin):
    with pytest.raises(ValueError, match=f"margin is {margin}, must be above 0"):
        SemihardMiner(margin=margin)
    with pytest.raises(ValueError, match=f"margin is {margin}, must be above 0"):
        semihard_triplets(torch.zeros(1, 1), torch.zeros(1, dtype=torch.int64), margin=margin)


def test_the_edge_of_the_band_is_the_losss_for_whole_numbers():
    """3 is not below 2 + 1, neither as a squared root's square."""
    z = torch.tensor([[0.0, 0, 0], [1, 1, 0], [1, 1, 1]], dtype=torch.float64)
    y = torch.tensor([0, 0, 1])
    found = semihard_triplets(z, y, margin=1.0, squared=True)
    assert list(zip(*(t.tolist() for t in found), strict=True)) == []
    assert triplet_loss(z, y, margin=1.0, squared=True, mining="semihard").total == 0
