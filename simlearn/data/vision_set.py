"""Reading a data set of torchvision's, and what to say when its files are not there."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from simlearn.data.class_source import ClassSource
from simlearn.data.class_split import RawClasses
from simlearn.data.errors import DataError
from simlearn.data.labelled_images import LabelledImages

if TYPE_CHECKING:
    from simlearn.data.video_source import Report


def idx_files(folder: str, prefixes: Sequence[str]) -> tuple[Path, ...]:
    """Where torchvision looks for unpacked IDX files below its root, images before labels."""
    kinds = ("images-idx3-ubyte", "labels-idx1-ubyte")
    return tuple(Path(folder, "raw", f"{p}-{kind}") for p in prefixes for kind in kinds)


def check_files(root: Path, files: Sequence[Path], how: str) -> None:
    """Refuse missing files.

    Args:
        root: the data's root.
        files: what must be there, relative to ``root``; at least one.
        how: a sentence that says how they get there.

    Raises:
        DataError: naming the missing ones, and those that lie there packed.
    """
    missing = [f for f in files if not (root / f).is_file()]
    if not missing:
        return
    packed = [root / f"{f}.gz" for f in missing if (root / f"{f}.gz").is_file()]
    unpack = f"Packed files are there: gunzip -k {' '.join(map(str, packed))}. " if packed else ""
    raise DataError(
        f"{root / missing[0].parent}: {', '.join(f.name for f in missing)} not there (the files of "
        f"both splits are needed). {unpack}{how}, or set data.download=true"
    )


@dataclass(frozen=True, kw_only=True)
class VisionSet(ClassSource):
    """What all data sets of torchvision's have in common.

    Args:
        root: folder below which torchvision keeps the data set's folder.
        download: let torchvision download what is missing; the other arguments are those of
            :class:`ClassSource`.
    """

    root: Path | None = None
    download: bool = False

    @property
    @abstractmethod
    def files(self) -> tuple[Path, ...]:
        """What must be there, relative to ``root``."""

    @property
    @abstractmethod
    def how(self) -> str:
        """How the files get there, as a sentence without its full stop."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Shape of one image as torchvision holds it: ``(H, W)`` or ``(H, W, C)``."""

    @abstractmethod
    def torchvision(self, root: Path, *, train: bool) -> Any:
        """Torchvision's data set of one split."""

    def class_names(self, dataset: Any) -> tuple[str, ...]:
        """The classes' names by number; by default torchvision's."""
        return tuple(dataset.classes)

    @property
    def facts(self) -> dict[str, object]:
        """What results depend on besides the arguments that all options share; by default none."""
        return {}

    def arranged(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Upright images and labels from 0; by default as they are."""
        return x, y

    def read(self, report: Report | None = None) -> RawClasses:
        """Both splits, uint8 ``(N, C, H, W)``.

        Args:
            report: called before each split.

        Raises:
            DataError: no root; files that are missing, damaged or of another data set, or that
                cannot be downloaded.
        """
        name = type(self).__name__
        if self.root is None:
            raise DataError(
                f"data.root is not given: {name} is read from a folder. {self.how}, "
                "or set data.root=FOLDER data.download=true"
            )
        if not self.download:
            check_files(self.root, self.files, self.how)
        splits: list[LabelledImages] = []
        names: tuple[str, ...] = ()
        for number, train in enumerate((True, False)):
            if report is not None:
                report(f"reading {name}", number, 2)
            try:
                dataset = self.torchvision(self.root, train=train)
                names = self.class_names(dataset)
                splits.append(self._images(dataset, len(names)))
            except Exception as error:  # torchvision raises almost anything on damaged files
                raise DataError(
                    f"{self.root / self.files[0].parent}: torchvision cannot "
                    f"{'download or ' if self.download else ''}read {name}'s "
                    f"{'training' if train else 'test'} split ({type(error).__name__}: {error}). "
                    f"Take the files away and get them again: {self.how}, or set "
                    "data.download=true"
                ) from error
        return RawClasses(train=splits[0], test=splits[1], names=names, facts=self.facts)

    def _images(self, dataset: Any, classes: int) -> LabelledImages:
        x = torch.from_numpy(np.ascontiguousarray(dataset.data))
        x, y = self.arranged(x, torch.as_tensor(dataset.targets).to(torch.int64))
        if x.shape[1:] != self.shape or x.dtype != torch.uint8 or len(x) != len(y):
            raise ValueError(
                f"{len(y)} labels and images {tuple(x.shape)} of {x.dtype} instead of bytes "
                f"(N, {', '.join(map(str, self.shape))})"
            )
        if len(y) and not 0 <= int(y.min()) <= int(y.max()) < classes:
            raise ValueError(
                f"labels from {int(y.min())} to {int(y.max())} for {classes} classes from 0"
            )
        x = x[:, None] if x.ndim == 3 else x.permute(0, 3, 1, 2)
        return LabelledImages(x.contiguous(), y, torch.arange(len(y)))
