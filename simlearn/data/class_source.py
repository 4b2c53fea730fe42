"""A data set of classes as a configuration describes it, opened in the order of their arrival."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simlearn.data.class_split import RawClasses, class_fingerprint, in_order, split_classes
from simlearn.data.experiences import ClassOrder
from simlearn.data.labelled_images import ClassData, LabelledImages, PixelScale

if TYPE_CHECKING:
    from simlearn.data.video_source import Report

LEAST = {"train_per_class": 1, "test_per_class": 1, "val_per_class": 0, "shift": 0}


@dataclass(frozen=True, kw_only=True)
class ClassSource(ClassOrder, ABC):
    """What all data options of classes have in common; the first three are of :class:`ClassOrder`.

    Which images are used is drawn by ``split_seed``, so that runs with other seeds see the same.

    Args:
        order_seed: draws the order of the classes; ``None`` for the run's seed.
        train_per_class: training images of each class, drawn at random; ``None`` for all.
        test_per_class: test images of each class, drawn at random; ``None`` for all.
        val_per_class: validation images of each class, drawn from its training images, which then
            lack them.
        split_seed: draws the images.
        rotations: the first experience also learns its images turned by 90, 180 and 270 degrees,
            as classes of their own that nothing is measured on; not for data in which a turned
            image is another class.
        flip: mirror half of the training images.
        shift: pixels by which a training image is moved at most, in each direction.
        mean: of the pixels in [0, 1]: 0 for the network.
        std: deviation of the pixels in [0, 1], above 0: 1 for the network.

    Raises:
        ValueError: a number out of its range.
    """

    order_seed: int | None = None
    train_per_class: int | None = None
    test_per_class: int | None = None
    val_per_class: int = 0
    split_seed: int = 0
    rotations: bool = False
    flip: bool = False
    shift: int = 0
    mean: float = 0.5
    std: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, least in LEAST.items():
            value = getattr(self, name)
            if value is not None and value < least:
                raise ValueError(f"data.{name} is {value}, must be at least {least}")
        if not self.std > 0:
            raise ValueError(f"data.std is {self.std}, must be above 0")

    @abstractmethod
    def read(self, report: Report | None = None) -> RawClasses:
        """All images of the data set, uint8 ``(N, C, H, W)``, or clips ``(N, C, T, H, W)``.

        Args:
            report: called with the progress of what takes long.

        Raises:
            DataError: naming the file or folder and the way out.
        """

    def split_images(self, raw: RawClasses, classes: Sequence[int]) -> dict[str, LabelledImages]:
        """Draw the images of every split, see :func:`split_classes`.

        Args:
            raw: what :meth:`read` gave.
            classes: numbers of the classes that take part.

        Raises:
            DataError: a class has fewer images than asked for, or none.
        """
        return split_classes(
            raw,
            classes,
            train=self.train_per_class,
            val=self.val_per_class,
            test=self.test_per_class,
            seed=self.split_seed,
        )

    def open(self, *, seed: int, report: Report | None = None) -> ClassData:
        """Read the data, draw the images and number the classes in the order of their arrival.

        Args:
            seed: the run's seed.
            report: called with the progress of what takes long.

        Raises:
            DataError: as for :meth:`read` and :meth:`split_images`; or ``class_order`` names a
                class that there is not.
        """
        raw = self.read(report)
        drawn_by = seed if self.order_seed is None else self.order_seed
        order = self.order(len(raw.names), seed=drawn_by)
        splits = self.split_images(raw, order)
        names = tuple(raw.names[c] for c in order)
        return ClassData(
            splits={split: in_order(images, order) for split, images in splits.items()},
            names=names,
            scale=PixelScale(self.mean, self.std),
            fingerprint=class_fingerprint(splits, raw.names),
            facts={
                "data": type(self).__name__,
                **raw.facts,
                "class_order": list(names),
                "split_sizes": {split: len(images) for split, images in splits.items()},
                "train_per_class": self.train_per_class,
                "val_per_class": self.val_per_class,
                "test_per_class": self.test_per_class,
                "split_seed": self.split_seed,
                "mean": self.mean,
                "std": self.std,
            },
        )
