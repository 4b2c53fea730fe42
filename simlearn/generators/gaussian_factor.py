"""Factors of covariances from which samples are drawn: full, low rank plus diagonal, diagonal."""

from __future__ import annotations

import torch
from torch import Tensor


def full_factor(x: Tensor, shrinkage: float = 0.02) -> Tensor:
    """Cholesky factor of the covariance of a class, shrunk towards its diagonal.

    ``L L' = (1 - s) S + s diag(S)`` with S the covariance divided by N and s the shrinkage: the
    variances stay as they are and every correlation becomes ``1 - s`` of itself. With s > 0 it
    exists for any N, also below D. The row of a constant feature is 0.

    Args:
        x: ``(N, D)`` samples, N at least 1.
        shrinkage: s in [0, 1].

    Returns:
        ``(D, D)`` float64 lower triangular.

    Raises:
        ValueError: no sample, or a singular covariance, which only happens for s near 0.
    """
    centred, std = _centred_and_std(x)
    identity = torch.eye(x.shape[1], dtype=torch.float64, device=x.device)
    correlation = centred.T @ centred / len(x)
    shrunk = torch.where(identity > 0, identity, (1 - shrinkage) * correlation)
    factor, failed = torch.linalg.cholesky_ex(shrunk)
    if failed:
        raise ValueError(
            f"the covariance of {len(x)} samples with {x.shape[1]} features is singular at "
            f"shrinkage {shrinkage}: raise it (0.02), or use covariance=low_rank"
        )
    return std[:, None] * factor


def low_rank_factor(x: Tensor, rank: int, shrinkage: float = 0.02) -> tuple[Tensor, Tensor]:
    """Factor and residual of ``W W' + diag(r^2)``, an approximation of the covariance of a class.

    W spans the ``rank`` largest principal axes of the correlation matrix, shrunk as in
    :func:`full_factor` and scaled back; r is what they leave of every variance, so the diagonal is
    exact. Axes that N samples do not have are 0.

    Args:
        x: ``(N, D)`` samples, N at least 1.
        rank: columns of W, at least 1.
        shrinkage: in [0, 1].

    Returns:
        W ``(D, rank)`` and r ``(D,)``, at least 0, both float64.

    Raises:
        ValueError: no sample.
    """
    centred, std = _centred_and_std(x)
    values, axes = principal_axes(centred, rank)
    factor = torch.zeros(x.shape[1], rank, dtype=torch.float64, device=x.device)
    shrunk = (1 - shrinkage) * values + shrinkage
    factor[:, : len(values)] = axes * shrunk.sqrt()
    factor *= std[:, None]
    residual = (std.square() - factor.square().sum(dim=1)).clamp_min(0).sqrt()
    return factor, residual


def principal_axes(x: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """Largest eigenvalues of ``x' x / N`` and their eigenvectors, by the smaller Gram matrix.

    Axes without variance (below 1e-12 of the largest) are left out.

    Args:
        x: ``(N, D)`` float64.
        rank: most axes.

    Returns:
        values ``(r,)`` descending and axes ``(D, r)`` orthonormal, r at most rank.
    """
    n, features = x.shape
    wide = n < features
    values, vectors = torch.linalg.eigh((x @ x.T if wide else x.T @ x) / n)
    values, vectors = values.flip(0)[:rank], vectors.flip(1)[:, :rank]
    kept = values > 1e-12 * values[:1].clamp_min(1e-300)
    values, vectors = values[kept], vectors[:, kept]
    return values, x.T @ vectors / (n * values).sqrt() if wide else vectors


def _centred_and_std(x: Tensor) -> tuple[Tensor, Tensor]:
    """Centred features in units of their standard deviation, and that; 0 for constant ones."""
    if not len(x):
        raise ValueError("there is no sample to take the covariance of")
    wide = x.double()
    std = wide.std(dim=0, correction=0)
    constant = (x == x[0]).all(dim=0)
    std = torch.where(constant, 0, std)
    return (wide - wide.mean(dim=0)) / torch.where(constant, torch.inf, std), std
