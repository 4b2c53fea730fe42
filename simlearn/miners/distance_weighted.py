"""Distance-weighted sampling of negatives (Wu et al. 2017, "Sampling matters")."""

from __future__ import annotations

import torch
from torch import Tensor

from simlearn.losses.anchor_blocks import anchor_blocks, join_triplets, prepared
from simlearn.losses.base import Triplets
from simlearn.miners.base import Miner, positive_pairs


def negative_weights(
    d: Tensor, negative: Tensor, dim: int, *, cutoff: float, nonzero_loss_cutoff: float
) -> Tensor:
    """What the negatives of each anchor weigh: ``1 / q(max(d, cutoff))``.

    ``q(d) ~ d^(n-2) (1 - d^2/4)^((n-3)/2)`` is the density of the distance of two random points
    on the unit sphere in n dimensions (section 4 of the paper). Computed by its logarithm, with
    each row's largest as the unit, so that no row vanishes in high dimensions.

    Args:
        d: ``(R, B)`` float64 distances.
        negative: ``(R, B)`` bool, which may be drawn.
        dim: n, the dimension of the embeddings.
        cutoff: nearer ones count as being this far.
        nonzero_loss_cutoff: from here on no weight; from 2 on in any case, where q ends.

    Returns:
        ``(R, B)`` float64 in [0, 1], 1 at the largest of a row; a row of zeros where none is left.
    """
    d = d.clamp_min(cutoff)
    drawn = negative & (d < min(nonzero_loss_cutoff, 2.0))
    log_weight = d.log().mul_(2 - dim)  # in place: these are the largest tensors of the miner
    log_weight.sub_(d.square_().div_(-4).log1p_().mul_((dim - 3) / 2))
    log_weight.masked_fill_(~drawn, -torch.inf)
    largest = log_weight.amax(dim=1, keepdim=True)
    return log_weight.sub_(largest.masked_fill(largest.isinf(), 0.0)).exp_()


def draw_columns(weights: Tensor, u: Tensor) -> Tensor:
    """Columns drawn with the given weights, by the inverse of the cumulated weights.

    Args:
        weights: ``(R, B)`` float64, not negative, B > 0.
        u: ``(R, K)`` float64, uniform in [0, 1), one number for each draw.

    Returns:
        ``(R, K)`` int64, never of weight 0; B in rows that have no weight.
    """
    # A parallel sum may round a step up where nothing was added: a weight of 0 stays flat.
    total = weights.cumsum(dim=1).masked_fill(weights == 0, 0.0).cummax(dim=1).values
    # u <= 1 - 2^-53, hence u * sum rounds to below the sum and is found.
    return torch.searchsorted(total, u * total[:, -1:], right=True)


@torch.no_grad()
def distance_weighted_triplets(
    z: Tensor,
    y: Tensor,
    *,
    cutoff: float = 0.5,
    nonzero_loss_cutoff: float = 1.4,
    generator: torch.Generator | None = None,
) -> Triplets:
    """For every ordered (a, p) of one class one negative, drawn with weight ``1 / q(d_an)``.

    Args:
        z: ``(B, d)`` embeddings, used as given; the density is that of unit vectors.
        y: ``(B,)`` integer labels.
        cutoff: in (0, 2); nearer negatives weigh as if they were this far.
        nonzero_loss_cutoff: above ``cutoff``; negatives from here on (and from 2 on) are not
            drawn: with the paper's margin they cost nothing.
        generator: one uniform number for each (a, p) is drawn, on the generator's device; without
            one, from PyTorch's default CPU generator, which ``torch.manual_seed`` sets.

    Returns:
        The triplets in the order of (a, p). Anchors of which no negative has a weight are left
        out, as pytorch-metric-learning does: what remains for them has no loss.

    Raises:
        ValueError: wrong shapes, float labels, or cutoffs out of range.
    """
    _check_cutoffs(cutoff, nonzero_loss_cutoff)
    dim = z.shape[-1] if z.ndim else 0
    z, y = prepared(z, y)
    a, p = positive_pairs(y)
    where = torch.device("cpu") if generator is None else generator.device
    u = torch.rand(len(a), generator=generator, dtype=torch.float64, device=where).to(z.device)
    size = torch.bincount(a, minlength=len(y))
    end = size.cumsum(0)
    slot = torch.arange(len(a), device=z.device) - (end - size)[a]
    found = []
    for rows, d, _, negative in anchor_blocks(z, y):
        low, high = int(end[rows[0]] - size[rows[0]]), int(end[rows[-1]])
        weights = negative_weights(
            d, negative, dim, cutoff=cutoff, nonzero_loss_cutoff=nonzero_loss_cutoff
        )
        cell = (a[low:high] - rows[0], slot[low:high])
        table = u.new_zeros(len(rows), int(size[rows].max()))
        table[cell] = u[low:high]
        n = draw_columns(weights, table)[cell]
        some = weights.any(dim=1)[cell[0]]
        found.append((a[low:high][some], p[low:high][some], n[some]))
    return join_triplets(found, z.device)


def _check_cutoffs(cutoff: float, nonzero_loss_cutoff: float) -> None:
    if not 0 < cutoff < 2:
        raise ValueError(
            f"cutoff is {cutoff}, must be above 0 and below 2, the diameter of the unit sphere"
        )
    if not nonzero_loss_cutoff > cutoff:
        raise ValueError(
            f"nonzero_loss_cutoff is {nonzero_loss_cutoff}, must be above cutoff={cutoff}: "
            "nothing would be left to draw"
        )


class DistanceWeightedMiner(Miner):
    """:func:`distance_weighted_triplets` with its settings, as a miner.

    Args:
        cutoff: in (0, 2).
        nonzero_loss_cutoff: above ``cutoff``.

    Raises:
        ValueError: cutoffs out of range.
    """

    def __init__(self, cutoff: float = 0.5, nonzero_loss_cutoff: float = 1.4) -> None:
        _check_cutoffs(cutoff, nonzero_loss_cutoff)
        self.cutoff, self.nonzero_loss_cutoff = cutoff, nonzero_loss_cutoff

    def __call__(
        self, z: Tensor, y: Tensor, *, generator: torch.Generator | None = None
    ) -> Triplets:
        """One drawn negative for every (a, p) of ``z (B, d)``.

        Raises:
            ValueError: wrong shapes or float labels.
        """
        return distance_weighted_triplets(
            z,
            y,
            cutoff=self.cutoff,
            nonzero_loss_cutoff=self.nonzero_loss_cutoff,
            generator=generator,
        )
