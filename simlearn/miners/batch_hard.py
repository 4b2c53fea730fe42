"""Batch-hard mining (Hermans, Beyer and Leibe 2017)."""

from __future__ import annotations

import torch
from torch import Tensor

from simlearn.losses.base import Triplets
from simlearn.losses.hardest import hardest_triplets
from simlearn.miners.base import Miner


class BatchHardMiner(Miner):
    """:func:`hardest_triplets` as a miner."""

    def __call__(
        self, z: Tensor, y: Tensor, *, generator: torch.Generator | None = None
    ) -> Triplets:
        """The hardest triplet of each anchor of ``z (B, d)``; ``generator`` is not used.

        Raises:
            ValueError: wrong shapes or float labels.
        """
        return hardest_triplets(z, y)
