"""Every triplet and every pair of a batch."""

from __future__ import annotations

import torch
from torch import Tensor

from simlearn.losses.anchor_blocks import blocks
from simlearn.losses.base import Pairs, Triplets, check_batch
from simlearn.miners.base import (
    Miner,
    count_pairs,
    count_triplets,
    positive_pairs,
    select_triplets,
    warn_if_many,
)

PAIRS_WAY_OUT = "use miner: none, with which the contrastive loss takes all pairs by itself"


@torch.no_grad()
def all_triplets(y: Tensor) -> Triplets:
    """Every (a, p, n) with a and p of one class, a != p, and n of another.

    Args:
        y: ``(B,)`` integer labels.

    Returns:
        The triplets in lexicographic order; none without a class of two or with one class only.
        Above 10,000,000 a warning comes before they are made.
    """
    y = y.to(torch.int64)
    warn_if_many(count_triplets(y))

    def everything(a: Tensor, p: Tensor) -> Tensor:
        return torch.ones(len(a), len(y), dtype=torch.bool, device=y.device)

    return select_triplets(y, everything, way_out=None)


@torch.no_grad()
def all_pairs(y: Tensor) -> Pairs:
    """Every ordered pair: (a1, p) of one class with a1 != p, and (a2, n) of two classes.

    Args:
        y: ``(B,)`` integer labels.

    Returns:
        The pairs, both kinds in lexicographic order, either possibly none. Above 10,000,000
        together a warning comes before they are made.
    """
    y = y.to(torch.int64)
    warn_if_many(count_pairs(y), columns=2, way_out=PAIRS_WAY_OUT)
    a1, p = positive_pairs(y)
    a2, n = [a1[:0]], [a1[:0]]
    for low, high in blocks(len(y), len(y)):
        row, column = torch.nonzero(y[low:high, None] != y, as_tuple=True)
        a2.append(row + low)
        n.append(column)
    return Pairs(a1, p, torch.cat(a2), torch.cat(n))


class AllTriplets(Miner):
    """:func:`all_triplets` as a miner; the embeddings do not matter."""

    def __call__(
        self, z: Tensor, y: Tensor, *, generator: torch.Generator | None = None
    ) -> Triplets:
        """Every triplet of ``y (B,)``; ``generator`` is not used.

        Raises:
            ValueError: wrong shapes or float labels.
        """
        check_batch(z, y)
        return all_triplets(y.to(z.device))


class AllPairs(Miner):
    """:func:`all_pairs` as a miner; the embeddings do not matter."""

    def __call__(self, z: Tensor, y: Tensor, *, generator: torch.Generator | None = None) -> Pairs:
        """Every ordered pair of ``y (B,)``; ``generator`` is not used.

        Raises:
            ValueError: wrong shapes or float labels.
        """
        check_batch(z, y)
        return all_pairs(y.to(z.device))
