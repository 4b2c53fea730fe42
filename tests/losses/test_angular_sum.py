"""The two forms of the sum over negatives, its blocks, and what it gives back."""

from __future__ import annotations

import math

import pytest
import torch

from simlearn.losses.angular_sum import (
    SAFE,
    AngularSettings,
    _joint_by_pairs,
    _joint_logsumexp,
    angular_sum,
)
from tests.oracles.losses import angular_dense


def classes(g, k, b, spread, seed=0):
    """Inner products (g, K, B), -inf within the class, and the mask; b > g * k."""
    generator = torch.Generator().manual_seed(seed)
    s = spread * torch.rand(g, k, b, generator=generator, dtype=torch.float64)
    own = (torch.arange(b) // k)[None, None] == torch.arange(g)[:, None, None]
    own = own.expand(g, k, b)
    return s.masked_fill(own, -torch.inf), own


@pytest.mark.parametrize("spread", [0.01, 1.0, 70.0])
def test_product_equals_log_sum_exp(spread):
    s, own = classes(3, 4, 20, spread)
    scale = 4.0
    assert 2 * scale * spread < SAFE
    pair = ~torch.eye(4, dtype=torch.bool).expand(3, 4, 4)
    weight = torch.rand(3, 4, 4, generator=torch.Generator().manual_seed(1)).double() * pair
    total, shares = _joint_logsumexp(s, own, scale, pair)
    other, other_shares = _joint_by_pairs(s, scale, pair)
    exact = (scale * (s[:, :, None] + s[:, None])).logsumexp(dim=3)
    assert torch.allclose(total[pair], exact[pair], rtol=1e-13)
    assert torch.allclose(other[pair], exact[pair], rtol=1e-13)
    assert torch.allclose(shares(weight), other_shares(weight), rtol=1e-9, atol=1e-13)
    assert not shares(weight)[own].any()


def test_where_the_product_would_underflow_it_is_not_taken():
    s, own = classes(2, 3, 12, 1.0)
    s = torch.where(torch.arange(12) == 11, s - 500.0, s)  # one far negative
    s[0, 0, 11], s[0, 1, :11] = 0.0, s[0, 1, :11] - 1000.0  # the only one that two rows share
    pair = ~torch.eye(3, dtype=torch.bool).expand(2, 3, 3)
    total, _ = _joint_logsumexp(s, own, 4.0, pair)
    exact = (4.0 * (s[:, :, None] + s[:, None])).logsumexp(dim=3)
    assert torch.isfinite(total).all()
    assert torch.allclose(total[pair], exact[pair], rtol=1e-13)


@pytest.mark.parametrize("norm", [8.5, 8.7, 1e3])
def test_both_sides_of_the_bound(norm):
    """At 45 degrees 8 |z|^2 = 600 is where the form may change: nothing is seen of it."""
    g = torch.Generator().manual_seed(2)
    z = norm * torch.nn.functional.normalize(torch.randn(10, 2, generator=g).double(), dim=1)
    y = torch.arange(10) % 4
    one, two = z.clone().requires_grad_(), z.clone().requires_grad_()
    sums, counts = angular_sum(one, y, AngularSettings(t2=1.0), 10)
    value = sums[0] / counts[1]
    wanted = angular_dense(two, y)
    assert value.item() == pytest.approx(wanted.item(), rel=1e-12)
    value.backward()
    wanted.backward()
    assert torch.allclose(one.grad, two.grad, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("norm", [1.0, 20.0])
def test_many_classes_at_a_time(norm):
    """3 * 2^20 products are several blocks; classes of 1, 2, 3 and 5 rows."""
    g = torch.Generator().manual_seed(3)
    sizes = torch.tensor([1] * 40 + [2] * 300 + [3] * 150 + [5] * 14)
    y = torch.repeat_interleave(torch.arange(len(sizes)), sizes)
    y = y[torch.randperm(len(y), generator=g)]
    z = norm * torch.nn.functional.normalize(torch.randn(len(y), 3, generator=g).double(), dim=1)
    one, two = z.clone().requires_grad_(), z.clone().requires_grad_()
    sums, counts = angular_sum(one, y, AngularSettings(t2=0.5, npair=1.0), len(y))
    assert int(counts[1]) == int((sizes * (sizes - 1)).sum())
    alpha = math.degrees(math.atan(math.sqrt(0.5)))
    wanted = angular_dense(two, y, alpha=alpha, npair=1.0)
    value = sum(sums) / counts[1]
    assert value.item() == pytest.approx(wanted.item(), rel=1e-12)
    value.backward()
    wanted.backward()
    assert torch.allclose(one.grad, two.grad, rtol=1e-8, atol=1e-10)


def test_each_sum_has_its_own_gradient():
    g = torch.Generator().manual_seed(4)
    z, y = torch.randn(8, 3, generator=g).double(), torch.arange(8) % 3
    settings = AngularSettings(t2=0.7, npair=1.0)
    for part in range(2):
        leaf = z.clone().requires_grad_()
        assert torch.autograd.gradcheck(
            lambda v, k=part: angular_sum(v, y, settings, 8)[0][k], (leaf,)
        )


def test_kinds_of_numbers():
    z, y = torch.randn(6, 2).requires_grad_(), torch.arange(6) % 2
    sums, counts = angular_sum(z, y, AngularSettings(t2=1.0), 6)
    assert (sums[1].dtype, counts.dtype) == (torch.float64, torch.int64)
    assert float(sums[1].detach()) == 0.0 and not counts.requires_grad
    sums[0].backward()
    assert z.grad.dtype == torch.float32
    assert not angular_sum(z.detach(), y, AngularSettings(t2=1.0), 6)[0][0].requires_grad
    with torch.no_grad():
        assert not angular_sum(z, y, AngularSettings(t2=1.0), 6)[0][0].requires_grad
