"""Contrastive loss (Hadsell, Chopra and LeCun 2006)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from simlearn.losses.base import (
    LossOutput,
    check_batch,
    check_choice,
    full_precision,
    positive_number,
)
from simlearn.losses.distances import paired_squared_distances, root, squared_distances

Reduction = Literal["pairs", "balanced"]


def contrastive_loss(
    z: Tensor,
    y: Tensor,
    tuples: Sequence[Tensor] | None = None,
    *,
    margin: float = 1.0,
    reduction: Reduction = "pairs",
) -> LossOutput:
    """``1/2 d^2`` for pairs of one class, ``1/2 max(0, margin - d)^2`` for the others.

    Args:
        z: ``(B, d)`` embeddings, used as given.
        y: ``(B,)`` integer labels.
        tuples: ``(a1, p, a2, n)`` int64 positions; without them all unordered pairs i < j.
        margin: Euclidean distance beyond which different classes cost nothing.
        reduction: "pairs": mean over all pairs; "balanced": mean over the pairs of one class plus
            mean over the others, an empty side counting 0.

    Returns:
        The loss; 0 with a graph where there is no pair.

    Raises:
        ValueError: wrong shapes or an unknown choice.
    """
    check_batch(z, y)
    check_choice("reduction", reduction, ("pairs", "balanced"))
    z = full_precision(z)
    same2, other2 = _all_pairs(z, y) if tuples is None else _given(z, tuples)
    pull = same2 / 2
    push = F.relu(margin - root(other2)).square() / 2
    active = int((pull > 0).sum() + (push > 0).sum())
    total = len(pull) + len(push)
    if reduction == "pairs":
        value = (pull.sum() + push.sum()) / total if total else z.sum() * 0.0
    else:
        value = sum((side.mean() for side in (pull, push) if len(side)), start=z.sum() * 0.0)
    return LossOutput(value=value, active=active, total=total)


def _all_pairs(z: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    i, j = torch.triu_indices(len(z), len(z), offset=1, device=z.device)
    d2 = squared_distances(z, z)[i, j]
    same = y[i] == y[j]
    return d2[same], d2[~same]


def _given(z: Tensor, tuples: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    if len(tuples) != 4:
        raise ValueError(f"contrastive loss takes (a1, p, a2, n), found {len(tuples)} tensors")
    a1, p, a2, n = tuples
    return paired_squared_distances(z[a1], z[p]), paired_squared_distances(z[a2], z[n])


class ContrastiveLoss(nn.Module):
    """:func:`contrastive_loss` with its settings; see there for the arguments."""

    def __init__(self, margin: float = 1.0, reduction: Reduction = "pairs") -> None:
        super().__init__()
        positive_number("margin", margin)
        check_choice("reduction", reduction, ("pairs", "balanced"))
        self.margin, self.reduction = margin, reduction

    def forward(self, z: Tensor, y: Tensor, tuples: Sequence[Tensor] | None = None) -> LossOutput:
        """Loss of ``z (B, d)`` with labels ``y (B,)``."""
        return contrastive_loss(z, y, tuples, margin=self.margin, reduction=self.reduction)
