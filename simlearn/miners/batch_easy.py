"""Easy-positive mining (Xuan, Stylianou and Pless 2020)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from simlearn.losses.anchor_blocks import anchor_blocks, farthest, join_triplets, nearest, prepared
from simlearn.losses.base import Triplets, check_choice
from simlearn.miners.base import Miner

Negative = Literal["easy", "semihard", "hard"]
NEGATIVES = ("easy", "semihard", "hard")


@torch.no_grad()
def batch_easy_triplets(z: Tensor, y: Tensor, *, negative: Negative = "easy") -> Triplets:
    """For each anchor its nearest positive and one negative.

    Args:
        z: ``(B, d)`` embeddings, used as given; distances are Euclidean, in float64.
        y: ``(B,)`` integer labels.
        negative: "easy": the farthest; "hard": the nearest; "semihard": the nearest of those
            farther than the positive.

    Returns:
        At most one triplet an anchor, anchors ascending; of equally far candidates the lower
        position. Anchors without a positive or without such a negative have none.

    Raises:
        ValueError: wrong shapes, float labels or an unknown choice.
    """
    check_choice("negative", negative, NEGATIVES)
    z, y = prepared(z, y)
    found = []
    for a, d, positive, other in anchor_blocks(z, y):
        p = nearest(d, positive)
        if negative == "semihard":
            other &= d > d.gather(1, p[:, None])
        n = farthest(d, other) if negative == "easy" else nearest(d, other)
        both = positive.any(dim=1) & other.any(dim=1)
        found.append((a[both], p[both], n[both]))
    return join_triplets(found, z.device)


class BatchEasyMiner(Miner):
    """:func:`batch_easy_triplets` with its setting, as a miner.

    Args:
        negative: "easy", "semihard" or "hard".

    Raises:
        ValueError: an unknown choice.
    """

    def __init__(self, negative: Negative = "easy") -> None:
        check_choice("negative", negative, NEGATIVES)
        self.negative: Negative = negative

    def __call__(
        self, z: Tensor, y: Tensor, *, generator: torch.Generator | None = None
    ) -> Triplets:
        """The triplet of each anchor of ``z (B, d)``; ``generator`` is not used.

        Raises:
            ValueError: wrong shapes or float labels.
        """
        return batch_easy_triplets(z, y, negative=self.negative)
