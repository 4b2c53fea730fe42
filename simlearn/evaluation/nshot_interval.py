"""Intervals of an n-shot accuracy over identities, over draws, and over both."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from simlearn.data.randomness import torch_generator

RESAMPLES = 1000
"""Resamples of the 95 % intervals."""


def nshot_summary(right: Tensor, count: Tensor, seed: int) -> dict[str, Any]:
    """Accuracy, its intervals and its value in each draw from ``(D, C)`` sums; nan for C < 2."""
    draws, classes = right.shape
    per_draw = right.sum(dim=1) / count.sum(dim=1)  # 0 / 0 is nan where nothing was measured
    accuracy = per_draw.mean()
    names = ("interval", "interval_draws", "interval_identities")
    found: dict[str, Any] = {"accuracy": float(accuracy), "per_draw": per_draw.tolist()}
    if classes < 2:
        return found | dict.fromkeys(names, (float("nan"), float("nan")))
    generator = torch_generator(seed, "nshot", "interval")
    people = _times_drawn(classes, generator)
    supports = _times_drawn(draws, generator) / draws
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


def _times_drawn(size: int, generator: torch.Generator) -> Tensor:
    """``(RESAMPLES, size)`` float64: how often each of ``size`` was drawn with replacement."""
    drawn = torch.randint(size, (RESAMPLES, size), generator=generator)
    ones = torch.ones(RESAMPLES, size, dtype=torch.float64)
    return torch.zeros_like(ones).scatter_add_(1, drawn, ones)
