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
        """The Siamese or Triplet network of these parts, or a plain learner for other losses.

        Args:
            seed: the run's seed.
            classes: classes of the training split; a loss that keeps something per class grows to
                them. Left out where a checkpoint brings its own number.
        """
        if classes is not None and grows(self.loss):
            self.loss.grow(classes, generator=torch_generator(seed, "classes"))
        kind: Callable[..., MetricLearner] = MetricLearner
        if isinstance(self.loss, TripletLoss):
            kind = TripletNetwork
        if isinstance(self.loss, ContrastiveLoss):
            kind = SiameseNetwork
        return kind(
            self.backbone, self.head, self.loss, self.optimizer, seed=seed, miner=self.miner
        )
