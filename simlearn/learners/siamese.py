"""Siamese network: two branches with shared weights (Bromley 1993; Hadsell 2006)."""

from __future__ import annotations

from torch import nn

from simlearn.backbones.base import Backbone
from simlearn.learners.metric import MetricLearner, OptimizerSettings
from simlearn.losses.contrastive import ContrastiveLoss
from simlearn.miners.base import Miner


class SiameseNetwork(MetricLearner):
    """:class:`MetricLearner` with the contrastive loss.

    The pairs are all pairs of a batch, or those that the miner or ``batch.tuples`` names.

    Args:
        backbone: gives ``(B, dim)`` features.
        head: brings them to ``(B, d)`` embeddings.
        loss: contrastive loss; its defaults if left out.
        optimizer: see :class:`MetricLearner`.
        seed: see :class:`MetricLearner`.
        miner: see :class:`MetricLearner`.
    """

    def __init__(
        self,
        backbone: Backbone,
        head: nn.Module,
        loss: ContrastiveLoss | None = None,
        optimizer: OptimizerSettings | None = None,
        *,
        seed: int = 0,
        miner: Miner | None = None,
    ) -> None:
        super().__init__(
            backbone, head, loss or ContrastiveLoss(), optimizer, seed=seed, miner=miner
        )
