"""Six classes in three experiences of a few steps, and what learns them."""

from __future__ import annotations

import io

import torch
from torch import nn

from simlearn.backbones import LinearHead
from simlearn.backbones.base import Backbone
from simlearn.continual.experience_fit import ExperienceTraining
from simlearn.data.experiences import experiences
from simlearn.data.labelled_images import ClassData, LabelledImages, PixelScale
from simlearn.data.sampler import PKBatches
from simlearn.learners.metric import MetricLearner
from simlearn.learners.optim import AdamW
from simlearn.losses import TripletLoss
from simlearn.trainer.factory import TrainerSettings
from simlearn.trainer.interrupt import StopFlag
from simlearn.trainer.logs import Logs
from simlearn.trainer.progress import ProgressLine

CLASSES, PER_CLASS = 6, 8


class Flat(Backbone):
    """One hidden layer with dropout, and a cut behind it."""

    def __init__(self, dropout: float = 0.2) -> None:
        stages = {
            "hidden": nn.Sequential(nn.Flatten(), nn.Linear(16, 12), nn.ReLU()),
            "features": nn.Sequential(nn.Dropout(dropout), nn.Linear(12, 8)),
        }
        super().__init__(stages, dim=8, kind="image")


def stream(sizes=(2, 2, 2), cumulative=False):
    """Noisy patterns of 4 x 4 pixels."""
    g = torch.Generator().manual_seed(0)
    y = torch.arange(CLASSES).repeat_interleave(PER_CLASS)
    means = torch.rand(CLASSES, 1, 4, 4, generator=g) * 200
    x = means[y] + torch.rand(len(y), 1, 4, 4, generator=g) * 55
    images = LabelledImages(x.to(torch.uint8), y, torch.arange(len(y)))
    data = ClassData({"train": images, "test": images}, tuple("abcdef"), PixelScale(), "p", {})
    return experiences(data, sizes, seed=5, cumulative=cumulative)


def maker(optimizer=None, loss=None, dropout=0.2):
    """Makes the same network each time."""

    def make():
        with torch.random.fork_rng():
            torch.manual_seed(3)
            backbone = Flat(dropout)
            head = LinearHead(backbone.dim, 4)
        given = optimizer or AdamW(lr=0.01)
        return MetricLearner(backbone, head, loss or TripletLoss(margin=0.5), given)

    return make


def training(folder, *, stop=None, **settings):
    """Two epochs of two batches each per experience, unless ``settings`` say otherwise."""
    given = {"accelerator": "cpu", "max_epochs": 2, "log_every": 1, **settings}
    return ExperienceTraining(
        trainer=TrainerSettings(**given),
        batches=PKBatches(classes_per_batch=2, samples_per_class=4),
        logs=Logs(tensorboard=False),
        folder=folder,
        facts={"data": "patterns"},
        seed=5,
        stop=stop or StopFlag(),
        line=ProgressLine(io.StringIO()),
    )


def nothing(learner, strategy, exp, earlier):
    """Measure nothing."""
    return {}
