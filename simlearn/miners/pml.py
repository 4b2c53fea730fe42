"""Miners of pytorch-metric-learning (PML, Musgrave et al. 2020) by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from simlearn.losses.base import Pairs, Triplets, check_batch, full_precision
from simlearn.losses.pml_names import Plain, drawing_from, pml_object
from simlearn.miners.base import Miner, count_pairs, count_triplets, warn_if_many

TRIPLETS = {
    "AngularMiner": "use miner=angular, which finds the same from distances alone",
    "TripletMarginMiner": "use miner=semihard or miner=batch_hard, or loss.mining with miner=none",
}
"""PML's miners that hold every triplet of a batch before they choose, and what to use instead."""


class PMLMiner(Miner):
    """Any miner of ``pytorch_metric_learning.miners`` that looks at labels.

    PML's own defaults hold: its distances normalise the embeddings first. The miners of this
    package give the same tuples with far less memory where there is one of the same name.

    Args:
        name: exact class name, such as ``MultiSimilarityMiner``.
        distance: class name in PML's distances, with its defaults; the miner's own by default.
        arguments: plain values for the constructor.

    Raises:
        ValueError: an unknown name or argument, a missing one, or a combination PML refuses.
    """

    def __init__(
        self,
        name: str,
        distance: str | None = None,
        arguments: Mapping[str, Plain] | None = None,
    ) -> None:
        metric = None if distance is None else pml_object("distance", distance)
        self.name = name
        self.miner: Any = pml_object("miner", name, arguments, distance=metric)

    @torch.no_grad()
    def __call__(
        self, z: Tensor, y: Tensor, *, generator: torch.Generator | None = None
    ) -> Pairs | Triplets:
        """Mine ``z (B, d)`` with labels ``y (B,)``, any integers.

        Args:
            z: embeddings; half precision is computed in float32.
            y: labels.
            generator: PML draws from torch's global generators. With a generator they are seeded
                from it for the call and left as they were, on z's device too; a miner that draws
                nothing leaves it untouched. Without one PML draws from the global ones.

        Returns:
            int64 positions on z's device; none for B = 0.

        Raises:
            ValueError: wrong shapes, float labels, or what else PML refuses in this batch.
        """
        check_batch(z, y)
        if not len(z):
            return self._empty(z, y)
        if self.name in TRIPLETS:
            warn_if_many(count_triplets(y), way_out=TRIPLETS[self.name])
        else:
            warn_if_many(count_pairs(y), columns=2, way_out="use a smaller batch")
        if generator is None:
            return self._mined(z, y)
        with drawing_from(generator, z.device):
            return self._mined(z, y)

    def _mined(self, z: Tensor, y: Tensor) -> Pairs | Triplets:
        labels = torch.unique(y, return_inverse=True)[1]
        try:
            with torch.autocast(z.device.type, enabled=False):
                found = self.miner(full_precision(z.detach()), labels)
        except (AssertionError, IndexError, NotImplementedError, ValueError) as error:
            raise ValueError(f"{self.name}: {error or type(error).__name__}") from error
        parts = [part.to(z.device, torch.int64) for part in found]
        return Triplets(*parts) if len(parts) == 3 else Pairs(*parts)

    def _empty(self, z: Tensor, y: Tensor) -> Pairs | Triplets:
        """No tuples, of the kind that a batch of two classes gives; nothing global is drawn."""
        with drawing_from(torch.Generator(), torch.device("cpu")):
            found = self._mined(torch.eye(4, 8), torch.tensor([0, 0, 1, 1]))
        return type(found)(*(part[:0].to(z.device) for part in found))
