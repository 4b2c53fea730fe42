"""Bootstrap intervals over identities: queries of one person are not independent."""

from __future__ import annotations

import torch
from torch import Tensor


def times_drawn(size: int, draws: int, generator: torch.Generator) -> Tensor:
    """How often each of ``size`` things comes among ``size`` drawn with replacement.

    Args:
        size: at least 1.
        draws: number of resamples.
        generator: source of randomness.

    Returns:
        ``(draws, size)`` float64; every row sums to ``size``.
    """
    drawn = torch.randint(size, (draws, size), generator=generator)
    ones = torch.ones(draws, size, dtype=torch.float64)
    return torch.zeros_like(ones).scatter_add_(1, drawn, ones)


def bootstrap_interval(
    values: Tensor,
    clusters: Tensor,
    *,
    draws: int = 1000,
    level: float = 0.95,
    generator: torch.Generator,
) -> tuple[float, float]:
    """Percentile interval of the mean when whole clusters are drawn with replacement.

    Args:
        values: ``(N,)`` one value per query.
        clusters: ``(N,)`` int64 identity of each query.
        draws: number of resamples.
        level: probability covered.
        generator: source of randomness.

    Returns:
        (low, high); (nan, nan) without a value.

    Raises:
        ValueError: not one cluster for each value, no draw, or a level outside (0, 1).
    """
    if values.ndim != 1 or values.shape != clusters.shape:
        raise ValueError(
            f"values and clusters must be (N,), found {tuple(values.shape)} and "
            f"{tuple(clusters.shape)}"
        )
    if draws < 1 or not 0 < level < 1:
        raise ValueError(f"draws is {draws} and level {level}: at least 1, and inside (0, 1)")
    if len(values) == 0:
        return float("nan"), float("nan")
    names, inverse = torch.unique(clusters, return_inverse=True)
    sums = torch.zeros(len(names), dtype=torch.float64).index_add_(0, inverse, values.double())
    counts = torch.bincount(inverse, minlength=len(names)).double()
    drawn = torch.randint(len(names), (draws, len(names)), generator=generator)
    means = sums[drawn].sum(dim=1) / counts[drawn].sum(dim=1)
    tail = (1.0 - level) / 2
    bounds = torch.quantile(means, torch.tensor([tail, 1.0 - tail], dtype=torch.float64))
    mean = values.double().mean()  # summed in another order: rounding must not leave it outside
    low, high = torch.where((bounds - mean).abs() < 1e-12, mean, bounds)
    return float(low), float(high)
