"""Hinge over all triplets of a batch without listing them: O(B^2 log K) time, K per class."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from simlearn.losses.class_rows import ClassRows
from simlearn.losses.distances import EPS, root
from simlearn.losses.pairwise import BlockValue

Mining = Literal["all", "semihard"]


def hinge_sum(
    d: Tensor, places: Tensor, rows: ClassRows, margin: float, mining: Mining
) -> BlockValue:
    """Sum over triplets of ``max(0, d_ap - d_an + margin)`` for a block of anchors.

    For each anchor the thresholds ``t_p = d_ap + margin`` of its positives are sorted. How many lie
    above ``d_an`` is found by bisection; these counts are the derivatives, and with them the sum
    is ``sum_p N_p (d_ap + margin) - sum_n P_n d_an``, with P_n thresholds above n and N_p negatives
    below that of p.
    Semi-hard: of those the ones with ``d_ap >= d_an`` are taken away, counted the same way.

    Args:
        d: ``(c, N)`` float64 distances of the anchors to all places.
        places: ``(c,)`` int64 places of the anchors.
        rows: the arrangement by class.
        margin: not negative.
        mining: "all", or "semihard": d_ap < d_an < d_ap + margin.

    Returns:
        The sum, its derivatives by ``d``, and the counts (active, total).
    """
    positive, valid = rows.positives(places)
    negatives = len(rows.order) - rows.count[places]
    near = d.gather(1, positive)
    limit = near + margin
    if margin > 0:  # where rounding loses the margin, an equal distance still lies below
        limit = limit.maximum(near.nextafter(torch.full_like(near, torch.inf)))
    if mining == "semihard":
        valid = valid & (limit > near)  # margin 0: no band
    low, order = near.masked_fill(~valid, -torch.inf).sort(dim=1)
    high = torch.where(low == -torch.inf, low, limit.gather(1, order))
    far = d.scatter(1, positive, torch.inf)  # the own place is among them
    above, below = _counts(high, far, right=True)
    if mining == "semihard":
        closer, farther = _counts(low, far, right=False)
        above, below = above - closer, below - farther
    per_positive = torch.zeros_like(below).scatter(1, order, below)
    kept = near.masked_fill(~valid, 0.0)
    active = above.sum()
    value = margin * active.to(d.dtype) + ((per_positive * kept).sum() - (above * d).sum())
    slope = (-above).to(d.dtype).scatter_add_(1, positive, per_positive.to(d.dtype))
    total = active if mining == "semihard" else ((rows.count[places] - 1) * negatives).sum()
    return value, slope, torch.stack([active, total])


def _counts(thresholds: Tensor, far: Tensor, *, right: bool) -> tuple[Tensor, Tensor]:
    """How many thresholds lie above each distance, and how many distances below each threshold.

    Args:
        thresholds: ``(c, K)`` in ascending order.
        far: ``(c, N)``; inf for what is no negative.
        right: an equal threshold is not above (else it is).

    Returns:
        ``(c, N)`` and ``(c, K)`` int64.
    """
    rows, size = thresholds.shape
    place = torch.searchsorted(thresholds, far, right=right)
    line = torch.arange(rows, device=far.device)[:, None] * (size + 1)
    histogram = torch.bincount((place + line).flatten(), minlength=rows * (size + 1))
    return size - place, histogram.view(rows, size + 1)[:, :size].cumsum(dim=1)


def soft_sum(
    d: Tensor, places: Tensor, rows: ClassRows, margin: float, mining: Mining
) -> BlockValue:
    """Sum over triplets of ``log(1 + exp(d_ap - d_an))`` for a block of anchors: O(c N K) time.

    Args:
        d: ``(c, N)`` float64 distances of the anchors to all places.
        places: ``(c,)`` int64 places of the anchors.
        rows: the arrangement by class.
        margin: of the semi-hard band; else unused.
        mining: "all", or "semihard": d_ap < d_an < d_ap + margin.

    Returns:
        The sum, its derivatives by ``d``, and the counts (active, total).
    """
    positive, valid = rows.positives(places)
    far = d.scatter(1, positive, torch.inf)  # the own place is among them
    value, slope = d.new_zeros(()), torch.zeros_like(d)
    counts = torch.zeros(2, dtype=torch.int64, device=d.device)
    for slot in range(positive.shape[1]):
        near = d.gather(1, positive[:, slot : slot + 1])
        keep = valid[:, slot : slot + 1] & torch.isfinite(far)
        if mining == "semihard":
            keep = keep & (near < far) & (far < near + margin)
        gap = near - d
        loss = F.softplus(gap, threshold=40.0) * keep
        push = torch.sigmoid(gap) * keep
        value = value + loss.sum()
        slope -= push
        slope.scatter_add_(1, positive[:, slot : slot + 1], push.sum(dim=1, keepdim=True))
        counts += torch.stack([(loss > 0).sum(), keep.sum()])
    return value, slope, counts


def by_squares(slope: Tensor, d2: Tensor) -> Tensor:
    """Derivatives by the distances turned into such by their squares; 0 below 1e-12."""
    return torch.where(d2 > EPS, slope / (2 * root(d2)), 0.0)
