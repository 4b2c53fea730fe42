"""Distances against plain Python, for close points, and their gradients."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.losses.distances import ENTRIES, paired_squared_distances, root, squared_distances
from tests.oracles.losses import distance


def points(seed, n, d=5, dtype=torch.float64):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.integers(0, 12), st.integers(1, 12), st.integers(0, 12))
def test_equals_the_loop(seed, n, m, d):
    a, b = points(seed, n, d), points(seed + 1, m, d)
    found = squared_distances(a, b)
    assert found.shape == (n, m)
    wanted = [[distance(p, q, squared=True) for q in b.tolist()] for p in a.tolist()]
    assert torch.allclose(found, torch.tensor(wanted, dtype=torch.float64).reshape(n, m))
    z, i = torch.cat([a, b]), torch.arange(n).repeat_interleave(m)
    paired = paired_squared_distances(z, i, n + torch.arange(m).repeat(n))
    assert paired.tolist() == pytest.approx([v for row in wanted for v in row], rel=1e-12)


def test_close_points_far_from_the_origin_keep_their_distance():
    """By inner products this is lost: 1e4^2 * 2^-24 = 6 and the square is 1e-4."""
    a = torch.full((40, 1), 1e4)
    b = a + 0.0078125
    exact = 0.0078125**2
    assert torch.allclose(squared_distances(a, b), torch.full((40, 40), exact), rtol=1e-5)
    i = torch.arange(40)
    assert paired_squared_distances(torch.cat([a, b]), i, i + 40).eq(exact).all()
    assert squared_distances(a, a).eq(0).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_paired_distances_are_float64_and_their_gradient_is_not(dtype):
    z = points(0, 6, dtype=torch.float64).to(dtype).requires_grad_()
    d2 = paired_squared_distances(z, torch.tensor([0, 5, 2]), torch.tensor([1, 5, 0]))
    assert d2.dtype == torch.float64 and d2[1].item() == 0
    exact = z.detach().double().requires_grad_()
    wanted = (exact[[0, 5, 2]] - exact[[1, 5, 0]]).square().sum(dim=1)
    assert torch.allclose(d2, wanted, rtol=1e-14, atol=0)
    d2.sum().backward()
    wanted.sum().backward()
    assert z.grad.dtype == dtype
    assert torch.allclose(z.grad, exact.grad.to(dtype))


def test_paired_distances_of_more_pairs_than_are_held_at_once():
    number = 2 * (ENTRIES // 64) + 3
    g = torch.Generator().manual_seed(0)
    i, j = torch.randint(50, (2, number), generator=g)
    z, weight = points(1, 50, 64), points(2, number, 1).squeeze(1)
    grads = []
    for measure in (paired_squared_distances, lambda v, i, j: (v[i] - v[j]).square().sum(dim=1)):
        leaf = z.clone().requires_grad_()
        values = measure(leaf, i, j)
        (values * weight).sum().backward()
        grads.append((values.detach(), leaf.grad))
    assert grads[0][0].shape == (number,)
    assert torch.allclose(grads[0][0], grads[1][0], rtol=1e-13, atol=0)
    assert torch.allclose(grads[0][1], grads[1][1], rtol=1e-10)


def test_whole_numbers_come_out_whole():
    z = torch.cartesian_prod(torch.arange(-3.0, 4), torch.arange(0.0, 5)).double()
    d2 = squared_distances(z, z)
    assert torch.equal(d2, (z[:, None] - z[None]).square().sum(dim=2))
    assert torch.equal(root(d2[d2 == 25]), torch.full(((d2 == 25).sum(),), 5.0).double())


def test_no_bit_is_changed_by_more_than_a_root_costs():
    """Numbers that are no short ones stay what they are."""
    a, b = points(3, 30), points(4, 30)
    plain = torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist").square()
    assert torch.allclose(squared_distances(a, b), plain, rtol=2.0**-50, atol=0)
    for value in (0.0, 1e-30, 1e30, float("inf"), float("nan")):
        z = torch.tensor([[value], [0.0]], dtype=torch.float64)
        d2 = squared_distances(z[:1], z[1:])
        assert d2.item() == pytest.approx(value * value, rel=1e-14, nan_ok=True)


def test_symmetric_and_scaled():
    a, b = points(0, 30, 50, torch.float32), points(1, 31, 50, torch.float32)
    assert torch.equal(squared_distances(a, b), squared_distances(b, a).T)
    assert torch.equal(squared_distances(2 * a, 2 * b), 4 * squared_distances(a, b))
    assert torch.equal(squared_distances(a, b)[3:7], squared_distances(a[3:7], b))


def test_root():
    assert root(torch.tensor([4.0, 0.25])).tolist() == [2.0, 0.5]
    assert float(root(torch.tensor(0.0))) == pytest.approx(1e-6)
    assert torch.isnan(root(torch.tensor(float("nan"))))
    d2 = torch.zeros(3, requires_grad=True)
    root(d2).sum().backward()
    assert torch.isfinite(d2.grad).all()


def test_gradients():
    a, b = points(2, 6).requires_grad_(), points(3, 4).requires_grad_()
    assert torch.autograd.gradcheck(squared_distances, (a, b))
    assert torch.autograd.gradcheck(lambda v: squared_distances(v, v).triu(1), (a,))
    i, j = torch.tensor([0, 1, 1, 5, 3]), torch.tensor([4, 2, 2, 0, 3])  # repeated, and itself
    assert torch.autograd.gradcheck(lambda v: paired_squared_distances(v, i, j), (a,))
    assert torch.autograd.gradcheck(lambda u, v: root(squared_distances(u, v)), (a, b))


def test_equal_points_have_no_gradient_and_no_nan():
    a = torch.ones(3, 2, requires_grad=True)
    root(squared_distances(a, a)).sum().backward()
    assert a.grad.tolist() == [[0.0, 0.0]] * 3
    a.grad = None
    root(paired_squared_distances(a, torch.tensor([0, 1]), torch.tensor([1, 1]))).sum().backward()
    assert a.grad.tolist() == [[0.0, 0.0]] * 3


def test_no_pairs():
    z = points(5, 4).requires_grad_()
    none = torch.zeros(0, dtype=torch.int64)
    d2 = paired_squared_distances(z, none, none)
    d2.sum().backward()
    assert d2.shape == (0,) and not z.grad.any()


@pytest.mark.parametrize("scale", [2.0**-300, 2.0**-100, 1.0, 2.0**100, 2.0**300])
def test_whole_numbers_come_out_whole_at_any_scale(scale):
    z = torch.cartesian_prod(torch.arange(-3.0, 4), torch.arange(0.0, 5)).double()
    wanted = (z[:, None] - z[None]).square().sum(dim=2) * scale * scale
    assert torch.equal(squared_distances(z * scale, z * scale), wanted)
