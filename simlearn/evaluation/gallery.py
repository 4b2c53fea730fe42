"""Queries and the gallery that they search: vectors, labels, and who may find whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from simlearn.losses.distances import euclidean_distances

Distance = Literal["euclidean", "cosine"]


def distance(a: Tensor, b: Tensor, metric: Distance) -> Tensor:
    """``(..., N, M)`` float64 distances of ``a (..., N, d)`` to ``b (..., M, d)``, by differences.

    Every entry depends on its two vectors alone, whatever the shapes: ties stay ties.
    """
    d = euclidean_distances(a, b)
    return d.square() / 2 if metric == "cosine" else d


@dataclass(frozen=True)
class Search:
    """Queries and a gallery, in float64.

    Attributes:
        z: ``(Q, d)`` float64; of unit length for "cosine".
        y: ``(Q,)`` int64 class numbers 0..C-1.
        gallery: ``(G, d)``, as ``z``.
        gallery_y: ``(G,)`` class numbers.
        group: ``(Q,)`` int64 or ``None``.
        gallery_group: ``(G,)`` int64 or ``None``.
        alone: every item queries all the others.
        metric: "euclidean" or "cosine" (half the squared distance of unit vectors).
        relevant: ``(Q,)`` int64, R: gallery items of the query's class that it may find.
    """

    z: Tensor
    y: Tensor
    gallery: Tensor
    gallery_y: Tensor
    group: Tensor | None
    gallery_group: Tensor | None
    alone: bool
    metric: Distance
    relevant: Tensor

    def excluded(self, rows: Tensor) -> Tensor:
        """``(q, G)`` bool: gallery items that queries ``rows (q,)`` may not find."""
        if self.group is None or self.gallery_group is None:
            out = torch.zeros(len(rows), len(self.gallery), dtype=torch.bool, device=rows.device)
        else:
            own = self.group[rows][:, None]
            out = (own == self.gallery_group) & (own >= 0)
        if self.alone:
            out[torch.arange(len(rows), device=rows.device), rows] = True
        return out


def search(
    z: Tensor,
    y: Tensor,
    gallery: Tensor | None,
    gallery_y: Tensor | None,
    group: Tensor | None,
    gallery_group: Tensor | None,
    metric: Distance,
) -> Search:
    """Prepare checked arguments of ``retrieval_metrics``; see there."""
    alone = gallery is None or gallery_y is None
    vectors = [v.double() for v in ([z] if gallery is None else [z, gallery])]
    if metric == "cosine":
        vectors = [F.normalize(v, dim=1) for v in vectors]
    labels = y if alone or gallery_y is None else torch.cat([y, gallery_y])
    number = torch.unique(labels, return_inverse=True)[1]
    y, g_y = number[: len(z)], number if alone else number[len(z) :]
    g_group = group if alone else gallery_group
    relevant = _relevant(y, g_y, group, g_group, alone=alone)
    return Search(z=vectors[0], y=y, gallery=vectors[-1], gallery_y=g_y, group=group,
                  gallery_group=g_group, alone=alone, metric=metric, relevant=relevant)  # fmt: skip


def _relevant(
    y: Tensor, gallery_y: Tensor, group: Tensor | None, gallery_group: Tensor | None, *, alone: bool
) -> Tensor:
    """R of every query, from counts of classes and of classes within groups."""
    classes = int(max(y.max(), gallery_y.max())) + 1 if len(y) and len(gallery_y) else 0
    if not classes:
        return torch.zeros_like(y)
    same = torch.bincount(gallery_y, minlength=classes)[y]
    own = torch.full_like(y, int(alone))
    if group is not None and gallery_group is not None:
        both = torch.cat([group, gallery_group])
        number = torch.unique(both, return_inverse=True)[1] * classes
        seen, key = torch.unique(
            torch.cat([y + number[: len(y)], gallery_y + number[len(y) :]]), return_inverse=True
        )
        inside = torch.bincount(key[len(y) :], minlength=len(seen))[key[: len(y)]]
        own = torch.where(group >= 0, inside, own)
    return same - own
