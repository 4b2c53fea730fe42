"""Sums over all pairs of rows: any function of the distances, in one block or in many."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.losses.pairwise import BLOCK, pairwise_sum


def fourth_powers(d2, rows):
    """Value sum(weight d^4), its derivative, and how many distances were seen and from where."""
    weight = (rows + 1)[:, None].double() / (1 + torch.arange(d2.shape[1]))
    counts = torch.tensor([d2.numel(), int(rows.sum())])
    return (weight * d2.square()).sum(), 2 * weight * d2, counts


def dense(z, rows):
    d2 = (z[rows][:, None] - z[None]).square().sum(dim=2)
    return ((rows + 1)[:, None].double() / (1 + torch.arange(len(z))) * d2.square()).sum()


def batch(seed, n, d=2):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(n, d, generator=g, dtype=torch.float64)


@settings(max_examples=15)
@given(st.integers(0, 10_000), st.integers(1, 15), st.data())
def test_equals_the_dense_sum_and_its_gradient(seed, n, data):
    rows = torch.tensor(data.draw(st.lists(st.integers(0, n - 1), unique=True)), dtype=torch.int64)
    one, two = batch(seed, n).requires_grad_(), batch(seed, n).requires_grad_()
    value, counts = pairwise_sum(one, rows, fourth_powers, counts=2)
    wanted = dense(two, rows)
    assert value.item() == pytest.approx(wanted.item(), rel=1e-12)
    assert counts.tolist() == [len(rows) * n, int(rows.sum())]
    (3 * value).backward()
    (3 * wanted).backward()
    assert torch.allclose(one.grad, two.grad, rtol=1e-10, atol=1e-12)


def test_gradient_by_differences():
    rows = torch.tensor([4, 0, 2])
    assert torch.autograd.gradcheck(
        lambda v: pairwise_sum(v, rows, fourth_powers, counts=2)[0], (batch(1, 6).requires_grad_(),)
    )


def test_many_blocks_are_one_sum():
    n = 1451
    seen = []

    def block(d2, rows):
        seen.append(d2.shape)
        return fourth_powers(d2, rows)

    z = batch(2, n).requires_grad_()
    value, counts = pairwise_sum(z, torch.arange(n), block, counts=2)
    value.backward()
    twin = z.detach().clone().requires_grad_()
    wanted = dense(twin, torch.arange(n))
    wanted.backward()
    assert len(seen) > 2 and all(c * m <= BLOCK for c, m in seen)
    assert counts.tolist() == [n * n, n * (n - 1) // 2]
    assert value.item() == pytest.approx(wanted.item(), rel=1e-12)
    assert torch.allclose(z.grad, twin.grad, rtol=1e-9)


@pytest.mark.parametrize("n", [0, 3])
def test_no_rows(n):
    z = batch(0, n).requires_grad_()
    value, counts = pairwise_sum(
        z, torch.zeros(0, dtype=torch.int64), lambda *_: pytest.fail("called"), counts=3
    )
    value.backward()
    assert (value.item(), counts.tolist()) == (0.0, [0, 0, 0])
    assert z.grad.shape == z.shape and not z.grad.any()


def test_kinds_of_numbers():
    z = batch(3, 5).float().requires_grad_()
    value, counts = pairwise_sum(z, torch.arange(5), fourth_powers, counts=2)
    assert (value.dtype, counts.dtype) == (torch.float64, torch.int64)
    assert not counts.requires_grad
    value.backward()
    assert z.grad.dtype == torch.float32


def test_without_a_wish_for_a_gradient_there_is_none():
    z = batch(4, 5)
    plain = pairwise_sum(z, torch.arange(5), fourth_powers, counts=2)[0]
    assert not plain.requires_grad
    for context in (torch.no_grad(), torch.inference_mode()):
        with context:
            again = pairwise_sum(z, torch.arange(5), fourth_powers, counts=2)[0]
        assert float(again) == float(plain)


def test_a_second_derivative_is_refused():
    z = batch(5, 4).requires_grad_()
    value, _ = pairwise_sum(z, torch.arange(4), fourth_powers, counts=2)
    with pytest.raises(RuntimeError, match="no second derivative"):
        torch.autograd.grad(value.square(), z, create_graph=True)
