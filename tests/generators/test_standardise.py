"""Mean and floored spread against loops over plain numbers."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from simlearn.generators.standardise import SMALLEST, Standardiser, mean_and_std
from tests.generators.clouds import seeded


def naive(x, floor):
    """Mean and standard deviation by ``E[x^2] - E[x]^2``, column by column."""
    columns = list(zip(*x.tolist(), strict=True))
    means = [sum(column) / len(column) for column in columns]
    variances = [
        max(0.0, sum(v * v for v in column) / len(column) - mean**2)
        for column, mean in zip(columns, means, strict=True)
    ]
    overall = math.sqrt(sum(variances) / len(variances))
    return means, [max(math.sqrt(v), floor * overall, SMALLEST) for v in variances]


@given(st.integers(0, 10_000), st.integers(1, 20), st.integers(1, 5))
def test_equals_the_loop(seed, n, d):
    g = seeded(seed)
    x = torch.randn(n, d, generator=g, dtype=torch.float64)
    x = x * torch.tensor([1.0, 0.01, 3.0, 0.0, 0.2], dtype=torch.float64)[:d]
    mean, std = mean_and_std(x)
    means, stds = naive(x, 0.05)
    assert mean.tolist() == pytest.approx(means, abs=1e-9)
    assert std.tolist() == pytest.approx(stds, abs=1e-6)


def test_worked_numbers_of_the_floor():
    x = torch.tensor([[0.0, 5.0], [2.0, 5.0]])  # variances 1 and 0, overall sqrt(1/2)
    mean, std = mean_and_std(x)
    assert mean.tolist() == [1.0, 5.0]
    assert std.tolist() == pytest.approx([1.0, 0.05 / math.sqrt(2)])
    assert mean_and_std(x, floor=0.0)[1].tolist() == pytest.approx([1.0, SMALLEST])
    assert mean_and_std(torch.ones(3, 2))[1].tolist() == pytest.approx([SMALLEST] * 2)


def test_there_and_back():
    x = torch.randn(50, 4, generator=seeded(), dtype=torch.float64) * 3 + 2
    scale = Standardiser.of(x)
    flat = scale.apply(x)
    assert torch.allclose(flat.mean(dim=0), torch.zeros(4, dtype=torch.float64), atol=1e-12)
    assert torch.allclose(flat.square().mean(dim=0), torch.ones(4, dtype=torch.float64))
    assert torch.allclose(scale.invert(flat), x)
    assert torch.equal(Standardiser.of(x, floor=10.0).std, mean_and_std(x, 10.0)[1])


def test_no_sample():
    with pytest.raises(ValueError, match="no sample to take the mean and the spread of"):
        mean_and_std(torch.zeros(0, 3))
