"""Small data sets of classes whose pixels tell every image apart."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from simlearn.data.class_source import ClassSource
from simlearn.data.class_split import RawClasses
from simlearn.data.labelled_images import LabelledImages


def images_of(labels, side=4, offset=0):
    """Images ``(N, 1, side, side)`` in which every pixel is the row's number (plus an offset)."""
    y = torch.tensor(labels, dtype=torch.int64)
    rows = torch.arange(len(y))
    x = (rows + offset).to(torch.uint8)[:, None, None, None].expand(-1, 1, side, side).contiguous()
    return LabelledImages(x, y, rows)


def interleaved(counts):
    """Labels 0, 1, 2, 0, 1, 2, ... until every class has its count."""
    return [c for turn in range(max(counts)) for c, n in enumerate(counts) if turn < n]


def raw_classes(train=(7, 5, 6, 8), test=(3, 4, 3, 3)):
    """Classes "a", "b", ... with so many images."""
    names = tuple("abcdefgh"[: len(train)])
    return RawClasses(
        images_of(interleaved(train)), images_of(interleaved(test), offset=100), names
    )


@dataclass(frozen=True, kw_only=True)
class Made(ClassSource):
    """A data option over :func:`raw_classes`."""

    train: tuple[int, ...] = (7, 5, 6, 8)

    def read(self, report=None):
        """The same images each time."""
        return raw_classes(self.train)
