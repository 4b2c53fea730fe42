"""The batches of all experiences of a stream, one experience after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count

from torch.utils.data import DataLoader

from simlearn.continual.experience_fit import ExperienceTraining
from simlearn.data.batch import Batch
from simlearn.data.experiences import Experience
from simlearn.data.randomness import derive_seed
from simlearn.data.sampler import PKSampler
from simlearn.data.tensor_set import TensorSet, tensor_loader
from simlearn.trainer.factory import TrainerSettings

LOOK = 2
"""Steps of an experience under ``trainer.fast_dev_run``."""


def steps_of(settings: TrainerSettings, batches: int) -> int:
    """Optimiser steps of one experience whose epoch has ``batches`` batches.

    The smaller of ``max_steps`` and ``max_epochs`` epochs, where both are given.
    """
    limits = [] if settings.max_epochs is None else [settings.max_epochs * batches]
    limits += [] if settings.max_steps is None else [settings.max_steps]
    return min([*limits, LOOK] if settings.fast_dev_run else limits)


class StreamBatches:
    """Yields what the loaders of the experiences would, as if it were one epoch.

    Args:
        stream: the experiences.
        training: P and K, seed, augmentation, and how long an experience is trained.
        trains: whether anything is trained in an experience.
        start: number of the experience to begin with.

    Attributes:
        steps: batches of every experience.

    Raises:
        DataError: an experience has no positive pair or no two classes, see
            :func:`simlearn.data.tensor_set.tensor_loader`.
    """

    def __init__(
        self,
        stream: Sequence[Experience],
        training: ExperienceTraining,
        *,
        trains: Callable[[Experience], bool],
        start: int = 0,
    ) -> None:
        self.start = start
        self.loaders = [
            _loader(exp, training) if training.trainer.trains and trains(exp) else None
            for exp in stream
        ]
        self.steps = tuple(
            0 if loader is None else steps_of(training.trainer, len(loader))
            for loader in self.loaders
        )

    def __len__(self) -> int:
        """Batches of the whole stream, wherever it begins."""
        return sum(self.steps)

    def __iter__(self) -> Iterator[Batch]:
        """Yield the batches from experience ``start`` on."""
        for loader, steps in zip(self.loaders[self.start :], self.steps[self.start :], strict=True):
            if loader is not None:
                yield from _batches(loader, steps)


def _loader(exp: Experience, training: ExperienceTraining) -> DataLoader[Batch]:
    """The loader of one experience, the same as when it is learnt alone."""
    return tensor_loader(
        exp.train,
        exp.scale,
        batches=training.batches,
        seed=derive_seed(training.seed, "experience", exp.number),
        flip=training.flip,
        shift=training.shift,
        alone=exp.number > 0,
    )


def _batches(loader: DataLoader[Batch], steps: int) -> Iterator[Batch]:
    """``steps`` batches, epoch after epoch, without the machinery of the loader."""
    images, sampler = loader.dataset, loader.sampler
    assert isinstance(images, TensorSet) and isinstance(sampler, PKSampler)  # noqa: S101
    done = 0
    for epoch in count():
        sampler.set_epoch(epoch)
        for keys in sampler:
            if done == steps:
                return
            done += 1
            yield images[keys]
