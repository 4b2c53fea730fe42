"""What the benchmarks of continual learning share: drawn classes, a learner, the bare loop."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from simlearn.backbones import LinearHead
from simlearn.backbones.base import Backbone
from simlearn.continual.experience_fit import ExperienceTraining
from simlearn.continual.stream_batches import StreamBatches
from simlearn.data.labelled_images import ClassData, LabelledImages, PixelScale
from simlearn.data.sampler import PKBatches
from simlearn.learners.metric import MetricLearner
from simlearn.learners.optim import SGD
from simlearn.losses import TripletLoss
from simlearn.trainer.factory import TrainerSettings
from simlearn.trainer.interrupt import StopFlag
from simlearn.trainer.logs import Logs
from simlearn.trainer.progress import ProgressLine

HIDDEN, DIM, LR = 512, 64, 0.01


class OneLayer(Backbone):
    """784 pixels, one hidden layer."""

    def __init__(self) -> None:
        hidden = nn.Sequential(nn.Flatten(), nn.Linear(784, HIDDEN), nn.ReLU())
        super().__init__({"hidden": hidden}, dim=HIDDEN, kind="image")


def drawn_classes(classes: int, each: int) -> ClassData:
    """Noisy images of drawn patterns, ``(classes * each, 1, 28, 28)`` bytes."""
    g = torch.Generator().manual_seed(0)
    y = torch.arange(classes).repeat_interleave(each)
    x = torch.rand(classes, 1, 28, 28, generator=g)[y] * 200
    x = (x + torch.rand(len(y), 1, 28, 28, generator=g) * 55).to(torch.uint8)
    images = LabelledImages(x, y, torch.arange(len(y)))
    names = tuple(map(str, range(classes)))
    return ClassData({"train": images, "test": images}, names, PixelScale(), "drawn", {})


def training_in(folder: Path, p: int, k: int, **settings) -> ExperienceTraining:
    """The defaults of a run, progress into nowhere."""
    return ExperienceTraining(
        trainer=TrainerSettings(accelerator="cpu", **settings),
        batches=PKBatches(classes_per_batch=p, samples_per_class=k),
        logs=Logs(),
        folder=folder,
        facts={},
        seed=0,
        stop=StopFlag(),
        line=ProgressLine(io.StringIO()),
    )


def learner_of(make_backbone: Callable[[], Backbone]) -> MetricLearner:
    """The same network each time."""
    torch.manual_seed(0)
    backbone = make_backbone()
    head = LinearHead(backbone.dim, DIM)
    optimizer = SGD(lr=LR, momentum=0.0, schedule="constant", warmup=0.0)
    return MetricLearner(backbone, head, TripletLoss(), optimizer)


def bare_loop(
    learner: MetricLearner,
    batches: StreamBatches,
    *,
    means: bool = False,
    times: dict[int, float] | None = None,
) -> MetricLearner:
    """The loop that everybody writes; with ``means`` also the class means of each experience."""
    optimizer, scheduler = learner.optimizer.build(learner.parameters(), len(batches))
    kept, learner = [], learner.train()
    for done, batch in enumerate(batches, start=1):
        optimizer.zero_grad()
        learner.loss(learner(batch.x), batch.y).value.backward()
        optimizer.step()
        scheduler.step()
        if times is not None:
            times[done] = time.perf_counter()
        if means:
            learner.eval()
            with torch.no_grad():
                z = learner(batch.x)
            for label in batch.y.unique():
                kept.append(nn.functional.normalize(z[batch.y == label].mean(dim=0), dim=0))
            learner.train()
    return learner


def same_weights(one: nn.Module, other: nn.Module) -> bool:
    """Whether two networks are equal to the last bit."""
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)
