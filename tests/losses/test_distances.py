"""Distances against plain Python, for close points, and their gradients."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.losses.distances import paired_squared_distances, root, squared_distances


def points(seed, n, d=5, dtype=torch.float64):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 40), st.integers(1, 40), st.integers(1, 40))
def test_equals_the_loop(seed, n, m, d):
    a, b = points(seed, n, d), points(seed + 1, m, d)
    found = squared_distances(a, b)
    assert found.shape == (n, m)
    wanted = [
        [sum((u - v) ** 2 for u, v in zip(p, q, strict=True)) for q in b.tolist()]
        for p in a.tolist()
    ]
    assert torch.allclose(found, torch.tensor(wanted, dtype=torch.float64).reshape(n, m))
    if n == m:
        diagonal = [row[i] for i, row in enumerate(wanted)]
        assert paired_squared_distances(a, b).tolist() == pytest.approx(diagonal, rel=1e-9)


def test_close_points_far_from_the_origin_keep_their_distance():
    """By inner products this is lost: 1e4^2 * 2^-24 = 6 and the square is 1e-4."""
    a = torch.full((40, 1), 1e4)
    b = a + 0.0078125
    exact = 0.0078125**2
    assert torch.allclose(squared_distances(a, b), torch.full((40, 40), exact), rtol=1e-5)
    assert torch.allclose(paired_squared_distances(a, b), torch.full((40,), exact), rtol=1e-5)
    assert squared_distances(a, a).eq(0).all()


def test_symmetric_and_scaled():
    a, b = points(0, 30, 50, torch.float32), points(1, 31, 50, torch.float32)
    assert torch.equal(squared_distances(a, b), squared_distances(b, a).T)
    assert torch.equal(squared_distances(2 * a, 2 * b), 4 * squared_distances(a, b))
    assert torch.equal(squared_distances(a, b)[3:7], squared_distances(a[3:7], b))


def test_root():
    assert root(torch.tensor([4.0, 0.25])).tolist() == [2.0, 0.5]
    assert float(root(torch.tensor(0.0))) == pytest.approx(1e-6)
    d2 = torch.zeros(3, requires_grad=True)
    root(d2).sum().backward()
    assert torch.isfinite(d2.grad).all()


def test_gradients():
    a, b = points(2, 6).requires_grad_(), points(3, 4).requires_grad_()
    assert torch.autograd.gradcheck(squared_distances, (a, b))
    assert torch.autograd.gradcheck(lambda v: squared_distances(v, v).triu(1), (a,))
    assert torch.autograd.gradcheck(paired_squared_distances, (a[:4].detach().requires_grad_(), b))
    assert torch.autograd.gradcheck(lambda u, v: root(squared_distances(u, v)), (a, b))


def test_equal_points_have_no_gradient_and_no_nan():
    a = torch.ones(3, 2, requires_grad=True)
    root(squared_distances(a, a)).sum().backward()
    assert a.grad.tolist() == [[0.0, 0.0]] * 3
