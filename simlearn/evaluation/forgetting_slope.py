"""How fast old classes are forgotten: the slope of their accuracy over the experiences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from simlearn.evaluation.intervals import times_drawn

BLOCK = 100
"""Resamples held at once."""


def old_class_slope(
    correct: Sequence[Tensor],
    arrived: Tensor | None = None,
    *,
    draws: int = 1000,
    generator: torch.Generator,
) -> dict[str, Any]:
    """Least-squares slope of the accuracy on old classes, with its interval over test items.

    Args:
        correct: T tensors ``(N,)`` bool: whether each of the same N test items is right after
            experience t = 0, ..., T-1.
        arrived: ``(N,)`` int64 experience that brought the class of each item: an item counts only
            after later experiences, so that the old classes become more. ``None``: the items are of
            the base classes and count after every experience, the first one too.
        draws: resamples of the items, at least 1; one that lacks items of an experience is left
            out.
        generator: source of randomness.

    Returns:
        ``slope`` in accuracy points (hundredths) per experience, negative where accuracy falls;
        ``interval`` (low, high), percentiles 2.5 and 97.5 of the resamples; ``accuracy`` list of
        T shares, nan where no item counts; ``n`` items. With fewer than two experiences in which
        an item counts slope and interval are nan.

    Raises:
        ValueError: items that are not the same after every experience, not bool, no draw.
    """
    right = _stacked(correct, arrived, draws)
    experiences, n = right.shape
    counts = torch.ones_like(right)
    if arrived is not None:
        counts = (arrived < torch.arange(experiences)[:, None]).double()
    right = right * counts
    accuracy = right.sum(dim=1) / counts.sum(dim=1)  # 0 / 0 is nan
    used = counts.sum(dim=1) > 0
    found = {"slope": float("nan"), "interval": (float("nan"), float("nan"))}
    found |= {"accuracy": accuracy.tolist(), "n": n}
    if int(used.sum()) < 2:
        return found
    t = torch.arange(experiences, dtype=torch.float64)[used]
    weights = 100 * (t - t.mean()) / (t - t.mean()).square().sum()
    slope = weights @ accuracy[used]
    resampled = []
    for start in range(0, draws, BLOCK):
        times = times_drawn(n, min(BLOCK, draws - start), generator)
        resampled.append((times @ right[used].T) / (times @ counts[used].T) @ weights)
    slopes = torch.cat(resampled)
    tail = torch.tensor([0.025, 0.975], dtype=torch.float64)
    bounds = torch.nanquantile(slopes, tail)
    low, high = torch.where((bounds - slope).abs() < 1e-9, slope, bounds)  # rounding
    return {**found, "slope": float(slope), "interval": (float(low), float(high))}


def _stacked(correct: Sequence[Tensor], arrived: Tensor | None, draws: int) -> Tensor:
    """``(T, N)`` float64, or refused by what was found."""
    if draws < 1:
        raise ValueError(f"draws is {draws}, must be at least 1")
    for t, row in enumerate(correct):
        if row.dtype != torch.bool or row.ndim != 1:
            raise ValueError(
                f"correct[{t}] must be bool (N,), found {row.dtype} of shape {tuple(row.shape)}"
            )
        if len(row) != len(correct[0]):
            raise ValueError(
                f"correct[{t}] has {len(row)} items and correct[0] {len(correct[0])}: give the "
                "same test items after every experience"
            )
    items = len(correct[0]) if len(correct) else 0
    if arrived is not None and arrived.shape != (items,):
        raise ValueError(f"arrived must be ({items},), found {tuple(arrived.shape)}")
    if not len(correct):
        return torch.zeros(0, 0, dtype=torch.float64)
    return torch.stack([row.cpu() for row in correct]).double()
