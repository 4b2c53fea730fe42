"""Triplet loss (Schroff et al. 2015; hard mining and soft margin: Hermans et al. 2017)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from simlearn.losses.base import (
    LossOutput,
    Triplets,
    check_all_anchors,
    check_choice,
    count_anchors,
    full_precision,
    labels_of_batch,
    zero,
)
from simlearn.losses.class_rows import ClassRows, arrange_by_class
from simlearn.losses.distances import paired_squared_distances, root
from simlearn.losses.hardest import hardest_triplets
from simlearn.losses.hinge_sum import by_squares, hinge_sum, soft_sum
from simlearn.losses.pairwise import BlockValue, pairwise_sum
from simlearn.losses.tuples import as_triplets

Mining = Literal["all", "semihard", "hard"]
Reduction = Literal["active", "all"]


def triplet_loss(
    z: Tensor,
    y: Tensor,
    tuples: Sequence[Tensor] | None = None,
    *,
    margin: float = 0.2,
    mining: Mining = "all",
    squared: bool = False,
    soft: bool = False,
    reduction: Reduction = "active",
    anchors: int | None = None,
) -> LossOutput:
    """``max(0, d(a, p) - d(a, n) + margin)`` over the triplets of a batch.

    Args:
        z: ``(B, d)`` embeddings, used as given (not normalised here).
        y: ``(B,)`` integer labels.
        tuples: ``(a, p, n)`` int64 positions, or pairs ``(a1, p, a2, n)`` joined on equal anchors;
            then ``mining`` must stay "all".
        margin: in units of the distance.
        mining: "all": every (a, p, n); "semihard": those with d_ap < d_an < d_ap + margin;
            "hard": for each anchor its farthest positive and its nearest negative.
        squared: squared instead of Euclidean distances (Schroff's form).
        soft: ``log(1 + exp(d_ap - d_an))`` instead of the hinge, mean over all (Hermans).
        reduction: "active": mean over triplets with a loss above 0; "all": over all considered.
        anchors: only the first so many rows are anchors (the others come from a memory).

    Returns:
        The loss; 0 with a graph where there is no triplet (one class, single samples, B = 0).
        Nothing of size B^3 is made: with mining "all" and "semihard" the hinge takes
        O(B^2 log K) time for K samples per class, the soft margin O(B^2 K), the memory is that of
        a few rows of distances and of the ``(B, d)`` gradient.

    Raises:
        ValueError: wrong shapes, an unknown choice, or ``tuples`` together with ``mining``.
    """
    y = labels_of_batch(z, y)
    check_choice("mining", mining, ("all", "semihard", "hard"))
    check_choice("reduction", reduction, ("active", "all"))
    _check_margin(margin)
    z = full_precision(z)
    if tuples is not None:
        check_all_anchors(anchors)
    if tuples is not None and mining != "all":
        raise ValueError(f"mining={mining!r} cannot be used with tuples that were already chosen")
    if tuples is None and mining != "hard":
        block = _Block(arrange_by_class(y), margin, mining, squared, soft)
        places = block.rows.places(count_anchors(z, anchors))
        value, counts = pairwise_sum(z[block.rows.order], places, block, counts=2)
    else:
        chosen = (
            hardest_triplets(z, y, anchors=anchors) if tuples is None else as_triplets(tuples, z)
        )
        value, counts = _listed(z, chosen, margin, squared, soft)
    active, total = counts.tolist()
    count = total if soft or reduction == "all" else active
    mean = (value / count).to(z.dtype) if count else zero(z)
    return LossOutput(value=mean, active=active, total=total)


def _check_margin(margin: float) -> None:
    if not margin >= 0:
        raise ValueError(f"margin is {margin}, must not be negative")


@dataclass(frozen=True)
class _Block:
    """What :func:`pairwise_sum` asks for a block of anchors."""

    rows: ClassRows
    margin: float
    mining: Literal["all", "semihard"]
    squared: bool
    soft: bool

    def __call__(self, d2: Tensor, places: Tensor) -> BlockValue:
        how = soft_sum if self.soft else hinge_sum
        d = d2 if self.squared else root(d2)
        value, slope, counts = how(d, places, self.rows, self.margin, self.mining)
        return value, slope if self.squared else by_squares(slope, d2), counts


def _listed(
    z: Tensor, triplets: Triplets, margin: float, squared: bool, soft: bool
) -> tuple[Tensor, Tensor]:
    d_ap = paired_squared_distances(z, triplets.a, triplets.p)
    d_an = paired_squared_distances(z, triplets.a, triplets.n)
    gap = d_ap - d_an if squared else root(d_ap) - root(d_an)
    losses = F.softplus(gap, threshold=40.0) if soft else F.relu(gap + margin)
    counts = torch.stack([(losses > 0).sum(), torch.tensor(len(losses), device=z.device)])
    return losses.sum(), counts


class TripletLoss(nn.Module):
    """:func:`triplet_loss` with its settings; see there for the arguments."""

    def __init__(
        self,
        margin: float = 0.2,
        mining: Mining = "all",
        squared: bool = False,
        soft: bool = False,
        reduction: Reduction = "active",
    ) -> None:
        super().__init__()
        _check_margin(margin)
        check_choice("mining", mining, ("all", "semihard", "hard"))
        check_choice("reduction", reduction, ("active", "all"))
        self.margin, self.mining, self.squared = margin, mining, squared
        self.soft, self.reduction = soft, reduction

    def forward(
        self,
        z: Tensor,
        y: Tensor,
        tuples: Sequence[Tensor] | None = None,
        *,
        anchors: int | None = None,
    ) -> LossOutput:
        """Loss of ``z (B, d)`` with labels ``y (B,)``."""
        return triplet_loss(
            z,
            y,
            tuples,
            margin=self.margin,
            mining=self.mining,
            squared=self.squared,
            soft=self.soft,
            reduction=self.reduction,
            anchors=anchors,
        )
