"""Angular loss (Wang et al. 2017), alone or with the N-pair loss (Sohn 2016)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from simlearn.losses.angular_sum import AngularSettings, angular_sum
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
from simlearn.losses.tuples import as_triplets

PairChoice = Literal["all", "one"]


def angular_loss(
    z: Tensor,
    y: Tensor,
    tuples: Sequence[Tensor] | None = None,
    *,
    alpha: float = 45.0,
    npair: float = 0.0,
    pairs: PairChoice = "all",
    anchors: int | None = None,
) -> LossOutput:
    """Mean over (a, p) of ``log(1 + sum_n exp(4 t^2 (a+p).n - 2 (1+t^2) a.p))``, t = tan(alpha).

    Wang et al. 2017, "Deep metric learning with angular loss", in the form for a batch; ``npair``
    times the N-pair loss is added, the mean of ``log(1 + sum_n exp(a.n - a.p))`` (Sohn 2016). The
    negatives of a pair are all rows of other classes. The sum over all (a, p, n) is a product of
    matrices within each class, ``E E^T`` with ``E = exp(4 t^2 z z^T)``, where that cannot
    underflow: O(B^2 (d + K)) time for K samples per class.

    Args:
        z: ``(B, d)`` embeddings, used as given; the paper's are of unit length.
        y: ``(B,)`` integer labels.
        tuples: ``(a, p, n)`` int64 positions, or pairs joined on equal anchors; the mean is over
            their different (a, p), each with the negatives listed. ``pairs`` must stay "all".
        alpha: degrees, above 0 and below 90.
        npair: weight of the N-pair term, not negative.
        pairs: "all": every ordered (a, p), a != p; "one": the first two rows of each class.
        anchors: only the first so many rows are anchors (the others come from a memory).

    Returns:
        The loss; ``total`` counts the (a, p) that have a negative, ``active`` those with a loss
        above 0; parts "angular" and "npair". 0 with a graph where there is no such pair.

    Raises:
        ValueError: wrong shapes, an unknown choice, alpha or npair out of range.
    """
    y = labels_of_batch(z, y)
    _check(alpha, npair, pairs)
    z = full_precision(z)
    t2 = math.tan(math.radians(alpha)) ** 2
    if tuples is None:
        settings = AngularSettings(t2=t2, npair=npair, one_pair=pairs == "one")
        sums, counts = angular_sum(z, y, settings, count_anchors(z, anchors))
    else:
        check_all_anchors(anchors)
        if pairs == "one":
            raise ValueError("pairs='one' cannot be used with tuples that were already chosen")
        sums, counts = _listed(z, as_triplets(tuples, z), t2, npair)
    active, total = counts.tolist()
    angular, pairwise = ((part / max(1, total)).to(z.dtype) for part in sums)
    parts = {"angular": angular.detach(), "npair": pairwise.detach()}
    value = angular + npair * pairwise if npair else angular
    return LossOutput(value=value if total else zero(z), active=active, total=total, parts=parts)


def _listed(
    z: Tensor, triplets: Triplets, t2: float, npair: float
) -> tuple[tuple[Tensor, Tensor], Tensor]:
    """Sums over the different (a, p) of listed triplets."""
    product = z.double() @ z.double().T
    a, p, n = triplets
    pair, group = torch.unique(a * len(z) + p, return_inverse=True)
    own = product[a, p]
    exponents = [4 * t2 * (product[a, n] + product[p, n]) - 2 * (1 + t2) * own]
    exponents += [product[a, n] - own] if npair else []
    losses = [
        F.softplus(_grouped_logsumexp(e, group, len(pair)), threshold=40.0) for e in exponents
    ]
    sums = losses[0].sum(), losses[1].sum() if npair else product.new_zeros(())
    active = (torch.stack(losses) > 0).any(dim=0).sum()
    return sums, torch.stack([active, torch.tensor(len(pair), device=z.device)])


def _grouped_logsumexp(x: Tensor, group: Tensor, groups: int) -> Tensor:
    """``(groups,)`` log of the sum of exponentials of ``x (T,)`` in each group."""
    top = x.detach().new_full((groups,), -torch.inf).scatter_reduce(0, group, x.detach(), "amax")
    total = torch.zeros_like(top).index_add(0, group, (x - top[group]).exp())
    return top + total.log()


def _check(alpha: float, npair: float, pairs: str) -> None:
    if not (0 < alpha < 90 and math.tan(math.radians(alpha)) ** 2 > 0):
        raise ValueError(f"alpha is {alpha}, must be between 0 and 90 degrees")
    if not npair >= 0:
        raise ValueError(f"npair is {npair}, must not be negative")
    check_choice("pairs", pairs, ("all", "one"))


class AngularLoss(nn.Module):
    """:func:`angular_loss` with its settings; see there for the arguments."""

    def __init__(self, alpha: float = 45.0, npair: float = 0.0, pairs: PairChoice = "all") -> None:
        super().__init__()
        _check(alpha, npair, pairs)
        self.alpha, self.npair, self.pairs = alpha, npair, pairs

    def forward(
        self,
        z: Tensor,
        y: Tensor,
        tuples: Sequence[Tensor] | None = None,
        *,
        anchors: int | None = None,
    ) -> LossOutput:
        """Loss of ``z (B, d)`` with labels ``y (B,)``."""
        return angular_loss(
            z, y, tuples, alpha=self.alpha, npair=self.npair, pairs=self.pairs, anchors=anchors
        )
