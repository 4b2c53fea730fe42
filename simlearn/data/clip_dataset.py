"""Clips of videos as batches: one call reads, crops and standardises a whole batch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch.utils.data import Dataset

from simlearn.data.batch import Batch
from simlearn.data.clips import ClipIndex, clip_frames
from simlearn.data.frame_order import Order, order_frames
from simlearn.data.frames import FrameReader
from simlearn.data.sampler import Key
from simlearn.data.transforms import augmentation, crop_and_flip, standardise


class ClipDataset(Dataset[Batch]):
    """Batches of clips by a list of (epoch, row).

    Args:
        reader: frames of all videos by row.
        videos: ``(V,)`` which of the reader's videos belong to this set.
        labels: ``(V,)`` label of each of them.
        clips: rows; ``clips.video`` counts within ``videos``.
        frames: frames per clip, T.
        stride: step between them.
        side: side of the clips handed out; the reader's frames may be larger.
        how: standardisation, ``"clip"`` or ``"range"``.
        seed: seed of the augmentation; ``None``: none, the middle is cropped.
        flip: mirror half of the samples, where there is augmentation.
        images: for a network of still images: every frame is standardised by itself, and with
            augmentation a row gives one frame ``(B, C, H, W)``, drawn from the clip that a network
            of clips would get there. Without it a row still gives all T frames of its clip.
        order: how the frames of a clip follow one another, see :func:`order_frames`.
    """

    def __init__(
        self,
        reader: FrameReader,
        videos: Sequence[int],
        labels: Sequence[int],
        clips: ClipIndex,
        *,
        frames: int,
        stride: int,
        side: int,
        how: str = "clip",
        seed: int | None = None,
        flip: bool = True,
        images: bool = False,
        order: Order = "filmed",
    ) -> None:
        self.reader, self.clips = reader, clips
        self.frames, self.stride, self.side = frames, stride, side
        self.how, self.seed, self.flip, self.images, self.order = how, seed, flip, images, order
        self.videos = np.asarray(videos, dtype=np.int64)
        self.labels = np.asarray(labels, dtype=np.int64)
        self.lengths = reader.offsets[self.videos + 1] - reader.offsets[self.videos]

    def __len__(self) -> int:
        return len(self.clips)

    @property
    def clip_labels(self) -> np.ndarray:
        """``(N,)`` label of each row."""
        return self.labels[self.clips.video]

    def frame_rows(self, row: int, start: int) -> np.ndarray:
        """``(T,)`` rows of the reader that make the clip ``row`` when it begins at ``start``."""
        video = self.clips.video[row]
        local = clip_frames(start, self.frames, self.stride, int(self.lengths[video]))
        local = order_frames(local, self.order, seed=self.seed or 0, row=row)
        return self.reader.offsets[self.videos[video]] + local

    def __getitem__(self, keys: Sequence[Key]) -> Batch:
        """The batch of these (epoch, row): ``x (B, C, T, side, side)`` float32, or images."""
        rows = [row for _, row in keys]
        if self.seed is None:
            starts = self.clips.low[rows]
            wanted = [self.frame_rows(r, int(s)) for r, s in zip(rows, starts, strict=True)]
            pixels = self._gather(wanted)
            margin = (self.reader.size - self.side) // 2
            x = pixels[:, :, margin : margin + self.side, margin : margin + self.side]
        else:
            x = self._augmented(keys, self.seed)
        # channels come last in memory, as the frames have them, and stay there: no copy
        alone = x.flatten(0, 1) if self.images else x  # what is standardised together
        x = standardise(alone, self.how).view(x.shape).permute(0, 4, 1, 2, 3)
        index = torch.tensor(rows, dtype=torch.int64)
        video = self.clips.video[rows]
        return Batch(
            x=x[:, :, 0] if self.images and self.seed is not None else x,
            y=torch.from_numpy(self.labels[video]),
            group=torch.from_numpy(self.videos[video]),
            index=index,
        )

    def _augmented(self, keys: Sequence[Key], seed: int) -> torch.Tensor:
        slack = self.reader.size - self.side
        draws = [augmentation(seed, e, r, slack=slack, flip=self.flip) for e, r in keys]
        wanted = []
        for (_, row), (*_, g) in zip(keys, draws, strict=True):
            start = int(g.integers(self.clips.low[row], self.clips.high[row] + 1))
            frames = self.frame_rows(row, start)
            wanted.append(frames[g.integers(len(frames), size=1)] if self.images else frames)
        clips = [
            crop_and_flip(clip.permute(0, 3, 1, 2), top=top, left=left, side=self.side, flip=flip)
            for clip, (top, left, flip, _) in zip(self._gather(wanted), draws, strict=True)
        ]
        return torch.stack([clip.permute(0, 2, 3, 1) for clip in clips])

    def _gather(self, wanted: Sequence[np.ndarray]) -> torch.Tensor:
        return torch.from_numpy(self.reader.gather(np.stack(wanted)))
