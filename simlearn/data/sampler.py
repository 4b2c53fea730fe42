"""Batches of P classes with K samples each."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from torch.utils.data import Sampler

from simlearn.data.errors import DataError
from simlearn.data.randomness import numpy_generator

Key = tuple[int, int]
"""(epoch, row): all that a sample's augmentation depends on besides the seed."""


def draw_class(groups: dict[int, np.ndarray], k: int, g: np.random.Generator) -> list[int]:
    """Draw up to ``k`` different rows of one class, from as many different groups as there are.

    Args:
        groups: rows of each group (video) of the class; -1 holds those that have none.
        k: number of rows wanted; a class with fewer gives all that it has.
        g: source of randomness.
    """
    if list(groups) == [-1]:
        return g.choice(groups[-1], min(k, len(groups[-1])), replace=False).tolist()
    shuffled = [g.permutation(groups[key]) for key in g.permutation(list(groups))]
    rounds = max(len(rows) for rows in shuffled)
    ordered = [int(rows[r]) for r in range(rounds) for rows in shuffled if r < len(rows)]
    return ordered[:k]


def share_of(items: int, rank: int, world: int) -> slice:
    """Which of ``items`` are those of process ``rank`` of ``world``.

    The shares follow one another in the order of the ranks, hold every item once, and differ by at
    most one in size; the first ranks have the larger ones. With fewer items than processes the last
    ones have none.
    """
    least, more = divmod(items, world)
    low = rank * least + min(rank, more)
    return slice(low, low + least + (rank < more))


@dataclass(frozen=True, kw_only=True)
class PKBatches:
    """P and K, as a configuration gives them.

    Args:
        classes_per_batch: P, different classes in a batch.
        samples_per_class: K, samples of each.

    Raises:
        ValueError: one of them below 2.
    """

    classes_per_batch: int = 8
    samples_per_class: int = 4

    def __post_init__(self) -> None:
        for name in ("classes_per_batch", "samples_per_class"):
            if getattr(self, name) < 2:
                raise ValueError(
                    f"sampler.{name} is {getattr(self, name)}: a similarity loss needs at least "
                    "2 classes and 2 samples of each in a batch"
                )


class PKSampler(Sampler[list[Key]]):
    """Yields whole batches of (epoch, row), P classes x K samples.

    The order of an epoch is a function of (seed, epoch). An epoch looks at about as many
    samples as there are: every class comes ``max(1, round(rows / (classes * K)))`` times; what
    is left over when the classes do not divide by P waits for the next epoch.

    Several processes draw the same batches, and each yields its :func:`share_of` every one: the
    number of processes changes neither what is in a batch nor how many there are.

    Args:
        labels: ``(N,)`` class of each row.
        groups: ``(N,)`` group (video) of each row, -1 = none; different groups are preferred.
        batches: P and K. With fewer classes than P all of them are taken, with a warning.
        seed: the run's seed.
        epoch: epoch to begin with (from a checkpoint).
        start: number of that epoch's batches that were already used.
        rank: number of this process, from 0.
        world: number of processes.
        alone: allow a single class, and say nothing of fewer classes than P: others join the
            batches later.

    Raises:
        DataError: fewer than two classes (one if ``alone``), no class with two rows, or more
            processes than a batch has samples.
    """

    def __init__(
        self,
        labels: np.ndarray,
        groups: np.ndarray,
        *,
        batches: PKBatches,
        seed: int,
        epoch: int = 0,
        start: int = 0,
        rank: int = 0,
        world: int = 1,
        alone: bool = False,
    ) -> None:
        self.rows = {
            int(c): {
                int(v): np.flatnonzero((labels == c) & (groups == v))
                for v in np.unique(groups[labels == c])
            }
            for c in np.unique(labels)
        }
        sizes = np.array([sum(map(len, videos.values())) for videos in self.rows.values()])
        _check_classes(sizes, alone)
        if len(self.rows) < batches.classes_per_batch and not alone:
            warnings.warn(
                f"sampler.classes_per_batch is {batches.classes_per_batch} and the training split "
                f"has {len(self.rows)} classes: batches hold {len(self.rows)}",
                stacklevel=2,
            )
        self.p = min(batches.classes_per_batch, len(self.rows))
        self.k = batches.samples_per_class
        self.seed, self.epoch, self.start = seed, epoch, start
        self.rank, self.world = rank, world
        _check_processes(np.sort(np.minimum(sizes, self.k))[: self.p], world)
        self.short_classes = int((sizes < self.k).sum())
        self.passes = max(1, round(len(labels) / (len(self.rows) * self.k)))

    def __len__(self) -> int:
        """Batches of a whole epoch, also while a resumed epoch is only finished."""
        return self.passes * (len(self.rows) // self.p)

    def set_epoch(self, epoch: int) -> None:
        """Go to ``epoch``; the trainer calls it before each. Another epoch starts at batch 0."""
        if epoch != self.epoch:
            self.epoch, self.start = epoch, 0

    def __iter__(self) -> Iterator[list[Key]]:
        """Yield the epoch's batches from ``start`` on."""
        g = numpy_generator(self.seed, "sampler", self.epoch)
        classes = np.array(list(self.rows))
        per_pass = len(self.rows) // self.p
        order = [
            batch
            for _ in range(self.passes)
            for batch in g.permutation(classes)[: per_pass * self.p].reshape(per_pass, self.p)
        ]
        for number in range(self.start, len(order)):
            h = numpy_generator(self.seed, "sampler", self.epoch, number)
            rows = [r for c in order[number] for r in draw_class(self.rows[int(c)], self.k, h)]
            own = share_of(len(rows), self.rank, self.world)
            yield [(self.epoch, row) for row in rows[own]]


class SequentialBatches(Sampler[list[Key]]):
    """Rows 0..n-1 in order, for evaluation; the last batch may be smaller."""

    def __init__(self, n: int, batch_size: int) -> None:
        self.n, self.batch_size = n, batch_size

    def __len__(self) -> int:
        return -(-self.n // self.batch_size)

    def __iter__(self) -> Iterator[list[Key]]:
        for low in range(0, self.n, self.batch_size):
            yield [(0, row) for row in range(low, min(low + self.batch_size, self.n))]


def _check_classes(sizes: np.ndarray, alone: bool) -> None:
    if len(sizes) < (1 if alone else 2):
        raise DataError(
            f"the training split has {len(sizes)} identity: a similarity loss needs at least two. "
            "Give more data or a larger train share in data.split"
        )
    if sizes.max() < 2:
        raise DataError(
            f"none of the {len(sizes)} identities of the training split has two clips, so there "
            "is no positive pair. Use shorter clips (data.frames, data.stride) or more videos"
        )


def _check_processes(smallest: np.ndarray, world: int) -> None:
    """Every process needs a sample of the smallest batch that can be drawn."""
    if world > smallest.sum():
        raise DataError(
            f"trainer.devices is {world} and a batch may hold only {smallest.sum()} clips: use "
            "fewer devices or raise sampler.classes_per_batch or sampler.samples_per_class"
        )
