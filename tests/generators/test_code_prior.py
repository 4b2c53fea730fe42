"""The Gaussian of the codes against the moments of the mixture of posteriors."""

from __future__ import annotations

import pytest
import torch

from simlearn.generators.code_prior import SMALLEST, draw_codes, fit_code_prior
from simlearn.generators.triangle import unpack_triangle
from tests.generators.clouds import factor_of, seeded


def posteriors(n=7, latent=3):
    g = seeded()
    mean = torch.randn(n, latent, generator=g, dtype=torch.float64) @ factor_of(0, latent).double()
    return mean, torch.randn(n, latent, generator=g, dtype=torch.float64)


def test_moments_are_those_of_the_mixture():
    means, log_vars = posteriors()
    centre, factor = fit_code_prior(means, log_vars)
    second = torch.zeros(3, 3, dtype=torch.float64)  # E[u u'] over the mixture, component by one
    for mean, log_var in zip(means, log_vars, strict=True):
        second += (torch.outer(mean, mean) + torch.diag(log_var.exp())) / len(means)
    expected = second - torch.outer(means.mean(dim=0), means.mean(dim=0))
    dense = unpack_triangle(factor)
    assert torch.allclose(centre, means.mean(dim=0))
    assert torch.allclose(dense @ dense.T, expected)


def test_moments_of_codes_drawn_from_the_posteriors():
    means, log_vars = posteriors()
    g = seeded(1)
    which = torch.randint(len(means), (40_000,), generator=g)
    noise = torch.randn(40_000, 3, generator=g, dtype=torch.float64)
    mixture = means[which] + (log_vars[which] / 2).exp() * noise
    drawn = draw_codes(*fit_code_prior(means, log_vars), 40_000, g)
    assert torch.allclose(drawn.mean(dim=0), mixture.mean(dim=0), atol=0.05)
    assert torch.allclose(drawn.T.cov(), mixture.T.cov(), atol=0.1)


def test_one_code_has_its_own_variance():
    centre, factor = fit_code_prior(torch.tensor([[2.0, -1.0]]), torch.tensor([[0.0, 2.0]]))
    assert centre.tolist() == [2.0, -1.0]
    assert factor.tolist() == pytest.approx([1.0, 0.0, torch.e], rel=1e-6)
    assert (centre.dtype, factor.dtype) == (torch.float32, torch.float32)


def test_collapsed_codes_are_not_singular():
    _, factor = fit_code_prior(torch.ones(5, 2), torch.full((5, 2), -200.0))
    assert factor.tolist() == pytest.approx([SMALLEST**0.5, 0.0, SMALLEST**0.5])


def test_draws_are_mean_plus_factor_times_noise():
    factor = torch.tensor([2.0, 1.0, 3.0])
    drawn = draw_codes(torch.tensor([1.0, 0.0]), factor, 4, seeded(3))
    noise = torch.randn(4, 2, generator=seeded(3)).tolist()
    expected = [[1 + 2 * a, a + 3 * b] for a, b in noise]
    assert torch.allclose(drawn, torch.tensor(expected))


def test_no_code():
    with pytest.raises(ValueError, match="no code to fit a prior to"):
        fit_code_prior(torch.zeros(0, 2), torch.zeros(0, 2))
