"""Which images of each class are learnt from, validated on and tested with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from simlearn.data.errors import DataError
from simlearn.data.labelled_images import LabelledImages
from simlearn.data.randomness import numpy_generator

SPLITS = ("train", "val", "test")
"""Names of the splits."""


@dataclass(frozen=True)
class RawClasses:
    """A data set as it is read: labels are the classes' numbers in the data set.

    Attributes:
        train: training images; ``index`` is the row in the file of this split.
        test: test images, likewise.
        names: name of every class, by its number.
        facts: what is to be said of the data besides the arguments that all options share.
    """

    train: LabelledImages
    test: LabelledImages
    names: tuple[str, ...]
    facts: Mapping[str, object] = field(default_factory=dict)


def split_classes(
    raw: RawClasses,
    classes: Sequence[int],
    *,
    train: int | None = None,
    val: int = 0,
    test: int | None = None,
    seed: int = 0,
) -> dict[str, LabelledImages]:
    """Draw the images of every split, class by class.

    A class's training images are shuffled by (seed, class): the first are for training, the last
    for validation. So more images include the fewer, and the choice depends neither on the other
    classes nor on the order in which they arrive.

    Args:
        raw: the data set.
        classes: numbers of the classes that take part, at least one.
        train: training images of each class; ``None`` for all that validation leaves.
        val: validation images of each class, taken from its training images; may be 0.
        test: test images of each class; ``None`` for all.
        seed: of the draws.

    Returns:
        Split -> images with the class numbers of ``raw``, in the order of the data set; "val" may
        be empty.

    Raises:
        DataError: a class has fewer images than asked for, or none.
    """
    rows: dict[str, list[Tensor]] = {split: [] for split in SPLITS}
    for c in classes:
        name = raw.names[c]
        learnt = _shuffled(raw.train.y, c, seed, "train")
        tested = _shuffled(raw.test.y, c, seed, "test")
        _check_not_empty(name, {"training": len(learnt), "test": len(tested)})
        asked = {"data.train_per_class": train, "data.val_per_class": val or None}
        _check_enough(name, "training", len(learnt), asked, (train or 1) + val)
        _check_enough(name, "test", len(tested), {"data.test_per_class": test}, test or 1)
        left = len(learnt) - val
        rows["train"].append(learnt[: left if train is None else train])
        rows["val"].append(learnt[left:])
        rows["test"].append(tested[:test])
    wanted = {split: torch.cat(found).sort().values for split, found in rows.items()}
    source = {"train": raw.train, "val": raw.train, "test": raw.test}
    return {split: source[split].rows(wanted[split]) for split in SPLITS}


def in_order(images: LabelledImages, order: Sequence[int]) -> LabelledImages:
    """Labels become places in ``order``; every label must be in it."""
    place = torch.zeros(max(order) + 1, dtype=torch.int64)
    place[list(order)] = torch.arange(len(order))
    return LabelledImages(images.x, place[images.y], images.index)


def class_fingerprint(splits: Mapping[str, LabelledImages], names: Sequence[str]) -> str:
    """16 hex digits that depend on the images of every split and on their classes' names.

    The order in which the classes arrive does not matter, nor where the data lie.

    Args:
        splits: images with class numbers, in the order of the data set.
        names: name of every class, by its number.
    """
    digest = hashlib.blake2b(digest_size=8)
    for split in SPLITS:
        images = splits[split]
        used = {int(c): names[int(c)] for c in images.y.unique()}
        digest.update(json.dumps([split, list(images.x.shape), used]).encode())
        digest.update(images.y.numpy().tobytes())
        digest.update(images.x.contiguous().numpy().data)
    return digest.hexdigest()


def _shuffled(y: Tensor, c: int, seed: int, purpose: str) -> Tensor:
    """Rows of class ``c``, in an order drawn for it."""
    rows = (y == c).nonzero().flatten()
    g = numpy_generator(seed, "class split", purpose, c)
    return rows[torch.from_numpy(g.permutation(len(rows)))]


def _check_not_empty(name: str, counts: Mapping[str, int]) -> None:
    for split, count in counts.items():
        if not count:
            raise DataError(
                f"class {name!r} has no {split} images: give images, or name the classes that "
                "take part in data.class_order without it"
            )


def _check_enough(
    name: str, split: str, there: int, asked: Mapping[str, int | None], least: int
) -> None:
    if least > there:
        said = " and ".join(f"{key}={value}" for key, value in asked.items() if value is not None)
        raise DataError(
            f"{said} need at least {least} {split} images of each class, and class {name!r} has "
            f"{there}: ask for fewer, or name the classes that take part in data.class_order "
            "without it"
        )
