"""Whether one model is right more often than another on the same problems."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from torch import Tensor

from simlearn.analysis.errorradar.resampling import mean_interval


class McNemar(NamedTuple):
    """A comparison of two models on N problems.

    Attributes:
        only_a: problems that only the first has right.
        only_b: problems that only the second has right.
        difference: share right of the first less that of the second; nan without a problem.
        interval: 95 % of the difference, paired bootstrap over problems; (nan, nan) without any.
        p: exact and two-sided; 1 where the two differ nowhere, nan without a problem.
    """

    only_a: int
    only_b: int
    difference: float
    interval: tuple[float, float]
    p: float


def mcnemar_test(
    right_a: Sequence[bool] | np.ndarray | Tensor,
    right_b: Sequence[bool] | np.ndarray | Tensor,
    *,
    draws: int = 10_000,
    seed: int = 0,
) -> McNemar:
    """McNemar's exact test: given how many problems only one has right, are they split evenly?

    The p-value is binomial (``only_a`` of ``only_a + only_b`` at 1/2), so it holds for few
    problems too. The interval is the paired percentile bootstrap: problems are drawn with
    replacement together with both models' results.

    Args:
        right_a: ``(N,)`` bools, or 0 and 1: what the first model has right.
        right_b: the same problems in the same order.
        draws: resamples, at least 1.
        seed: of the resamples.

    Raises:
        ValueError: different lengths, a value other than 0 and 1 (``None``: leave out problems
            that one of them was not asked), or no draw.
    """
    from scipy.stats import binomtest

    a, b = _bools(right_a, "right_a"), _bools(right_b, "right_b")
    if len(a) != len(b):
        raise ValueError(
            f"right_a has {len(a)} and right_b {len(b)} values: both must be of the same problems, "
            "in the same order"
        )
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    difference = a.astype(np.float64) - b
    interval = mean_interval(difference, draws=draws, seed=seed, purpose="paired")
    if not len(a):
        return McNemar(0, 0, float("nan"), interval, float("nan"))
    discordant = only_a + only_b
    p = float(binomtest(only_a, discordant, 0.5).pvalue) if discordant else 1.0
    return McNemar(only_a, only_b, (only_a - only_b) / len(a), interval, p)


def _bools(values: Sequence[bool] | np.ndarray | Tensor, name: str) -> np.ndarray:
    """``(N,)`` bool."""
    found = values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)
    if found.ndim != 1:
        raise ValueError(f"{name} must be (N,), found the shape {found.shape}")
    if found.size and found.dtype.kind not in "buif":
        raise ValueError(f"{name} must hold bools; leave out problems that have none")
    if not np.isin(found, (0, 1)).all():
        raise ValueError(f"{name} must hold bools, or 0 and 1")
    return found.astype(bool)
