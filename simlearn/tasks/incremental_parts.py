"""The parts that a class-incremental run is made of."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace

import torch
from torch import nn

from simlearn.backbones.base import Backbone
from simlearn.data.class_source import ClassSource
from simlearn.data.labelled_images import ClassData
from simlearn.data.sampler import PKBatches
from simlearn.evaluation.class_protocol import ClassIncremental
from simlearn.learners import MetricLearner
from simlearn.learners.contract import Strategy
from simlearn.learners.metric import OptimizerSettings
from simlearn.losses import Loss
from simlearn.miners import Miner
from simlearn.tasks.metric_parts import similarity_learner
from simlearn.trainer import Logs, TrainerSettings

FEW = 40
"""Most images of each class and split that ``trainer.fast_dev_run`` looks at."""


@dataclass(frozen=True)
class IncrementalParts:
    """Everything that the configuration describes, constructed; not yet opened or trained."""

    source: ClassSource
    backbone: Backbone
    head: nn.Module
    loss: Loss
    optimizer: OptimizerSettings
    batches: PKBatches
    strategy: Strategy
    protocol: ClassIncremental
    trainer: TrainerSettings
    logs: Logs
    miner: Miner | None = None

    def learner(self, seed: int) -> MetricLearner:
        """A network as it is before its first step; every call gives an equal one of its own."""
        backbone, head, loss = deepcopy((self.backbone, self.head, self.loss))
        return similarity_learner(backbone, head, loss, self.optimizer, seed, self.miner)

    def small(self) -> IncrementalParts:
        """The parts of a quick look: few resamples."""
        return replace(self, protocol=replace(self.protocol, bootstrap=50))


def small_data(data: ClassData) -> ClassData:
    """The data of a quick look: at most 40 images of each class and split."""
    splits = {}
    for name, images in data.splits.items():
        first = [(images.y == label).nonzero().flatten()[:FEW] for label in images.y.unique()]
        splits[name] = images.rows(torch.cat([torch.zeros(0, dtype=torch.int64), *first]))
    return replace(data, splits=splits, facts={**data.facts, "images_per_class": f"first {FEW}"})
