"""MNIST, Fashion-MNIST, EMNIST and CIFAR as data options, read through torchvision."""

from __future__ import annotations

import string
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from simlearn.data.vision_set import VisionSet, idx_files

BALANCED = (*string.digits, *string.ascii_uppercase, *"abdefghnqrt")
"""Classes of EMNIST balanced (Cohen et al. 2017): small letters like their capitals are merged."""

EMNIST_CLASSES = {"balanced": BALANCED, "letters": tuple(string.ascii_lowercase)}
"""Split -> names; a class of "letters" holds the capital and the small letter."""


@dataclass(frozen=True, kw_only=True)
class MNIST(VisionSet):
    """MNIST (LeCun et al. 1998): 60,000 + 10,000 digits of 28x28.

    Args:
        root: folder that holds ``MNIST/raw``; the other arguments are those of
            :class:`VisionSet`.
    """

    mean: float = 0.1307
    std: float = 0.3081

    @property
    def files(self) -> tuple[Path, ...]:
        """Four unpacked IDX files."""
        return idx_files(type(self).__name__, ("train", "t10k"))

    @property
    def how(self) -> str:
        """How the files get there."""
        folder = (self.root or Path("FOLDER")) / type(self).__name__ / "raw"
        return f"Unpack the four IDX files into {folder}"

    @property
    def shape(self) -> tuple[int, ...]:
        """28x28 grey."""
        return (28, 28)

    def torchvision(self, root: Path, *, train: bool) -> Any:
        """Torchvision's data set of one split."""
        from torchvision import datasets

        make = getattr(datasets, type(self).__name__)
        return make(root, train=train, download=self.download)

    def class_names(self, dataset: Any) -> tuple[str, ...]:
        """The digits."""
        return tuple(string.digits)


@dataclass(frozen=True, kw_only=True)
class FashionMNIST(MNIST):
    """Fashion-MNIST (Xiao et al. 2017): 60,000 + 10,000 clothes of 28x28.

    Args:
        root: folder that holds ``FashionMNIST/raw``; the other arguments are those of
            :class:`VisionSet`.
    """

    mean: float = 0.2860
    std: float = 0.3530

    def class_names(self, dataset: Any) -> tuple[str, ...]:
        """From "T-shirt/top" to "Ankle boot"."""
        return tuple(dataset.classes)


@dataclass(frozen=True, kw_only=True)
class EMNIST(MNIST):
    """EMNIST (Cohen et al. 2017), 28x28, turned upright and with labels from 0.

    The files hold every image transposed, and those of "letters" count from 1.

    Args:
        split: ``"balanced"``: 47 digits and letters, 2,400 + 400 of each; ``"letters"``: 26
            letters, 4,800 + 800 of each.
        root: folder that holds ``EMNIST/raw``; the other arguments are those of
            :class:`VisionSet`.

    Raises:
        ValueError: another split.
    """

    mean: float = 0.1751
    std: float = 0.3332
    split: Literal["balanced", "letters"] = "balanced"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.split not in EMNIST_CLASSES:
            raise ValueError(f"data.split is {self.split!r}, must be balanced or letters")

    @property
    def files(self) -> tuple[Path, ...]:
        """Four unpacked IDX files of this split."""
        return idx_files("EMNIST", [f"emnist-{self.split}-{part}" for part in ("train", "test")])

    @property
    def facts(self) -> dict[str, object]:
        """The split."""
        return {"split": self.split}

    def torchvision(self, root: Path, *, train: bool) -> Any:
        """Torchvision's data set of one half of the split."""
        from torchvision import datasets

        return datasets.EMNIST(root, self.split, train=train, download=self.download)

    def class_names(self, dataset: Any) -> tuple[str, ...]:
        """Those of the official mapping."""
        return EMNIST_CLASSES[self.split]

    def arranged(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Transposed back, labels from 0."""
        return x.transpose(1, 2), y - 1 if self.split == "letters" else y


@dataclass(frozen=True, kw_only=True)
class CIFAR10(VisionSet):
    """CIFAR-10 (Krizhevsky 2009): 50,000 + 10,000 colour images of 32x32.

    Args:
        root: folder that holds ``cifar-10-batches-py``; the other arguments are those of
            :class:`VisionSet`.
    """

    mean: float = 0.4734
    std: float = 0.2516

    @property
    def files(self) -> tuple[Path, ...]:
        """The pickles, whose checksums torchvision compares before it reads them."""
        found = self._dataset_class()
        names = [name for name, _ in (*found.train_list, *found.test_list)]
        return tuple(Path(found.base_folder, name) for name in (*names, found.meta["filename"]))

    @property
    def how(self) -> str:
        """How the files get there."""
        return f"Unpack {self._dataset_class().filename} in {self.root or 'FOLDER'}"

    @property
    def shape(self) -> tuple[int, ...]:
        """32x32 in three colours."""
        return (32, 32, 3)

    def torchvision(self, root: Path, *, train: bool) -> Any:
        """Torchvision's data set of one split."""
        return self._dataset_class()(root, train=train, download=self.download)

    def _dataset_class(self) -> Any:
        """Torchvision's class of this name."""
        from torchvision import datasets

        return getattr(datasets, type(self).__name__)


@dataclass(frozen=True, kw_only=True)
class CIFAR100(CIFAR10):
    """CIFAR-100 (Krizhevsky 2009): 500 + 100 colour images of 32x32 of each of 100 classes.

    Args:
        root: folder that holds ``cifar-100-python``; the other arguments are those of
            :class:`VisionSet`.
    """

    mean: float = 0.4782
    std: float = 0.2682
