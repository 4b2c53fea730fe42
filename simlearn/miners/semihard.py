"""Semi-hard mining (Schroff, Kalenichenko and Philbin 2015)."""

from __future__ import annotations

import torch
from torch import Tensor

from simlearn.losses.anchor_blocks import prepared
from simlearn.losses.base import Triplets, positive_number
from simlearn.losses.distances import euclidean_distances, squared_distances
from simlearn.miners.base import Miner, select_triplets

WAY_OUT = "use loss.mining=semihard with miner: none, which is exact without enumerating"


@torch.no_grad()
def semihard_triplets(
    z: Tensor, y: Tensor, *, margin: float = 0.2, squared: bool = False
) -> Triplets:
    """Every (a, p, n) with ``d_ap < d_an < d_ap + margin``, both strict.

    The band of ``triplet_loss(mining="semihard")``, which takes distances below 1e-6 as 1e-6. The
    distances take O(B^2) memory.

    Args:
        z: ``(B, d)`` embeddings, used as given; distances in float64.
        y: ``(B,)`` integer labels.
        margin: in units of the distance, above 0.
        squared: squared instead of Euclidean distances (Schroff's form).

    Returns:
        The triplets in lexicographic order, possibly none. Above 10,000,000 a warning comes
        before they are made.

    Raises:
        ValueError: wrong shapes, float labels, or a margin that is not above 0.
    """
    positive_number("margin", margin)
    z, y = prepared(z, y)
    d = squared_distances(z, z) if squared else euclidean_distances(z, z)

    def in_band(a: Tensor, p: Tensor) -> Tensor:
        d_ap, d_an = d[a, p][:, None], d[a]
        return (d_ap < d_an) & (d_an < d_ap + margin)

    return select_triplets(y, in_band, way_out=WAY_OUT)


class SemihardMiner(Miner):
    """:func:`semihard_triplets` with its settings, as a miner.

    Args:
        margin: in units of the distance, above 0.
        squared: squared instead of Euclidean distances.

    Raises:
        ValueError: a margin that is not above 0.
    """

    def __init__(self, margin: float = 0.2, squared: bool = False) -> None:
        positive_number("margin", margin)
        self.margin, self.squared = margin, squared

    def __call__(
        self, z: Tensor, y: Tensor, *, generator: torch.Generator | None = None
    ) -> Triplets:
        """The semi-hard triplets of ``z (B, d)``; ``generator`` is not used.

        Raises:
            ValueError: wrong shapes or float labels.
        """
        return semihard_triplets(z, y, margin=self.margin, squared=self.squared)
