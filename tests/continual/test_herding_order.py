"""Herding against the paper's greedy loop, and what any order of it must fulfil."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from simlearn.continual.herding_order import herding


def naive(z, m):
    """Algorithm 4 of iCaRL in plain float64, one candidate set after the other."""
    z = z.double()
    mean, chosen = z.mean(dim=0), []
    for k in range(1, m + 1):
        total = z[chosen].sum(dim=0)
        gaps = (mean - (z + total) / k).norm(dim=1)
        gaps[chosen] = torch.inf
        chosen.append(int(gaps.argmin()))
    return chosen


def gap(z, rows):
    """How far the mean of some rows is from the mean of all."""
    z = z.double()
    return float((z.mean(dim=0) - z[rows].mean(dim=0)).norm())


def drawn(seed, n, d, dtype=torch.float32):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def test_worked_number():
    z = torch.tensor([[0.0], [1.0], [5.0]])
    assert herding(z, 1).tolist() == [1]
    assert herding(z, 2).tolist() == [1, 2]
    assert herding(z, 3).tolist() == [1, 2, 0]


@given(
    st.integers(0, 10_000),
    st.integers(1, 40),
    st.integers(1, 9),
    st.sampled_from([1e-20, 1e-3, 1.0, 1e6, 1e30]),
    st.sampled_from([0.0, 1.0, 100.0]),
)
def test_equals_the_loop(seed, n, d, size, offset):
    z = (drawn(seed, n, d) + offset) * size
    assert herding(z, n).tolist() == naive(z, n)


def test_equals_the_loop_for_many_unit_vectors():
    z = F.normalize(drawn(1, 700, 32), dim=1)
    assert herding(z, 500).tolist() == naive(z, 500)


@given(st.integers(0, 10_000), st.integers(1, 30), st.integers(1, 3), st.data())
def test_coarse_grids_full_of_ties(seed, n, d, data):
    """Several candidates at one distance: every pick is a best one, and m only cuts the order."""
    g = torch.Generator().manual_seed(seed)
    z = torch.randint(3, (n, d), generator=g).float()
    order = herding(z, n).tolist()
    assert sorted(order) == list(range(n))
    for k in range(1, n + 1):
        others = [gap(z, [*order[: k - 1], i]) for i in range(n) if i not in order[: k - 1]]
        assert gap(z, order[:k]) == pytest.approx(min(others), abs=1e-12)
    m = data.draw(st.integers(0, n))
    assert herding(z, m).tolist() == order[:m]


@given(st.integers(2, 60), st.integers(1, 70))
def test_of_equal_samples_the_first_is_taken(n, d):
    assert herding(torch.full((n, d), 0.3), n).tolist() == list(range(n))


def test_of_duplicates_the_first_is_taken():
    z = drawn(3, 50, 17).repeat(3, 1)
    order = herding(z, 150).tolist()
    for row in range(50):
        places = [order.index(row + 50 * copy) for copy in range(3)]
        assert places == sorted(places)


def test_samples_that_float32_cannot_tell_apart():
    z = 1 + drawn(5, 30, 4, torch.float64) * 1e-9
    assert len(z.float().unique()) < 30
    assert herding(z, 30).tolist() == naive(z, 30)
    outlier = torch.cat([z * 1e-9, torch.ones(1, 4, dtype=torch.float64)])
    assert herding(outlier, 31).tolist() == naive(outlier, 31)


def test_values_are_used_as_given():
    z = torch.tensor([[1.0, 0.0], [0.0, 1.0], [9.0, 9.0], [2.0, 1.0]])
    before = z.clone()
    assert herding(z, 1).tolist() == [3]
    assert herding(F.normalize(z, dim=1), 1).tolist() == [2]
    assert torch.equal(z, before)


def test_types_layouts_and_graphs():
    z = drawn(0, 12, 5)
    wanted = herding(z, 7)
    assert wanted.dtype == torch.int64
    assert torch.equal(herding(z.T.contiguous().T, 7), wanted)
    assert torch.equal(herding(z.clone().requires_grad_(), 7), wanted)
    half = z.half()
    assert torch.equal(herding(half, 7), herding(half.float(), 7))


def test_none_and_nothing():
    assert herding(torch.zeros(0, 4), 0).shape == (0,)
    assert herding(torch.zeros(3, 4), 0).dtype == torch.int64
    assert herding(torch.zeros(3, 0), 2).tolist() == [0, 1]


def test_errors():
    with pytest.raises(ValueError, match=r"cannot choose 4 of 3 samples.*from 0 to 3"):
        herding(torch.zeros(3, 2), 4)
    with pytest.raises(ValueError, match="cannot choose -1 of 3"):
        herding(torch.zeros(3, 2), -1)
    with pytest.raises(ValueError, match=r"z must be \(N, d\), found shape \(3,\)"):
        herding(torch.zeros(3), 1)
    for bad in (torch.nan, torch.inf):
        with pytest.raises(ValueError, match="not finite: did the training diverge"):
            herding(torch.tensor([[0.0], [bad]]), 1)
