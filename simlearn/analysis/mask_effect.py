"""What a mask of neurons costs, beside random masks of the same size, with intervals."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from simlearn.data.randomness import torch_generator
from simlearn.evaluation.intervals import times_drawn

CELLS = 1 << 22
"""Numbers of one chunk of resamples."""
TAILS = (0.025, 0.975)
"""Percentiles of the 95 % intervals."""


@dataclass(frozen=True)
class MaskEffect:
    """A drop, what random masks drop, and the difference; intervals of 95 %.

    Attributes:
        drop: mean fall of the score from no mask to the mask; positive means that it got worse.
        interval: (low, high) over questions.
        random_drop: the same, mean over the random masks; nan without one.
        random_interval: over questions and random masks.
        excess: ``drop - random_drop``.
        excess_interval: over questions and random masks together; the mined and the random masks
            are always scored on the same drawn questions.
        n: questions counted; those with a nan anywhere are left out.
        masks: random masks.
    """

    drop: float
    interval: tuple[float, float]
    random_drop: float
    random_interval: tuple[float, float]
    excess: float
    excess_interval: tuple[float, float]
    n: int
    masks: int


def drop_interval(
    base: Tensor,
    masked: Tensor,
    controls: Tensor,
    *,
    clusters: Tensor | None = None,
    draws: int = 2000,
    seed: int = 0,
    higher_is_better: bool = True,
) -> MaskEffect:
    """Paired drop under a mask, less that under random masks, with bootstrap intervals.

    ``excess = mean(base - masked) - mean(base - controls)``; questions and random masks are drawn
    anew together (Owen 2007, "The pigeonhole bootstrap"). Take at least 20 random masks: with R of
    them the interval cannot say anything rarer than they do.

    Args:
        base: ``(Q,)`` score of each question without a mask (accuracy as bool or 0 to 1, margin).
        masked: ``(Q,)`` with the mask.
        controls: ``(R, Q)`` with each random mask; R may be 0.
        clusters: ``(Q,)`` int64: questions of one number (about one picture) are drawn together;
            ``None`` where all are independent.
        draws: resamples.
        seed: of the resamples.
        higher_is_better: ``False`` for a loss: drops are then rises, so positive is worse again.

    Returns:
        All in the units of the score; nan where no question or no mask is left.

    Raises:
        ValueError: shapes that do not fit, or no draw.
    """
    own, random = drops(base, masked, controls, higher_is_better=higher_is_better)
    if draws < 1:
        raise ValueError(f"draws is {draws}: at least 1")
    groups = kept_clusters(base, masked, controls, clusters)
    generator = torch_generator(seed, "mask", "interval")
    masks = mask_weights(len(random), draws, generator)
    own_draws, random_draws = resample(own, random, masks, generator, groups)
    drop, random_drop = own.mean(), random.mean()
    return MaskEffect(
        drop=float(drop),
        interval=bounds(own_draws, drop),
        random_drop=float(random_drop),
        random_interval=bounds(random_draws, random_drop),
        excess=float(drop - random_drop),
        excess_interval=bounds(own_draws - random_draws, drop - random_drop),
        n=len(own),
        masks=len(random),
    )


def drops(
    base: Tensor, masked: Tensor, controls: Tensor, *, higher_is_better: bool = True
) -> tuple[Tensor, Tensor]:
    """How much worse each question became.

    Args:
        base: ``(Q,)``.
        masked: ``(Q,)``.
        controls: ``(R, Q)``.
        higher_is_better: of the scores.

    Returns:
        ``(n,)`` and ``(R, n)`` float64, on the CPU, of the n questions without a nan.

    Raises:
        ValueError: shapes that do not fit.
    """
    if base.ndim != 1 or masked.shape != base.shape or controls.shape[1:] != base.shape:
        raise ValueError(
            f"base and masked must be (Q,) and controls (R, Q), found {tuple(base.shape)}, "
            f"{tuple(masked.shape)} and {tuple(controls.shape)}"
        )
    sign = 1.0 if higher_is_better else -1.0
    before = base.double().cpu()
    own = sign * (before - masked.double().cpu())
    random = sign * (before - controls.double().cpu())
    kept = ~(own.isnan() | random.isnan().any(dim=0))
    return own[kept], random[:, kept]


def kept_clusters(
    base: Tensor, masked: Tensor, controls: Tensor, clusters: Tensor | None
) -> Tensor | None:
    """``(n,)`` numbers from 0 of the questions that :func:`drops` keeps; ``None`` for ``None``.

    Raises:
        ValueError: not one number for each question.
    """
    if clusters is None:
        return None
    if clusters.shape != base.shape:
        raise ValueError(
            f"clusters must be (Q,) = {tuple(base.shape)}, found {tuple(clusters.shape)}"
        )
    before = base.double().cpu()
    nan = (before - masked.double().cpu()).isnan()
    nan = nan | (before - controls.double().cpu()).isnan().any(dim=0)
    return torch.unique(clusters.cpu()[~nan], return_inverse=True)[1]


def mask_weights(masks: int, draws: int, generator: torch.Generator) -> Tensor:
    """``(draws, R)`` float64 weights of the random masks; rows sum to 1 (R may be 0)."""
    if masks == 0:
        return torch.zeros(draws, 0, dtype=torch.float64)
    return times_drawn(masks, draws, generator) / masks


def resample(
    own: Tensor,
    random: Tensor,
    masks: Tensor,
    generator: torch.Generator,
    clusters: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Mean drops of resampled questions and masks.

    Args:
        own: ``(Q,)`` float64 drops under the mask.
        random: ``(R, Q)`` under the random masks.
        masks: ``(draws, R)`` weights of the random masks.
        generator: draws the questions.
        clusters: ``(Q,)`` numbers from 0 of what is drawn together; ``None`` for each by itself.

    Returns:
        ``(draws,)`` of the mask and ``(draws,)`` of the random masks; nan without Q or R.
    """
    draws, count = len(masks), len(own)
    nothing = torch.full((draws,), float("nan"), dtype=torch.float64)
    if count == 0:
        return nothing, nothing
    both = torch.cat([own[None], random]).T
    sizes = torch.ones(count, dtype=torch.float64)
    if clusters is not None:
        count = int(clusters.max()) + 1
        both = both.new_zeros(count, both.shape[1]).index_add_(0, clusters, both)
        sizes = torch.bincount(clusters, minlength=count).double()
    parts = []
    for part in torch.arange(draws).split(max(1, CELLS // count)):
        drawn = times_drawn(count, len(part), generator)
        parts.append(drawn @ both / (drawn @ sizes)[:, None])
    means = torch.cat(parts)
    if len(random) == 0:
        return means[:, 0], nothing
    return means[:, 0], (means[:, 1:] * masks).sum(dim=1)


def bounds(values: Tensor, middle: Tensor) -> tuple[float, float]:
    """Percentiles 2.5 and 97.5 of resampled values, free of rounding about the value itself.

    Args:
        values: ``(draws,)`` float64.
        middle: the value that was resampled.
    """
    if bool(values.isnan().any()):
        return float("nan"), float("nan")
    found = torch.quantile(values, torch.tensor(TAILS, dtype=torch.float64))
    low, high = torch.where((found - middle).abs() < 1e-12, middle, found).tolist()
    return low, high
