"""Triplet loss (Schroff et al. 2015; hard mining and soft margin: Hermans et al. 2017)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from simlearn.losses.base import LossOutput, check_batch, check_choice, full_precision
from simlearn.losses.distances import paired_squared_distances, root, squared_distances

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
) -> LossOutput:
    """``max(0, d(a, p) - d(a, n) + margin)`` over the triplets of a batch.

    Args:
        z: ``(B, d)`` embeddings, used as given (not normalised here).
        y: ``(B,)`` integer labels.
        tuples: ``(a, p, n)`` int64 positions; then ``mining`` must stay "all".
        margin: in units of the distance.
        mining: "all": every (a, p, n); "semihard": those with d_ap < d_an < d_ap + margin;
            "hard": for each anchor its farthest positive and its nearest negative.
        squared: squared instead of Euclidean distances (Schroff's form).
        soft: ``log(1 + exp(d_ap - d_an))`` instead of the hinge, mean over all (Hermans).
        reduction: "active": mean over triplets with a loss above 0; "all": over all considered.

    Returns:
        The loss; 0 with a graph where there is no triplet (one class, single samples, B = 0).

    Raises:
        ValueError: wrong shapes, an unknown choice, or ``tuples`` together with ``mining``.
    """
    check_batch(z, y)
    check_choice("mining", mining, ("all", "semihard", "hard"))
    check_choice("reduction", reduction, ("active", "all"))
    z = full_precision(z)
    if tuples is not None:
        if mining != "all":
            raise ValueError(
                f"mining={mining!r} cannot be used with tuples that were already chosen"
            )
        d_ap, d_an = _given(z, tuples, squared)
    else:
        d = squared_distances(z, z)
        d = d if squared else root(d)
        d_ap, d_an = _hard(d, y) if mining == "hard" else _all(d, y)
    if mining == "semihard":
        band = (d_ap < d_an) & (d_an < d_ap + margin)
        d_ap, d_an = d_ap[band], d_an[band]
    return _reduce(d_ap - d_an, z, margin, soft, reduction)


def _given(z: Tensor, tuples: Sequence[Tensor], squared: bool) -> tuple[Tensor, Tensor]:
    if len(tuples) != 3:
        raise ValueError(f"triplet loss takes (a, p, n), found {len(tuples)} tensors")
    a, p, n = tuples
    d_ap = paired_squared_distances(z[a], z[p])
    d_an = paired_squared_distances(z[a], z[n])
    return (d_ap, d_an) if squared else (root(d_ap), root(d_an))


def _all(d: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Distances of all (a, p, n), each positive pair against the row of its anchor."""
    same = y[:, None] == y[None, :]
    a, p = torch.nonzero(
        same & ~torch.eye(len(y), dtype=torch.bool, device=y.device), as_tuple=True
    )
    negative = ~same[a]
    d_ap = d[a, p][:, None].expand(negative.shape)
    return d_ap[negative], d[a][negative]


def _hard(d: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    same = y[:, None] == y[None, :]
    positive = same & ~torch.eye(len(y), dtype=torch.bool, device=y.device)
    anchor = positive.any(dim=1) & (~same).any(dim=1)
    if not anchor.any():
        return d.new_zeros(0), d.new_zeros(0)
    far = d.masked_fill(~positive, -torch.inf).max(dim=1).values
    near = d.masked_fill(same, torch.inf).min(dim=1).values
    return far[anchor], near[anchor]


def _reduce(gap: Tensor, z: Tensor, margin: float, soft: bool, reduction: Reduction) -> LossOutput:
    losses = F.softplus(gap) if soft else F.relu(gap + margin)
    active = int((losses > 0).sum())
    count = len(losses) if soft or reduction == "all" else active
    value = losses.sum() / count if count else z.sum() * 0.0
    return LossOutput(value=value, active=active, total=len(losses))


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
        if margin < 0:
            raise ValueError(f"margin is {margin}, must not be negative")
        check_choice("mining", mining, ("all", "semihard", "hard"))
        check_choice("reduction", reduction, ("active", "all"))
        self.margin, self.mining, self.squared = margin, mining, squared
        self.soft, self.reduction = soft, reduction

    def forward(self, z: Tensor, y: Tensor, tuples: Sequence[Tensor] | None = None) -> LossOutput:
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
        )
