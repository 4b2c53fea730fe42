"""Windows of frames: which frames of a video make a clip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


def clip_span(frames: int, stride: int) -> int:
    """Number of video frames from a clip's first to its last frame, both counted."""
    return (frames - 1) * stride + 1


def clip_frames(start: int, frames: int, stride: int, available: int) -> np.ndarray:
    """``(T,)`` frame numbers of a clip that begins at ``start``.

    A video that is too short repeats its last frame.
    """
    return np.minimum(start + stride * np.arange(frames), available - 1)


def even_starts(available: int, span: int, clips: int) -> np.ndarray:
    """First frames of at most ``clips`` clips, evenly spaced from the first frame to the last.

    Equal starts (a video hardly longer than one clip) are given once; one clip lies in the middle.
    """
    slack = max(available - span, 0)
    if clips == 1:
        return np.array([slack // 2])
    return np.unique(np.round(np.linspace(0, slack, clips)).astype(np.int64))


@dataclass(frozen=True)
class ClipIndex:
    """Clips of a set of videos, row by row.

    Attributes:
        video: ``(N,)`` number of the clip's video.
        low: ``(N,)`` earliest first frame.
        high: ``(N,)`` latest first frame; equal to ``low`` where the clip is fixed.
    """

    video: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def __len__(self) -> int:
        return len(self.video)


def training_clips(counts: Sequence[int], *, frames: int, stride: int) -> ClipIndex:
    """Cut every video into as many clips as fit side by side, each free to start within its part.

    Args:
        counts: number of frames of each video.
        frames: frames per clip, T.
        stride: step between a clip's frames.
    """
    span = clip_span(frames, stride)
    rows = []
    for video, count in enumerate(counts):
        parts = max(1, count // span)
        edges = np.arange(parts + 1) * count // parts
        rows += [(video, edges[i], max(edges[i], edges[i + 1] - span)) for i in range(parts)]
    return _clip_index(rows)


def evaluation_clips(
    counts: Sequence[int], *, frames: int, stride: int, clips_per_video: int
) -> ClipIndex:
    """Evenly spaced clips with a fixed start, up to ``clips_per_video`` for each video."""
    span = clip_span(frames, stride)
    return _clip_index(
        [
            (video, start, start)
            for video, count in enumerate(counts)
            for start in even_starts(count, span, clips_per_video)
        ]
    )


def _clip_index(rows: list[tuple[int, int, int]]) -> ClipIndex:
    table = np.array(rows, dtype=np.int64).reshape(-1, 3)
    return ClipIndex(video=table[:, 0], low=table[:, 1], high=table[:, 2])
