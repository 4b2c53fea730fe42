"""Images of labelled classes in memory, and how their pixels become what a network sees."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class PixelScale:
    """``(x / 255 - mean) / std`` of bytes, one mean and one deviation for all channels.

    Args:
        mean: of pixels in [0, 1].
        std: of pixels in [0, 1], above 0.

    Raises:
        ValueError: a deviation that is not above 0.
    """

    mean: float = 0.5
    std: float = 0.5

    def __post_init__(self) -> None:
        if not self.std > 0:
            raise ValueError(f"std is {self.std}, must be above 0")

    def __call__(self, x: Tensor) -> Tensor:
        """uint8 pixels of any shape to float32; float32 (features) stay as they are."""
        if x.dtype != torch.uint8:
            return x
        return x.float().div_(255 * self.std).sub_(self.mean / self.std)


@dataclass(frozen=True)
class LabelledImages:
    """Images, clips or features of them, with their classes.

    Attributes:
        x: ``(N, C, H, W)`` or ``(N, C, T, H, W)`` uint8, or ``(N, *F)`` float32 features.
        y: ``(N,)`` int64 labels: places in the order in which classes arrive.
        index: ``(N,)`` int64 rows in the data set.

    Raises:
        ValueError: lengths or types that do not belong together.
    """

    x: Tensor
    y: Tensor
    index: Tensor

    def __post_init__(self) -> None:
        for name in ("y", "index"):
            value = getattr(self, name)
            if value.shape != (len(self.x),) or value.dtype != torch.int64:
                raise ValueError(
                    f"{name} must be int64 of shape ({len(self.x)},), found {value.dtype} of "
                    f"shape {tuple(value.shape)}"
                )

    def __len__(self) -> int:
        return len(self.y)

    def rows(self, rows: Tensor) -> LabelledImages:
        """The given rows, in their order."""
        return LabelledImages(self.x[rows], self.y[rows], self.index[rows])

    def of(self, classes: Sequence[int]) -> LabelledImages:
        """The rows of ``classes``, in the order of the data set; none for no class."""
        wanted = torch.tensor(list(classes), dtype=torch.int64)
        return self.rows(torch.isin(self.y, wanted).nonzero().flatten())

    def batches(self, scale: PixelScale, size: int = 256) -> Iterator[tuple[Tensor, Tensor]]:
        """``(x float32, y)`` of ``size`` rows at a time, in order; the last may be smaller."""
        for low in range(0, len(self), size):
            yield scale(self.x[low : low + size]), self.y[low : low + size]


@dataclass(frozen=True)
class ClassData:
    """A data set of classes that all splits share.

    Attributes:
        splits: images of "train", "val" (possibly none) and "test".
        names: name of every class, by its label.
        scale: from bytes to what the network sees.
        fingerprint: hash of the images and labels; the same wherever the data lie.
        facts: what makes results comparable.
    """

    splits: Mapping[str, LabelledImages]
    names: tuple[str, ...]
    scale: PixelScale
    fingerprint: str
    facts: Mapping[str, object]
