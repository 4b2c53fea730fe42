"""The bootstrap over counts: problems are drawn with replacement, memory stays flat."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from simlearn.data.randomness import numpy_generator

_AT_ONCE = 256


def resampled_counts(
    counts: np.ndarray, draws: int, generator: np.random.Generator
) -> Iterator[np.ndarray]:
    """Counts of resamples, some draws at a time.

    Rows drawn with replacement fall into their cells by a multinomial law with the cells' shares;
    drawing the counts is the same as drawing the rows.

    Args:
        counts: any shape, int64, not negative; their sum is the number of rows of every draw.
        draws: how many resamples.
        generator: source of randomness.

    Yields:
        ``(at most 256, *counts.shape)`` int64; together ``draws`` of them.
    """
    flat = counts.reshape(-1)
    filled = np.flatnonzero(flat)
    total = int(flat.sum())
    for start in range(0, draws, _AT_ONCE):
        size = min(_AT_ONCE, draws - start)
        drawn = np.zeros((size, flat.size), dtype=np.int64)
        if total:
            drawn[:, filled] = generator.multinomial(total, flat[filled] / total, size=size)
        yield drawn.reshape(size, *counts.shape)


def percentile_interval(values: np.ndarray) -> tuple[float, float]:
    """The middle 95 % of resampled values.

    Args:
        values: ``(draws,)``; nan (nothing to average in a draw) is left out.

    Returns:
        (low, high); (nan, nan) where every value is nan.
    """
    there = values[~np.isnan(values)]
    if not there.size:
        return float("nan"), float("nan")
    low, high = np.quantile(there, (0.025, 0.975))
    return float(low), float(high)


def mean_interval(
    values: np.ndarray, *, draws: int, seed: int, purpose: str
) -> tuple[float, float]:
    """Percentile interval, 95 %, of the mean of one value per problem.

    For a paired comparison give the problems' differences. Unlike
    :func:`simlearn.evaluation.bootstrap_interval` it draws counts of the different values, which
    are few, and so needs no (draws, N) numbers.

    Args:
        values: ``(N,)`` finite.
        draws: resamples, at least 1.
        seed: of the resamples.
        purpose: what is drawn, so that each interval has draws of its own.

    Returns:
        (low, high), around the mean; (nan, nan) without a value.

    Raises:
        ValueError: no draw.
    """
    check_draws(draws, 1)
    if not len(values):
        return float("nan"), float("nan")
    different, counts = np.unique(values.astype(np.float64), return_counts=True)
    generator = numpy_generator(seed, "error radar", purpose)
    means = [part @ different for part in resampled_counts(counts, draws, generator)]
    low, high = percentile_interval(np.concatenate(means) / len(values))
    mean = float(counts @ different) / len(values)
    return min(low, mean), max(high, mean)


def check_draws(draws: int, least: int) -> None:
    """Refuse a number of resamples below ``least``."""
    if isinstance(draws, bool) or not isinstance(draws, int) or draws < least:
        raise ValueError(f"draws is {repr(draws)[:60]}: a whole number, at least {least}")
