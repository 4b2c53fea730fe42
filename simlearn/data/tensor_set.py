"""Images in memory as batches of P classes with K images each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from simlearn.data.batch import Batch
from simlearn.data.errors import DataError
from simlearn.data.labelled_images import LabelledImages, PixelScale
from simlearn.data.sampler import Key, PKBatches, PKSampler
from simlearn.data.transforms import augmentation


def with_rotations(images: LabelledImages, classes: int) -> LabelledImages:
    """The images and their rotations by 90, 180 and 270 degrees, as classes of their own.

    Rotation r of class c has the label ``c + r * classes``; ``index`` stays that of the original.

    Args:
        images: ``(N, C, H, H)`` or ``(N, C, T, H, H)``; N may be 0.
        classes: number of classes K; labels are 0..K-1.

    Returns:
        4 N images: first the originals, then each quarter turn to the left.

    Raises:
        DataError: images that are not square.
        ValueError: a label that is not in 0..K-1.
    """
    x, y = images.x, images.y
    if x.ndim not in (4, 5) or x.shape[-1] != x.shape[-2]:
        raise DataError(
            f"data.rotations needs square images, found {tuple(x.shape[1:])}: set "
            "data.rotations=false"
        )
    if len(y) and not 0 <= int(y.min()) <= int(y.max()) < classes:
        raise ValueError(f"labels from {int(y.min())} to {int(y.max())} for {classes} classes")
    return LabelledImages(
        torch.cat([x.rot90(r, dims=(-2, -1)) for r in range(4)]),
        torch.cat([y + r * classes for r in range(4)]),
        images.index.repeat(4),
    )


def move_and_flip(x: Tensor, *, top: Tensor, left: Tensor, flip: Tensor, shift: int) -> Tensor:
    """Move every image by at most ``shift`` pixels and mirror some; what comes in is 0 (black).

    Args:
        x: ``(B, ..., H, W)``.
        top: ``(B,)`` int64 in [0, 2 shift]: row of the image framed by ``shift`` zeros at which
            the result begins; ``shift`` for no movement.
        left: ``(B,)`` likewise.
        flip: ``(B,)`` bool.
        shift: at least 0.

    Returns:
        ``(B, ..., H, W)`` in one gather.
    """
    height, width = x.shape[-2:]
    framed = torch.nn.functional.pad(x, (shift,) * 4).flatten(1, -3)
    rows = top[:, None] + torch.arange(height)
    columns = left[:, None] + torch.arange(width)
    columns = torch.where(flip[:, None], columns.flip(1), columns)
    batch = torch.arange(len(x))[:, None, None]
    moved = framed.permute(0, 2, 3, 1)[batch, rows[:, :, None], columns[:, None, :]]
    return moved.permute(0, 3, 1, 2).reshape(x.shape)


class TensorSet(Dataset[Batch]):
    """Batches of images in memory by a list of (epoch, row).

    Args:
        images: images, clips, or features of them where there is no augmentation.
        scale: from bytes to what the network sees.
        seed: of the augmentation, a function of (seed, epoch, index).
        flip: mirror half of the samples.
        shift: pixels by which a sample is moved at most, in each direction.

    Raises:
        ValueError: augmentation of features.
    """

    def __init__(
        self,
        images: LabelledImages,
        scale: PixelScale,
        *,
        seed: int = 0,
        flip: bool = False,
        shift: int = 0,
    ) -> None:
        if (flip or shift) and images.x.dtype != torch.uint8:
            raise ValueError(
                f"flip and shift need uint8 images, found {images.x.dtype} of shape "
                f"{tuple(images.x.shape)}"
            )
        self.images, self.scale = images, scale
        self.seed, self.flip, self.shift = seed, flip, shift

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, keys: Sequence[Key]) -> Batch:
        """The batch of these (epoch, row): ``x (B, *F)`` float32, no group."""
        found = self.images.rows(torch.tensor([row for _, row in keys], dtype=torch.int64))
        x = found.x
        if self.flip or self.shift:
            x = self._augmented(x, [epoch for epoch, _ in keys], found.index.tolist())
        return Batch(
            x=self.scale(x), y=found.y, group=torch.full_like(found.y, -1), index=found.index
        )

    def _augmented(self, x: Tensor, epochs: Sequence[int], index: Sequence[int]) -> Tensor:
        draws = [
            augmentation(self.seed, e, i, slack=2 * self.shift, flip=self.flip)[:3]
            for e, i in zip(epochs, index, strict=True)
        ]
        top, left, flip = torch.tensor(draws, dtype=torch.int64).reshape(-1, 3).unbind(1)
        return move_and_flip(x, top=top, left=left, flip=flip.bool(), shift=self.shift)


def tensor_loader(
    images: LabelledImages,
    scale: PixelScale,
    *,
    batches: PKBatches,
    seed: int,
    start: tuple[int, int] = (0, 0),
    flip: bool = False,
    shift: int = 0,
    alone: bool = False,
) -> DataLoader[Batch]:
    """Batches of P x K images, in this process.

    Args:
        images: of the classes to learn from; where they are fewer than P, all come in each batch.
        scale: from bytes to what the network sees.
        batches: P and K.
        seed: of the order and of the augmentation.
        start: (epoch, batches of it already used) of the checkpoint that is resumed.
        flip: mirror half of the samples.
        shift: pixels by which a sample is moved at most.
        alone: allow a single class, whose batches hold K images of it: others join by replay.

    Raises:
        DataError: fewer than two classes (one if ``alone``), or no class with two images.
        ValueError: augmentation of features.
    """
    counts = torch.unique(images.y, return_counts=True)[1]
    if len(counts) < (1 if alone else 2):
        raise DataError(
            f"there are {len(counts)} class(es) to learn from, and a similarity loss needs "
            f"{'one beside replay' if alone else 'two, or replay of earlier ones'}: raise "
            "data.base_classes or data.classes_per_experience"
        )
    if counts.max() < 2:
        raise DataError(
            f"none of the {len(counts)} classes has two images, so there is no positive pair: "
            "raise data.train_per_class"
        )
    fitting = max(2, min(batches.classes_per_batch, len(counts)))
    rows = TensorSet(images, scale, seed=seed, flip=flip, shift=shift)
    sampler = PKSampler(
        images.y.numpy(),
        np.full(len(images), -1),
        batches=replace(batches, classes_per_batch=fitting),
        seed=seed,
        epoch=start[0],
        start=start[1],
        alone=alone,
    )
    return DataLoader(rows, sampler=sampler, batch_size=None, num_workers=0)
