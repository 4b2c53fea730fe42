"""Class-incremental learning: which classes arrive in which experience."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from simlearn.data.errors import DataError
from simlearn.data.labelled_images import ClassData, LabelledImages, PixelScale
from simlearn.data.randomness import numpy_generator, torch_generator


@dataclass(frozen=True, kw_only=True)
class ClassOrder:
    """How classes are dealt to experiences.

    Args:
        base_classes: classes of the first experience; ``None`` for as many as in the others.
        classes_per_experience: new classes in each of the others; the last takes what is left.
        class_order: the classes' numbers in the data set, in the order of arrival; ``None`` draws
            the order from the seed. Classes that are not named do not take part.

    Raises:
        ValueError: numbers below 1, or a class that comes twice.
    """

    base_classes: int | None = None
    classes_per_experience: int = 2
    class_order: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        for name in ("base_classes", "classes_per_experience"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"data.{name} is {value}, must be at least 1")
        order = self.class_order or ()
        twice = [c for place, c in enumerate(order) if c in order[:place]]
        if twice:
            raise ValueError(
                f"data.class_order names class {twice[0]} twice: a class arrives in one experience"
            )

    def order(self, classes: int, *, seed: int) -> tuple[int, ...]:
        """The classes 0..classes-1 in the order of their arrival.

        Raises:
            DataError: ``class_order`` names a class that there is not.
        """
        if self.class_order is None:
            drawn = numpy_generator(seed, "class order").permutation(classes)
            return tuple(int(c) for c in drawn)
        outside = [c for c in self.class_order if not 0 <= c < classes]
        if outside:
            raise DataError(
                f"data.class_order names class {outside[0]}: the data have the classes 0 to "
                f"{classes - 1}"
            )
        return self.class_order

    def sizes(self, classes: int) -> tuple[int, ...]:
        """Classes of every experience; the last one may be smaller.

        Raises:
            DataError: fewer than two experiences.
        """
        first = self.base_classes or self.classes_per_experience
        rest = classes - first
        if rest < 1:
            name = "base_classes" if self.base_classes else "classes_per_experience"
            raise DataError(
                f"data.{name} is {first} and there are {classes} classes, so that nothing is left "
                f"to arrive later: lower data.{name}"
            )
        full, last = divmod(rest, self.classes_per_experience)
        return (first, *[self.classes_per_experience] * full, *([last] if last else []))


@dataclass(frozen=True)
class Experience:
    """What one experience brings.

    Attributes:
        number: 0-based.
        count: experiences in all.
        seed: of the run.
        old: labels of the classes that came before.
        new: labels of the classes that it brings.
        train: training images of the new classes (for a joint strategy of all seen ones).
        scale: from bytes to what the network sees.
    """

    number: int
    count: int
    seed: int
    old: tuple[int, ...]
    new: tuple[int, ...]
    train: LabelledImages
    scale: PixelScale

    @property
    def seen(self) -> tuple[int, ...]:
        """Labels of all classes so far."""
        return self.old + self.new

    def generator(self, purpose: str) -> torch.Generator:
        """A generator that depends on the run's seed, the purpose and the experience."""
        return torch_generator(self.seed, purpose, self.number)

    def batches(self, size: int = 256) -> Iterator[tuple[Tensor, Tensor]]:
        """``(x, y)`` of the training images as the network sees them, in order."""
        return self.train.batches(self.scale, size)

    def with_train(self, train: LabelledImages) -> Experience:
        """The same experience with other training images or features of them."""
        return replace(self, train=train)


def experiences(
    data: ClassData, sizes: Sequence[int], *, seed: int, cumulative: bool = False
) -> list[Experience]:
    """The experiences of a data set whose labels are places in the order of arrival.

    Args:
        data: the images.
        sizes: classes of every experience, see :meth:`ClassOrder.sizes`.
        seed: the run's.
        cumulative: each brings the images of all classes seen so far, for joint training.

    Raises:
        DataError: a class without training or test images.
    """
    train = data.splits["train"]
    for split in ("train", "test"):
        counts = torch.bincount(data.splits[split].y, minlength=sum(sizes))
        empty = (counts == 0).nonzero().flatten().tolist()
        if empty:
            raise DataError(
                f"class {data.names[empty[0]]!r} has no images in the {split} split, so its "
                "experience has nothing to learn or to measure: give images, or leave the class "
                "out of data.class_order"
            )
    found: list[Experience] = []
    for number, size in enumerate(sizes):
        old = tuple(range(sum(sizes[:number])))
        new = tuple(range(len(old), len(old) + size))
        wanted = old + new if cumulative else new
        found.append(Experience(number, len(sizes), seed, old, new, train.of(wanted), data.scale))
    return found
