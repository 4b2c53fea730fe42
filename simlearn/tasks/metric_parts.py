"""The parts that a metric-learning run is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from simlearn.backbones.base import Backbone
from simlearn.data.randomness import torch_generator
from simlearn.data.sampler import PKBatches
from simlearn.data.video_source import VideoSource
from simlearn.evaluation.protocol import VideoRetrieval
from simlearn.learners import MetricLearner, SiameseNetwork, TripletNetwork
from simlearn.learners.metric import OptimizerSettings
from simlearn.losses import ContrastiveLoss, Loss, TripletLoss
from simlearn.losses.base import grows
from simlearn.miners import Miner
from simlearn.trainer import Logs, TrainerSettings


@dataclass(frozen=True)
class MetricParts:
    """Everything that the configuration describes, constructed; not yet opened or trained."""

    source: VideoSource
    backbone: Backbone
    head: nn.Module
    loss: Loss
    optimizer: OptimizerSettings
    batches: PKBatches
    protocol: VideoRetrieval
    trainer: TrainerSettings
    logs: Logs
    miner: Miner | None = None

    def learner(self, seed: int, classes: int | None = None) -> MetricLearner:
        """The network of these parts, see :func:`similarity_learner`.

        Args:
            seed: the run's seed.
            classes: classes of the training split; a loss that keeps something per class grows to
                them. Left out where a checkpoint brings its own number.
        """
        if classes is not None and grows(self.loss):
            self.loss.grow(classes, generator=torch_generator(seed, "classes"))
        return similarity_learner(
            self.backbone, self.head, self.loss, self.optimizer, seed, self.miner
        )


def similarity_learner(
    backbone: Backbone,
    head: nn.Module,
    loss: Loss,
    optimizer: OptimizerSettings,
    seed: int,
    miner: Miner | None,
) -> MetricLearner:
    """The Siamese or Triplet network of a loss, or a plain learner for other losses."""
    kind: Callable[..., MetricLearner] = MetricLearner
    if isinstance(loss, TripletLoss):
        kind = TripletNetwork
    if isinstance(loss, ContrastiveLoss):
        kind = SiameseNetwork
    return kind(backbone, head, loss, optimizer, seed=seed, miner=miner)
