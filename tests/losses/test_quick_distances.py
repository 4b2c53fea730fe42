"""Distances by a matrix product stay within their bound; what hangs on less is measured exactly."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.losses import contrastive_loss
from simlearn.losses.distances import squared_distances
from simlearn.losses.hardest import hardest_triplets
from simlearn.losses.quick_distances import CLOSE, quick_squared_distances

KINDS = ("random", "lattice", "copies", "collapsed", "far", "outlier", "nearly")


def points(seed, n, d, kind):
    g = torch.Generator().manual_seed(seed)
    z = torch.randn(n, d, generator=g, dtype=torch.float64)
    if kind == "lattice":
        z = torch.randint(-2, 3, (n, d), generator=g).double()
    if kind == "copies":
        z = z[torch.randint(max(1, n // 3), (n,), generator=g)]
    if kind == "collapsed":
        z = z[:1].repeat(n, 1)
    if kind == "far":
        z = z + 1e5
    if kind == "outlier" and n:
        z[0] = 1e12
    if kind == "nearly":
        z = z[:1] + 1e-7 * z
    return z.float().double()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(KINDS), st.integers(0, 60), st.integers(1, 70))
def test_within_the_bound_and_close_ones_exact(seed, kind, n, d):
    a, b = points(seed, n, d, kind), points(seed + 1, n + 3, d, kind)
    both = torch.cat([a, b])
    for one, two in ((a, b), (both, both)):
        found, bound = quick_squared_distances(one, two)
        exact = (one[:, None] - two[None]).square().sum(dim=2)
        assert found.shape == exact.shape
        assert ((found - exact).abs() <= max(bound, 1e-300) + 1e-14 * exact).all()
        close = exact <= CLOSE * bound / 2
        assert torch.allclose(found[close], exact[close], rtol=1e-13, atol=0)
    assert (found.diagonal() == 0).all()


def test_the_quick_way_is_taken_where_it_can_be():
    assert quick_squared_distances(*[points(0, 200, 32, "random")] * 2)[1] > 0
    for kind in ("collapsed", "outlier"):
        assert quick_squared_distances(*[points(0, 200, 32, kind)] * 2)[1] == 0
    nothing = torch.zeros(0, 3, dtype=torch.float64)
    assert quick_squared_distances(nothing, points(0, 4, 3, "random"))[0].shape == (0, 4)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(KINDS), st.integers(2, 40), st.integers(1, 40))
def test_the_hardest_are_those_by_differences(seed, kind, n, d):
    z = points(seed, n, d, kind)
    y = torch.randint(4, (n,), generator=torch.Generator().manual_seed(seed))
    wanted, exact = [], squared_distances(z, z).sqrt().tolist()
    for a in range(n):
        p = [j for j in range(n) if j != a and y[j] == y[a]]
        q = [j for j in range(n) if y[j] != y[a]]
        if p and q:
            wanted.append((a, max(p, key=lambda j: exact[a][j]), min(q, key=lambda j: exact[a][j])))
    found = hardest_triplets(z, y)
    assert list(zip(*(part.tolist() for part in found), strict=True)) == wanted


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(KINDS), st.integers(2, 40), st.integers(1, 12))
def test_contrastive_counts_are_those_of_float64(seed, kind, n, d):
    """Lattices have pairs at exactly the margin, copies at exactly 0."""
    z = points(seed, n, d, kind)
    y = torch.randint(3, (n,), generator=torch.Generator().manual_seed(seed))
    for margin in (1.0, 2.0, 0.5):
        one, two = (contrastive_loss(v, y, margin=margin) for v in (z.float(), z))
        assert (one.active, one.total) == (two.active, two.total)
        assert float(one.value) == pytest.approx(float(two.value), rel=1e-6, abs=1e-30)


def test_gradients_are_those_of_float64():
    z, y = points(3, 60, 16, "random"), torch.arange(60) // 5
    grads = []
    for dtype in (torch.float32, torch.float64):
        leaf = z.to(dtype).requires_grad_()
        contrastive_loss(leaf, y, margin=5.0).value.backward()
        grads.append(leaf.grad.double())
    assert torch.allclose(*grads, rtol=1e-5, atol=1e-9)
