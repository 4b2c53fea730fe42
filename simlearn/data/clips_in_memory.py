"""Clips of videos read into memory once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from simlearn.data.clips import ClipIndex, clip_frames
from simlearn.data.errors import DataError
from simlearn.data.video import Video
from simlearn.data.video_source import Report, VideoData, VideoSource

MAX_BYTES = 4 << 30
"""Most bytes of all clips in memory (4 GiB)."""


def frame_rows(
    source: VideoSource,
    data: VideoData,
    videos: Sequence[Video],
    clips: ClipIndex,
    *,
    images: bool,
) -> np.ndarray:
    """Which frames make each clip.

    Args:
        source: says how many frames a clip has and how far apart they are.
        data: the opened videos.
        videos: those that ``clips.video`` counts.
        clips: N clips, each beginning at ``clips.low``.
        images: the middle frame only (of an even number the later).

    Returns:
        ``(N, T)`` int64 rows of the reader; T is 1 for ``images``.
    """
    number = {video.name: place for place, video in enumerate(data.videos)}
    first = [int(data.reader.offsets[number[video.name]]) for video in videos]
    rows = np.zeros((len(clips), source.frames), dtype=np.int64)
    for clip, (v, start) in enumerate(zip(clips.video, clips.low, strict=True)):
        count = len(videos[v].frames)
        rows[clip] = first[v] + clip_frames(int(start), source.frames, source.stride, count)
    middle = source.frames // 2
    return rows[:, middle : middle + 1] if images else rows


def read_pixels(
    source: VideoSource, data: VideoData, rows: np.ndarray, report: Report | None
) -> Tensor:
    """The middle of the frames of each clip, where the reader keeps a margin.

    Args:
        source: says how large the clips are.
        data: the opened videos.
        rows: ``(N, T)`` rows of the reader; N may be 0.
        report: called after every clip.

    Returns:
        ``(N, 3, T, side, side)`` uint8.
    """
    low = (data.reader.size - source.side) // 2
    middle = slice(low, low + source.side)
    x = torch.empty(len(rows), 3, rows.shape[1], source.side, source.side, dtype=torch.uint8)
    for clip, wanted in enumerate(rows):
        frames = torch.from_numpy(data.reader.gather(wanted))
        x[clip] = frames[:, middle, middle].permute(3, 0, 1, 2)
        if report is not None:
            report("reading clips", clip + 1, len(rows))
    return x


def check_memory(needed: int) -> None:
    """Refuse more than 4 GiB of clips.

    Raises:
        DataError: ``needed`` bytes are more; says what makes them fewer.
    """
    if needed > MAX_BYTES:
        raise DataError(
            f"the clips need {needed / 2**30:.1f} GiB of memory, more than {MAX_BYTES / 2**30:g} "
            "GiB: use fewer identities (data.max_identities), smaller images (data.side) or "
            "shorter clips (data.frames)"
        )
