"""Angular mining against angles of three loops and the peer library."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.miners import AllTriplets, AngularMiner
from simlearn.miners.angular import angular_triplets

grid = st.integers(-2, 2)
points = st.lists(st.tuples(st.integers(0, 2), grid, grid), min_size=1, max_size=10)


def angles(z, y):
    """Degrees of every (a, p, n) by the middle of a and p; 0 for a = p."""
    z, y, found = z.tolist(), y.tolist(), {}
    for a in range(len(y)):
        for p in range(len(y)):
            for n in range(len(y)):
                if a != p and y[a] == y[p] and y[a] != y[n]:
                    middle = [(s + t) / 2 for s, t in zip(z[a], z[p], strict=True)]
                    half, away = math.dist(z[a], z[p]) / 2, math.dist(z[n], middle)
                    found[a, p, n] = math.degrees(math.atan2(half, away)) if half else 0.0
    return found


def rows(triplets):
    return list(zip(*(t.tolist() for t in triplets), strict=True))


@settings(max_examples=100)
@given(points, st.sampled_from([0.0, 20.0, 35.0, 45.0, 60.0, 89.9]))
def test_equals_the_loops_with_duplicates(drawn, angle):
    table = torch.tensor(drawn)
    z, y = table[:, 1:].double(), table[:, 0]
    found, true = rows(angular_triplets(z, y, angle=angle)), angles(z, y)
    assert found == sorted(set(found))
    assert {t for t, value in true.items() if value > angle + 1e-9} <= set(found)
    assert all(true[t] > 0 and true[t] > angle - 1e-9 for t in found)


def test_worked_example():
    # a and p one apart, n straight above their middle: the angle is atan(0.5 / height)
    z = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.5, 0.5 / math.tan(math.radians(30))]])
    y = torch.tensor([0, 0, 1])
    for angle, count in ((29.99, 2), (30.01, 0)):
        assert len(AngularMiner(angle)(z, y).a) == count
    assert rows(AngularMiner(29.99)(z, y)) == [(0, 1, 2), (1, 0, 2)]


def test_a_negative_in_the_middle_and_equal_points():
    z, y = torch.tensor([[0.0], [2.0], [1.0]]), torch.tensor([0, 0, 1])
    assert rows(angular_triplets(z, y, angle=89.0)) == [(0, 1, 2), (1, 0, 2)]
    same = torch.full((5, 3), 0.1)
    labels = torch.tensor([0, 0, 0, 1, 1])
    assert rows(angular_triplets(same, labels, angle=0.0)) == []


@pytest.mark.parametrize("normalised", [True, False])
@pytest.mark.parametrize("angle", [20, 40])
def test_equal_to_pytorch_metric_learning_row_by_row(angle, normalised):
    from pytorch_metric_learning.miners import AngularMiner as Theirs

    g = torch.Generator().manual_seed(angle)
    z = torch.randn(34, 6, generator=g, dtype=torch.float64)
    z = torch.nn.functional.normalize(z, dim=1) if normalised else z
    y = torch.randint(5, (34,), generator=g)
    ours, theirs = AngularMiner(angle)(z, y), Theirs(angle=angle)(z, y)
    assert 0 < len(ours.a) < len(AllTriplets()(z, y).a)
    assert all(torch.equal(s, t) for s, t in zip(ours, theirs, strict=True))


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.integers(3, 14))
def test_place_and_scale_do_not_matter(seed, b):
    g = torch.Generator().manual_seed(seed)
    z = torch.randint(-50, 50, (b, 3), generator=g).double()
    y = torch.randint(3, (b,), generator=g)
    found = rows(angular_triplets(z, y, angle=30.0))
    assert rows(angular_triplets(z + 2.0**40, y, angle=30.0)) == found
    for scale in (2.0**-100, 2.0**100):
        assert rows(angular_triplets(z * scale, y, angle=30.0)) == found


def test_far_from_the_origin_in_float32():
    g = torch.Generator().manual_seed(0)
    z = (torch.randn(24, 16, generator=g) + 1e4).half().float() + torch.randn(24, 16, generator=g)
    y = torch.arange(24) % 4
    centred = z.double() - z.double().mean(dim=0)
    found = rows(angular_triplets(z, y, angle=30.0))
    assert found and found == rows(angular_triplets(centred, y, angle=30.0))


@pytest.mark.parametrize("angle", [-1.0, 90, 200.0, math.nan])
def test_mistakes_are_named(angle):
    message = f"angle is {angle}, must be degrees from 0 to below 90"
    with pytest.raises(ValueError, match=message):
        AngularMiner(angle)
    with pytest.raises(ValueError, match=message):
        angular_triplets(torch.zeros(1, 1), torch.zeros(1, dtype=torch.int64), angle=angle)
