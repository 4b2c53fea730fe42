"""The parts that a metric-learning run is made of."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from simlearn.backbones.base import Backbone
from simlearn.data.sampler import PKBatches
from simlearn.data.video_source import VideoSource
from simlearn.evaluation.protocol import VideoRetrieval
from simlearn.learners import MetricLearner, SiameseNetwork, TripletNetwork
from simlearn.learners.metric import OptimizerSettings
from simlearn.losses import ContrastiveLoss, Loss, TripletLoss
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

    def learner(self, seed: int) -> MetricLearner:
        """The Siamese or Triplet network of these parts, or a plain learner for other losses."""
        if isinstance(self.loss, TripletLoss):
            return TripletNetwork(self.backbone, self.head, self.loss, self.optimizer, seed=seed)
        if isinstance(self.loss, ContrastiveLoss):
            return SiameseNetwork(self.backbone, self.head, self.loss, self.optimizer, seed=seed)
        return MetricLearner(self.backbone, self.head, self.loss, self.optimizer, seed=seed)
