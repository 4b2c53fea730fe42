"""The parts that a class-incremental run is made of."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace

import torch
from torch import nn

from simlearn.backbones.base import Backbone
from simlearn.data.class_source import ClassSource
from simlearn.data.errors import DataError
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
"""Images of each class and split that ``trainer.fast_dev_run`` looks at."""


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
        """The parts of a quick look: a few images of each class, few resamples."""
        few = {
            name: min(FEW, getattr(self.source, name) or FEW)
            for name in ("train_per_class", "test_per_class")
        }
        return replace(
            self,
            source=replace(self.source, **few),
            protocol=replace(self.protocol, bootstrap=50),
        )


def check_images(backbone: Backbone, data: ClassData) -> None:
    """Let the backbone look at one image, so that what does not fit is told before the training.

    Raises:
        DataError: with the shape of the images and the backbone's words.
    """
    image = data.scale(data.splits["train"].x[:1])
    training = backbone.training
    try:
        with torch.no_grad():
            backbone.eval()(image)
    except (RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(
            f"the images have {image.shape[1]} channels and {image.shape[-2]}x{image.shape[-1]} "
            f"pixels, which {type(backbone).__name__} does not take ({reason}): set "
            f"backbone.in_channels={image.shape[1]}, or choose another backbone"
        ) from error
    finally:
        backbone.train(training)
