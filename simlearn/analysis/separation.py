"""How far labelled points stand apart: silhouette and purity of nearest neighbours."""

from __future__ import annotations

import torch
from torch import Tensor

CHUNK = 512
"""Rows whose distances to all others are held at a time."""


def silhouette(x: Tensor, labels: Tensor) -> Tensor:
    """Mean silhouette of labelled points (Rousseeuw 1987), Euclidean, in chunks of rows.

    Of a point: (b - a) / max(a, b), a its mean distance to the others of its label, b the least
    mean distance to another label; 0 for the only point of a label.

    Args:
        x: ``(P, d)``.
        labels: ``(P,)`` int64, at least 0.

    Returns:
        float64 scalar in [-1, 1]; nan with fewer than two labels.
    """
    names, own = torch.unique(labels, return_inverse=True)
    if len(names) < 2:
        return torch.tensor(float("nan"), dtype=torch.float64)
    x = centred(x)
    member = torch.nn.functional.one_hot(own, len(names)).double()
    count = member.sum(dim=0)
    values = []
    for rows in torch.arange(len(x)).split(CHUNK):
        gaps = torch.cdist(x[rows], x)
        gaps[torch.arange(len(rows)), rows] = 0.0
        sums = gaps @ member
        mine = member[rows].bool()
        inner = sums[mine] / (count[own[rows]] - 1).clamp(min=1)
        outer = (sums / count).masked_fill(mine, torch.inf).amin(dim=1)
        value = (outer - inner) / torch.maximum(inner, outer)
        values.append(value.nan_to_num(0.0).masked_fill(count[own[rows]] == 1, 0.0))
    return torch.cat(values).mean()


def neighbour_purity(x: Tensor, labels: Tensor, k: int, classes: int) -> Tensor:
    """Share of each label's k nearest neighbours that have the same label, in chunks of rows.

    Args:
        x: ``(P, d)``.
        labels: ``(P,)`` int64 in [0, classes).
        k: neighbours looked at, without the point itself; all others where there are fewer.
        classes: number of labels.

    Returns:
        ``(classes,)`` float64 in [0, 1]; nan for a label without a point, or of a lone point.
    """
    found = torch.zeros(classes, dtype=torch.float64)
    k = min(k, len(x) - 1)
    if k < 1:
        return found / 0
    x = centred(x)
    for rows in torch.arange(len(x)).split(CHUNK):
        gaps = torch.cdist(x[rows], x)
        gaps[torch.arange(len(rows)), rows] = torch.inf
        near = labels[gaps.topk(k, largest=False).indices]
        same = (near == labels[rows, None]).double().mean(dim=1)
        found.index_add_(0, labels[rows], same)
    return found / torch.bincount(labels, minlength=classes)


def centred(x: Tensor) -> Tensor:
    """``(P, d)`` float64 less its mean: distances stay, rounding shrinks."""
    x = x.double()
    return x - x.mean(dim=0)
