"""Your own images as one NumPy file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from simlearn.data.class_source import ClassSource
from simlearn.data.class_split import RawClasses
from simlearn.data.errors import DataError
from simlearn.data.labelled_images import LabelledImages
from simlearn.data.npz_file import load_npz

if TYPE_CHECKING:
    from simlearn.data.video_source import Report

KEYS = ("train_x", "train_y", "test_x", "test_y")
"""What the file must hold."""


def read_arrays(path: Path) -> RawClasses:
    """The images of an ``.npz`` file.

    Args:
        path: a file with ``train_x`` and ``test_x``, uint8 ``(N, H, W)`` or ``(N, H, W, C)`` with
            1 or 3 channels, and ``train_y`` and ``test_y``, whole numbers ``(N,)`` from 0.
            ``names``, text ``(K,)``, may name the classes; without it they are "0" to "K-1".

    Raises:
        DataError: naming the file and the array that is missing, damaged or of another kind.
    """
    found = load_npz(path, KEYS, optional=("names",))
    splits = {
        part: _images(path, part, found[f"{part}_x"], found[f"{part}_y"])
        for part in ("train", "test")
    }
    first, second = (tuple(splits[part].x.shape[1:]) for part in ("train", "test"))
    if first != second:
        raise DataError(
            f"{path}: images of train_x are {first} (C, H, W) and those of test_x {second}: bring "
            "them to one size"
        )
    names = _names(path, found)
    for part, images in splits.items():
        labels = images.y.unique().tolist()
        outside = [label for label in labels if not 0 <= label < len(names)]
        if outside:
            raise DataError(
                f"{path}: {part}_y holds the label {outside[0]} and there are {len(names)} classes "
                "from 0"
            )
    return RawClasses(train=splits["train"], test=splits["test"], names=names)


@dataclass(frozen=True, kw_only=True)
class Arrays(ClassSource):
    """Your own images in one ``.npz`` file.

    Args:
        path: the file, see :func:`read_arrays`; the other arguments are those of
            :class:`ClassSource`.
    """

    path: Path

    def read(self, report: Report | None = None) -> RawClasses:
        """All images; ``index`` is the row of ``train_x`` or ``test_x``.

        Args:
            report: not called.

        Raises:
            DataError: as for :func:`read_arrays`.
        """
        return read_arrays(self.path)


def _images(path: Path, part: str, x: np.ndarray[Any, Any], y: np.ndarray) -> LabelledImages:
    if x.dtype != np.uint8 or x.ndim not in (3, 4) or not x.size:
        raise DataError(
            f"{path}: {part}_x is {x.dtype} of shape {x.shape}, must be uint8 (N, H, W) or "
            "(N, H, W, C) with pixels from 0 to 255, and not empty"
        )
    if x.ndim == 4 and x.shape[3] not in (1, 3):
        raise DataError(
            f"{path}: {part}_x has shape {x.shape} and so {x.shape[3]} channels, must be 1 or 3: "
            "channels come last"
        )
    if y.dtype.kind not in "iu" or y.shape != (len(x),):
        raise DataError(
            f"{path}: {part}_y is {y.dtype} of shape {y.shape}, must be whole numbers of shape "
            f"({len(x)},), one for each image of {part}_x"
        )
    pixels = torch.from_numpy(x[..., None] if x.ndim == 3 else x).permute(0, 3, 1, 2).contiguous()
    labels = torch.from_numpy(y.astype(np.int64))
    return LabelledImages(pixels, labels, torch.arange(len(y)))


def _names(path: Path, found: Mapping[str, np.ndarray]) -> tuple[str, ...]:
    if "names" not in found:
        labels = np.unique(found["train_y"])
        if (labels != np.arange(len(labels))).any():
            raise DataError(
                f"{path}: the labels of train_y are {', '.join(map(str, labels[:5]))}... and not 0 "
                f"to {len(labels) - 1}: number the classes from 0 without a gap, or add names"
            )
        return tuple(str(label) for label in labels)
    names = found["names"]
    if names.dtype.kind != "U" or names.ndim != 1:
        raise DataError(
            f"{path}: names is {names.dtype} of shape {names.shape}, must be text of shape (K,)"
        )
    try:
        listed = _texts(names)
    except ValueError as error:
        raise DataError(f"{path}: names holds what is no text ({error})") from error
    if len(set(listed)) < len(listed):
        twice = next(name for name in listed if listed.count(name) > 1)
        raise DataError(f"{path}: names holds {twice!r} twice: every class has its own")
    return listed


def _texts(names: np.ndarray[Any, Any]) -> tuple[str, ...]:
    """Text from NumPy's UTF-32, which NumPy itself does not check."""
    width, data = names.dtype.itemsize, names.tobytes()
    codec = "utf-32-le" if names.dtype.str[0] == "<" else "utf-32-be"
    return tuple(
        data[k * width : (k + 1) * width].decode(codec).rstrip("\0") for k in range(len(names))
    )
