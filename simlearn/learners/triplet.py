"""Triplet network: three branches with shared weights (Hoffer and Ailon 2015)."""

from __future__ import annotations

from torch import nn

from simlearn.backbones.base import Backbone
from simlearn.learners.metric import MetricLearner, OptimizerSettings
from simlearn.losses.triplet import TripletLoss
from simlearn.miners.base import Miner


class TripletNetwork(MetricLearner):
    """:class:`MetricLearner` with the triplet loss.

    The triplets are mined in the batch, or those that the miner or ``batch.tuples`` names.

    Args:
        backbone: gives ``(B, dim)`` features.
        head: brings them to ``(B, d)`` embeddings.
        loss: triplet loss; its defaults if left out.
        optimizer: see :class:`MetricLearner`.
        seed: see :class:`MetricLearner`.
        miner: see :class:`MetricLearner`.
    """

    def __init__(
        self,
        backbone: Backbone,
        head: nn.Module,
        loss: TripletLoss | None = None,
        optimizer: OptimizerSettings | None = None,
        *,
        seed: int = 0,
        miner: Miner | None = None,
    ) -> None:
        super().__init__(backbone, head, loss or TripletLoss(), optimizer, seed=seed, miner=miner)
