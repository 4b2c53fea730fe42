"""The loss of the autoencoder against loops and against torch's distributions."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.distributions import Normal, kl_divergence

from simlearn.generators.elbo import SMALLEST, kl_from_standard, vae_loss
from tests.generators.clouds import seeded


def batch(seed, b=5, d=4, latent=3):
    g = seeded(seed)
    sizes = ((b, d), (b, d), (b, latent), (b, latent))
    return [torch.randn(*size, generator=g, dtype=torch.float64) for size in sizes]


def naive(x, r, mean, log_var, beta, variance=None):
    """Sample by sample, value by value, with the density of the normal distribution."""
    pairs = [
        (a, b)
        for u, v in zip(x.tolist(), r.tolist(), strict=True)
        for a, b in zip(u, v, strict=True)
    ]
    v = sum((a - b) ** 2 for a, b in pairs) / len(pairs) if variance is None else variance
    likelihood = -sum(
        math.log(math.exp(-((a - b) ** 2) / (2 * v)) / math.sqrt(2 * math.pi * v)) for a, b in pairs
    )
    kl = 0.0
    for ms, ls in zip(mean.tolist(), log_var.tolist(), strict=True):
        for m, log in zip(ms, ls, strict=True):
            s = math.exp(log / 2)
            kl += -math.log(s) + (s * s + m * m) / 2 - 0.5
    n = len(x)
    return likelihood / n + beta * kl / n, likelihood / n, kl / n


@given(st.integers(0, 10_000), st.floats(0, 5), st.sampled_from([None, 0.5, 2.0]))
def test_equals_the_loop(seed, beta, variance):
    parts = batch(seed)
    out = vae_loss(*parts, beta=beta, variance=variance)
    assert [float(v) for v in out] == pytest.approx(naive(*parts, beta, variance), rel=1e-9)


def test_kl_equals_the_distributions():
    _, _, mean, log_var = batch(1)
    standard = Normal(torch.zeros_like(mean), torch.ones_like(mean))
    expected = kl_divergence(Normal(mean, (log_var / 2).exp()), standard).sum(dim=1)
    assert torch.allclose(kl_from_standard(mean, log_var), expected)
    assert kl_from_standard(torch.zeros(2, 3), torch.zeros(2, 3)).tolist() == [0.0, 0.0]


def test_likelihood_equals_the_distribution():
    x, r, mean, log_var = batch(2)
    expected = -Normal(r, 0.7**0.5).log_prob(x).sum(dim=1).mean()
    assert torch.allclose(vae_loss(x, r, mean, log_var, variance=0.7).reconstruction, expected)


def test_the_own_variance_is_the_best_one():
    x, r, mean, log_var = batch(3)
    best = float(vae_loss(x, r, mean, log_var).reconstruction)
    mse = float((x - r).square().mean())
    assert float(vae_loss(x, r, mean, log_var, variance=mse).reconstruction) == pytest.approx(best)
    for factor in (0.5, 0.9, 1.1, 2.0):
        worse = vae_loss(x, r, mean, log_var, variance=mse * factor).reconstruction
        assert float(worse) > best


@pytest.mark.parametrize("variance", [None, 0.5])
def test_gradients_are_right(variance):
    x, *rest = batch(4)
    rest = [tensor.requires_grad_() for tensor in rest]
    assert torch.autograd.gradcheck(
        lambda r, m, v: vae_loss(x, r, m, v, beta=0.3, variance=variance).value, rest
    )


def test_the_gradient_through_the_variance_is_that_of_the_best_one_held():
    x, r, mean, log_var = batch(5)
    one, two = r.clone().requires_grad_(), r.clone().requires_grad_()
    vae_loss(x, one, mean, log_var).value.backward()
    mse = float((x - r).square().mean())
    vae_loss(x, two, mean, log_var, variance=mse).value.backward()
    assert torch.allclose(one.grad, two.grad)


def test_no_error_at_all_stays_finite():
    x = torch.ones(2, 3, requires_grad=True)
    out = vae_loss(x, torch.ones(2, 3), torch.zeros(2, 1), torch.zeros(2, 1))
    out.value.backward()
    expected = 1.5 * (math.log(SMALLEST) + math.log(2 * math.pi))
    assert float(out.value.detach()) == pytest.approx(expected)
    assert torch.equal(x.grad, torch.zeros(2, 3))


def test_refusals():
    x, r, mean, log_var = batch(6)
    for bad in (
        (x, r[:, :2], mean, log_var),
        (x, r, mean[:, :2], log_var),
        (x[:2], r[:2], mean, log_var),
    ):
        with pytest.raises(ValueError, match=r"x and reconstruction must be \(B, D\)"):
            vae_loss(*bad)
    with pytest.raises(ValueError, match="no sample to reconstruct"):
        vae_loss(x[:0], r[:0], mean[:0], log_var[:0])
