"""The losses and miners of benchmarks/omniglot.py, all with their defaults."""

from __future__ import annotations

from collections.abc import Callable

import torch
from pytorch_metric_learning import losses as peer
from torch import Tensor, nn

from simlearn.losses import AngularLoss, CenterLoss, ContrastiveLoss, LossOutput, TripletLoss
from simlearn.miners import AngularMiner, BatchEasyMiner, DistanceWeightedMiner, Miner


class Mined(nn.Module):
    """A loss over the tuples of a miner, whose draws begin anew with every training."""

    def __init__(self, loss: nn.Module, miner: Miner) -> None:
        super().__init__()
        self.loss, self.miner = loss, miner
        self.generator = torch.Generator().manual_seed(0)

    def forward(self, z: Tensor, y: Tensor) -> LossOutput:
        """Loss of ``z (B, d)`` with labels ``y (B,)``."""
        output: LossOutput = self.loss(z, y, self.miner(z, y, generator=self.generator))
        return output


LOSSES: dict[str, Callable[[int, int], nn.Module]] = {
    "triplet all": lambda dim, classes: TripletLoss(),
    "PML triplet": lambda dim, classes: peer.TripletMarginLoss(margin=0.2),
    "triplet semihard": lambda dim, classes: TripletLoss(mining="semihard"),
    "triplet hard": lambda dim, classes: TripletLoss(mining="hard"),
    "triplet hard soft": lambda dim, classes: TripletLoss(mining="hard", soft=True),
    "triplet, distance-weighted miner": lambda dim, classes: Mined(
        TripletLoss(), DistanceWeightedMiner()
    ),
    "triplet, easy positives, hard negatives": lambda dim, classes: Mined(
        TripletLoss(), BatchEasyMiner("hard")
    ),
    "contrastive pairs": lambda dim, classes: ContrastiveLoss(),
    "contrastive balanced": lambda dim, classes: ContrastiveLoss(reduction="balanced"),
    "angular all": lambda dim, classes: AngularLoss(),
    "PML angular": lambda dim, classes: peer.AngularLoss(alpha=45),
    "angular one": lambda dim, classes: AngularLoss(pairs="one"),
    "angular all + npair": lambda dim, classes: AngularLoss(npair=0.5),
    "angular, angular miner": lambda dim, classes: Mined(AngularLoss(), AngularMiner()),
    "centre": lambda dim, classes: CenterLoss(dim, classes),
}
UNTRAINED = "untrained"
PEERS = {"triplet all": "PML triplet", "angular all": "PML angular"}
