"""Contrastive loss (Hadsell, Chopra and LeCun 2006)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from simlearn.losses.base import (
    LossOutput,
    Pairs,
    check_all_anchors,
    check_choice,
    count_anchors,
    full_precision,
    labels_of_batch,
    positive_number,
    zero,
)
from simlearn.losses.distances import paired_squared_distances, root
from simlearn.losses.hinge_sum import by_squares
from simlearn.losses.pairwise import BlockValue, pairwise_sum
from simlearn.losses.tuples import as_pairs

Reduction = Literal["pairs", "balanced"]


def contrastive_loss(
    z: Tensor,
    y: Tensor,
    tuples: Sequence[Tensor] | None = None,
    *,
    margin: float = 1.0,
    reduction: Reduction = "pairs",
    anchors: int | None = None,
) -> LossOutput:
    """``1/2 d^2`` for pairs of one class, ``1/2 max(0, margin - d)^2`` for the others.

    Args:
        z: ``(B, d)`` embeddings, used as given.
        y: ``(B,)`` integer labels.
        tuples: ``(a1, p, a2, n)`` int64 positions, or triplets ``(a, p, n)``, each giving its
            (a, p) and its (a, n); without them all unordered pairs i < j.
        margin: Euclidean distance beyond which different classes cost nothing.
        reduction: "pairs": mean over all pairs; "balanced": mean over the pairs of one class plus
            mean over the others, an empty side counting 0.
        anchors: only pairs with i among the first so many rows (the others come from a memory).

    Returns:
        The loss; 0 with a graph where there is no pair.

    Raises:
        ValueError: wrong shapes or an unknown choice.
    """
    y = labels_of_batch(z, y)
    check_choice("reduction", reduction, ("pairs", "balanced"))
    positive_number("margin", margin)
    z = full_precision(z)
    if tuples is None:
        value, counts = _all_pairs(z, y, margin, reduction, count_anchors(z, anchors))
    else:
        check_all_anchors(anchors)
        value, counts = _listed(z, as_pairs(tuples, z), margin, reduction)
    active, total = counts.tolist()
    return LossOutput(value=value.to(z.dtype) if total else zero(z), active=active, total=total)


def _all_pairs(
    z: Tensor, y: Tensor, margin: float, reduction: Reduction, anchors: int
) -> tuple[Tensor, Tensor]:
    """Pairs i < j with i among the anchors, block by block."""
    place = torch.arange(len(z), device=z.device)
    rows = place[:anchors]
    same, other = _sizes(y, anchors)
    shares = [same + other] * 2 if reduction == "pairs" else [same, other]
    pull_share, push_share = (1.0 / max(1, share) for share in shares)

    def block(d2: Tensor, part: Tensor) -> BlockValue:
        later = place[part[0] :] > part[:, None]
        alike = y[part][:, None] == y[part[0] :]
        pull, push = later & alike, later & ~alike
        d = root(d2)
        short = (margin - d).clamp_min(0.0) * push
        value = (d2 * pull).sum() / 2 * pull_share + short.square().sum() / 2 * push_share
        slope = pull.to(d2.dtype) * (pull_share / 2) - by_squares(short, d2) * push_share
        active = (pull & (d2 > 0)).sum() + (short > 0).sum()
        return value, slope, torch.stack([active, later.sum()])

    def unsure(d2: Tensor, bound: float) -> bool:
        edge = (d2 - margin * margin).abs() <= 2 * bound
        return bool(edge.any())

    return pairwise_sum(z, rows, block, counts=2, upper=True, unsure=unsure)


def _sizes(y: Tensor, anchors: int) -> tuple[int, int]:
    """Pairs i < j, i among the first ``anchors`` rows, of one class and of different ones."""

    def pairs(n: Tensor) -> Tensor:
        return n * (n - 1) // 2

    _, number = torch.unique(y, return_inverse=True)
    classes = int(number.max()) + 1 if len(y) else 0
    rest = torch.bincount(number[anchors:], minlength=classes)
    same = pairs(torch.bincount(number, minlength=classes)) - pairs(rest)
    total = len(y) * (len(y) - 1) // 2 - (len(y) - anchors) * (len(y) - anchors - 1) // 2
    return int(same.sum()), total - int(same.sum())


def _listed(z: Tensor, pairs: Pairs, margin: float, reduction: Reduction) -> tuple[Tensor, Tensor]:
    pull = paired_squared_distances(z, pairs.a1, pairs.p) / 2
    push = F.relu(margin - root(paired_squared_distances(z, pairs.a2, pairs.n))).square() / 2
    total = len(pull) + len(push)
    if reduction == "pairs":
        value = (pull.sum() + push.sum()) / max(1, total)
    else:
        value = sum((side.mean() for side in (pull, push) if len(side)), start=pull.new_zeros(()))
    active = (pull > 0).sum() + (push > 0).sum()
    return value, torch.stack([active, torch.tensor(total, device=z.device)])


class ContrastiveLoss(nn.Module):
    """:func:`contrastive_loss` with its settings; see there for the arguments."""

    def __init__(self, margin: float = 1.0, reduction: Reduction = "pairs") -> None:
        super().__init__()
        positive_number("margin", margin)
        check_choice("reduction", reduction, ("pairs", "balanced"))
        self.margin, self.reduction = margin, reduction

    def forward(
        self,
        z: Tensor,
        y: Tensor,
        tuples: Sequence[Tensor] | None = None,
        *,
        anchors: int | None = None,
    ) -> LossOutput:
        """Loss of ``z (B, d)`` with labels ``y (B,)``."""
        return contrastive_loss(
            z, y, tuples, margin=self.margin, reduction=self.reduction, anchors=anchors
        )
