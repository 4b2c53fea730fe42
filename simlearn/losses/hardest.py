"""The hardest triplet of every anchor (Hermans, Beyer and Leibe 2017)."""

from __future__ import annotations

import torch
from torch import Tensor

from simlearn.losses.anchor_blocks import (
    blocks,
    farthest,
    join_triplets,
    nearest,
    prepared,
    relations,
)
from simlearn.losses.base import Triplets, count_anchors
from simlearn.losses.distances import euclidean_distances
from simlearn.losses.quick_distances import centred, quick_squared_distances


@torch.no_grad()
def hardest_triplets(z: Tensor, y: Tensor, *, anchors: int | None = None) -> Triplets:
    """For each anchor its farthest positive and its nearest negative (Hermans et al. 2017).

    Args:
        z: ``(B, d)`` embeddings, used as given; distances are Euclidean, in float64.
        y: ``(B,)`` integer labels.
        anchors: only the first so many rows are anchors; all if left out.

    Returns:
        At most one triplet an anchor, anchors ascending; of equally far candidates the lower
        position. Anchors without a positive or without a negative have none.

    Raises:
        ValueError: wrong shapes or float labels.
    """
    z, y = prepared(z, y)
    near = centred(z)
    found = []
    for low, high in blocks(count_anchors(z, anchors), len(z)):
        a = torch.arange(low, high, device=z.device)
        positive, negative = relations(y, a)
        p, n = _hardest(z, near, a, positive, negative)
        both = positive.any(dim=1) & negative.any(dim=1)
        found.append((a[both], p[both], n[both]))
    return join_triplets(found, z.device)


def _hardest(
    z: Tensor, middle: Tensor, a: Tensor, positive: Tensor, negative: Tensor
) -> tuple[Tensor, Tensor]:
    """Farthest positives and nearest negatives by a matrix product, by differences where close."""
    d2, bound = quick_squared_distances(middle[a], middle)
    if bound == 0:
        d = euclidean_distances(z[a], z)
        return farthest(d, positive), nearest(d, negative)
    p, n = farthest(d2, positive), nearest(d2, negative)
    far, near = d2.gather(1, p[:, None]) - 2 * bound, d2.gather(1, n[:, None]) + 2 * bound
    rivals = ((d2 >= far) & positive).sum(dim=1), ((d2 <= near) & negative).sum(dim=1)
    again = torch.nonzero((rivals[0] > 1) | (rivals[1] > 1)).squeeze(1)
    if len(again):
        d = euclidean_distances(z[a[again]], z)
        p[again], n[again] = farthest(d, positive[again]), nearest(d, negative[again])
    return p, n
