"""The hardest triplet of every anchor (Hermans, Beyer and Leibe 2017)."""

from __future__ import annotations

import torch
from torch import Tensor

from simlearn.losses.anchor_blocks import (
    anchor_blocks,
    farthest,
    join_triplets,
    nearest,
    prepared,
)
from simlearn.losses.base import Triplets


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
    found = []
    for a, d, positive, negative in anchor_blocks(z, y, anchors):
        p, n = farthest(d, positive), nearest(d, negative)
        both = positive.any(dim=1) & negative.any(dim=1)
        found.append((a[both], p[both], n[both]))
    return join_triplets(found, z.device)
