"""The loaders of one data set of videos."""

from __future__ import annotations

from collections.abc import Sequence

import pytorch_lightning as pl
from torch.utils.data import DataLoader, Sampler

from simlearn.data.batch import Batch
from simlearn.data.clip_dataset import ClipDataset
from simlearn.data.clips import ClipIndex, evaluation_clips, training_clips
from simlearn.data.frame_order import Order
from simlearn.data.sampler import Key, PKBatches, PKSampler, SequentialBatches
from simlearn.data.splits import label_map
from simlearn.data.video import Video
from simlearn.data.video_source import VideoData, VideoSource


def labels_of(videos: Sequence[Video]) -> tuple[list[int], list[str]]:
    """Label 0..n-1 of each video and the identities' names, in sorted order."""
    number = label_map(videos)
    return [number[v.identity] for v in videos], list(number)


class VideoDataModule(pl.LightningDataModule):
    """Training batches and evaluation clips of opened videos.

    Args:
        source: what the configuration says of the data.
        data: the opened data.
        batches: P identities in a batch and K clips of each.
        seed: the run's seed.
        workers: loading processes; 0 loads in the training process, with the same batches.
        images: for a network of still images: single frames ``(B, C, H, W)`` in training; an
            evaluation hands out the same clips as to a network of clips.
        pin: put batches into pinned memory, for a GPU.
        start: (epoch, batches of it already used) of the checkpoint that is resumed.
        share: (rank, number of processes): each loads its part of the same training batches.
    """

    def __init__(
        self,
        source: VideoSource,
        data: VideoData,
        *,
        batches: PKBatches,
        seed: int,
        workers: int = 0,
        images: bool = False,
        pin: bool = False,
        start: tuple[int, int] = (0, 0),
        share: tuple[int, int] = (0, 1),
    ) -> None:
        super().__init__()
        self.source, self.data = source, data
        self.workers, self.images, self.pin = workers, images, pin
        self.train_set = self._training_set(seed)
        self.sampler = PKSampler(
            self.train_set.clip_labels,
            self.train_set.clips.video,
            batches=batches,
            seed=seed,
            epoch=start[0],
            start=start[1],
            rank=share[0],
            world=share[1],
        )

    def train_dataloader(self) -> DataLoader[Batch]:
        """Batches of P x K clips, from the epoch and batch given at the start."""
        return self._loader(self.train_set, self.sampler, self.workers)

    def evaluation_set(
        self, split: str, *, clips_per_video: int, order: Order = "filmed"
    ) -> ClipDataset:
        """Evenly spaced clips of one split's videos, without augmentation."""
        videos = self.data.splits[split]
        counts = [len(v.frames) for v in videos]
        clips = evaluation_clips(
            counts,
            frames=self.source.frames,
            stride=self.source.stride,
            clips_per_video=clips_per_video,
        )
        return self._set(split, clips, None, order)

    def evaluation_loader(
        self, split: str, *, clips_per_video: int, batch_size: int, order: Order = "filmed"
    ) -> DataLoader[Batch]:
        """Loader of :meth:`evaluation_set`, in order, in this process."""
        clips = self.evaluation_set(split, clips_per_video=clips_per_video, order=order)
        return self._loader(clips, SequentialBatches(len(clips), batch_size), 0)

    def _training_set(self, seed: int) -> ClipDataset:
        counts = [len(v.frames) for v in self.data.splits["train"]]
        clips = training_clips(counts, frames=self.source.frames, stride=self.source.stride)
        return self._set("train", clips, seed)

    def _set(
        self, split: str, clips: ClipIndex, seed: int | None, order: Order = "filmed"
    ) -> ClipDataset:
        return ClipDataset(
            self.data.reader,
            self.data.numbers(split),
            labels_of(self.data.splits[split])[0],
            clips,
            frames=self.source.frames,
            stride=self.source.stride,
            side=self.source.side,
            how=self.source.standardise,
            seed=seed,
            flip=self.source.flip,
            images=self.images,
            order=order,
        )

    def _loader(
        self, clips: ClipDataset, sampler: Sampler[list[Key]], workers: int
    ) -> DataLoader[Batch]:
        return DataLoader(
            clips,
            sampler=sampler,
            batch_size=None,  # the sampler's items are whole batches
            num_workers=workers,
            persistent_workers=workers > 0,
            pin_memory=self.pin,
        )
