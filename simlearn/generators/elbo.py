"""The loss of a variational autoencoder with a learned variance."""

from __future__ import annotations

import math
from typing import NamedTuple

from torch import Tensor

SMALLEST = 1e-6
"""Smallest variance of the reconstruction: one without any error has no likelihood."""


class VAELoss(NamedTuple):
    """The negative evidence lower bound in nats, all scalars and means over the batch.

    Attributes:
        value: ``reconstruction + beta * kl``.
        reconstruction: negative log-likelihood of the samples.
        kl: divergence of the codes' posteriors from N(0, I).
    """

    value: Tensor
    reconstruction: Tensor
    kl: Tensor


def vae_loss(
    x: Tensor,
    reconstruction: Tensor,
    mean: Tensor,
    log_var: Tensor,
    *,
    beta: float = 1.0,
    variance: float | None = None,
) -> VAELoss:
    """Negative log-likelihood of a Gaussian around the reconstruction plus ``beta`` times the KL.

    ``D/2 (mse / v + log v + log 2 pi)`` with mse the mean squared error over the batch and all D
    features. The variance v is one number; by default it is the mse itself, its best value for
    this batch ("optimal sigma-VAE", Rybkin, Daniilidis and Levine 2021), so that the first part is
    ``D/2 (1 + log mse + log 2 pi)`` and no weight between the two parts has to be tuned.

    Args:
        x: ``(B, D)`` samples, B at least 1.
        reconstruction: ``(B, D)``.
        mean: ``(B, L)`` of the codes' posteriors.
        log_var: ``(B, L)``, the logarithms of their variances.
        beta: weight of the KL (Higgins et al. 2017), at least 0.
        variance: v where it is given, above 0; v is at least :data:`SMALLEST`.

    Raises:
        ValueError: shapes that do not agree, or no sample.
    """
    if x.shape != reconstruction.shape or mean.shape != log_var.shape or len(x) != len(mean):
        raise ValueError(
            "x and reconstruction must be (B, D), mean and log_var (B, L), found "
            f"{[tuple(t.shape) for t in (x, reconstruction, mean, log_var)]}"
        )
    if not len(x):
        raise ValueError("there is no sample to reconstruct")
    mse = (x - reconstruction).square().mean()
    v = (mse if variance is None else mse.new_tensor(variance)).clamp_min(SMALLEST)
    likelihood = x.shape[1] / 2 * (mse / v + v.log() + math.log(2 * math.pi))
    kl = kl_from_standard(mean, log_var).mean()
    return VAELoss(likelihood + beta * kl, likelihood, kl)


def kl_from_standard(mean: Tensor, log_var: Tensor) -> Tensor:
    """``(B,)`` KL(N(mean, exp(log_var)) || N(0, I)) of diagonal Gaussians ``(B, L)``, in nats.

    Appendix B of Kingma and Welling (2014).
    """
    return (mean.square() + log_var.exp() - 1 - log_var).sum(dim=1) / 2
