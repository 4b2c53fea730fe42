"""Factors against dense covariances made by loops and by NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from simlearn.generators.gaussian_factor import full_factor, low_rank_factor, principal_axes
from tests.generators.clouds import factor_of, seeded


def samples(n, d, seed=0):
    g = seeded(seed)
    return torch.randn(n, d, generator=g, dtype=torch.float64) @ factor_of(seed, d).double()


def naive_covariance(x, shrinkage=0.0):
    """``(1 - s) E[ab] - E[a]E[b]`` entry by entry; the diagonal is left alone."""
    rows = x.tolist()
    n, d = len(rows), len(rows[0])
    mean = [sum(row[i] for row in rows) / n for i in range(d)]
    full = [
        [sum(row[i] * row[j] for row in rows) / n - mean[i] * mean[j] for j in range(d)]
        for i in range(d)
    ]
    kept = [
        [v if i == j else (1 - shrinkage) * v for j, v in enumerate(r)] for i, r in enumerate(full)
    ]
    return torch.tensor(kept, dtype=torch.float64)


@given(st.integers(0, 1000), st.integers(2, 15), st.integers(1, 5), st.floats(0.01, 1))
def test_full_equals_the_shrunk_covariance(seed, n, d, shrinkage):
    x = samples(n, d, seed)
    factor = full_factor(x, shrinkage)
    assert torch.equal(factor, factor.tril())
    expected = naive_covariance(x, shrinkage)
    assert torch.allclose(factor @ factor.T, expected, atol=1e-9)


def test_full_with_fewer_samples_than_features():
    x = samples(3, 40)
    factor = full_factor(x)
    assert torch.isfinite(factor).all() and float(factor.diagonal().min()) > 0
    with pytest.raises(ValueError, match="singular at shrinkage 0.0: raise it"):
        full_factor(x, 0.0)


def test_constant_features_have_no_factor():
    x = samples(9, 4)
    x[:, 2] = 1 / 3
    for factor in (full_factor(x), low_rank_factor(x, 4)[0], low_rank_factor(x, 4)[1][:, None]):
        assert torch.equal(factor[2], torch.zeros_like(factor[2]))
        assert torch.isfinite(factor).all()
    full = full_factor(x)
    assert torch.allclose(full @ full.T, naive_covariance(x, 0.02), atol=1e-9)


@pytest.mark.parametrize(("n", "d"), [(30, 6), (4, 12), (7, 7)])
@pytest.mark.parametrize("rank", [1, 3, 20])
def test_low_rank_equals_the_dense_oracle(n, d, rank):
    x = samples(n, d, 3)
    factor, residual = low_rank_factor(x, rank, 0.1)
    assert (factor.shape, residual.shape) == ((d, rank), (d,))
    covariance = np.asarray(naive_covariance(x))
    std = np.sqrt(covariance.diagonal())
    correlation = 0.9 * covariance / np.outer(std, std) + 0.1 * np.eye(d)
    values, vectors = np.linalg.eigh(correlation)
    real = min(rank, n - 1, d)  # axes that the samples have
    top = vectors[:, ::-1][:, :real]
    dense = np.outer(std, std) * (top * values[::-1][:real] @ top.T)
    assert np.allclose(factor @ factor.T, dense, atol=1e-9)
    assert np.allclose(residual.square(), covariance.diagonal() - dense.diagonal(), atol=1e-9)


def test_low_rank_with_all_axes_is_the_full_covariance():
    x = samples(40, 5)
    factor, residual = low_rank_factor(x, 5, 0.02)
    made = factor @ factor.T + residual.square().diag()
    assert torch.allclose(made, naive_covariance(x, 0.02), atol=1e-9)


@pytest.mark.parametrize("shape", [(8, 5), (5, 8)])
def test_principal_axes_are_singular_vectors(shape):
    x = torch.randn(*shape, generator=seeded(), dtype=torch.float64)
    values, axes = principal_axes(x, 3)
    _, singular, right = np.linalg.svd(np.asarray(x))
    assert np.allclose(values, singular[:3] ** 2 / shape[0])
    assert np.allclose(np.abs(axes.numpy().T @ right[:3].T), np.eye(3), atol=1e-8)


def test_no_sample_and_no_spread():
    for factor in (full_factor, lambda x: low_rank_factor(x, 2)):
        with pytest.raises(ValueError, match="no sample to take the covariance of"):
            factor(torch.zeros(0, 3))
    assert torch.equal(full_factor(torch.ones(4, 3)), torch.zeros(3, 3, dtype=torch.float64))
    values, axes = principal_axes(torch.zeros(4, 3, dtype=torch.float64), 2)
    assert (values.shape, axes.shape) == ((0,), (3, 0))
