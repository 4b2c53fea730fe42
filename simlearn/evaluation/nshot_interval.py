"""Intervals of an n-shot accuracy over identities, over draws, and over both."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from simlearn.data.randomness import torch_generator
from simlearn.evaluation.intervals import times_drawn

RESAMPLES = 1000
"""Resamples of the 95 % intervals."""


def nshot_summary(right: Tensor, count: Tensor, seed: int) -> dict[str, Any]:
    """Accuracy of D draws among C identities, its intervals and its value in each draw.

    A draw's accuracy is (right queries) / (queries); the accuracy is its mean over draws. Intervals
    are percentiles 2.5 and 97.5 of :data:`RESAMPLES` resamples of that number, identities and
    draws drawn anew (Owen 2007, "The pigeonhole bootstrap").

    Args:
        right: ``(D, C)`` float64 right queries of each identity, D at least 1.
        count: ``(D, C)`` float64 queries; at least 1 each where C is 2 or more.
        seed: of the resamples.

    Returns:
        ``accuracy`` in [0, 1]; ``per_draw`` list of D; ``interval`` (lo, hi) over identities and
        draws, ``interval_draws`` and ``interval_identities`` over one of them. Intervals of fewer
        than two identities are nan, and so is what has no queries.
    """
    draws, classes = right.shape
    per_draw = right.sum(dim=1) / count.sum(dim=1)  # 0 / 0 is nan where nothing was measured
    accuracy = per_draw.mean()
    names = ("interval", "interval_draws", "interval_identities")
    found: dict[str, Any] = {"accuracy": float(accuracy), "per_draw": per_draw.tolist()}
    if classes < 2:
        return found | dict.fromkeys(names, (float("nan"), float("nan")))
    generator = torch_generator(seed, "nshot", "interval")
    people = times_drawn(classes, RESAMPLES, generator)
    supports = times_drawn(draws, RESAMPLES, generator) / draws
    ratio = (people @ right.T) / (people @ count.T)
    tail = torch.tensor([0.025, 0.975], dtype=torch.float64)
    for name, values in zip(
        names,
        ((ratio * supports).sum(dim=1), supports @ per_draw, ratio.mean(dim=1)),
        strict=True,
    ):
        bounds = torch.quantile(values, tail)
        low, high = torch.where((bounds - accuracy).abs() < 1e-12, accuracy, bounds)  # rounding
        found[name] = float(low), float(high)
    return found
