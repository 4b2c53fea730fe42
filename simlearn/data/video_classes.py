"""Videos of identities as a data set of classes, so that identities can arrive one after another.

Training and test share the identities here and no video; elsewhere they share no identity.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from simlearn.data.class_split import class_fingerprint, in_order
from simlearn.data.clips import evaluation_clips
from simlearn.data.clips_in_memory import check_memory, frame_rows, read_pixels
from simlearn.data.errors import DataError
from simlearn.data.experiences import ClassOrder
from simlearn.data.labelled_images import ClassData, LabelledImages, PixelScale
from simlearn.data.randomness import numpy_generator
from simlearn.data.splits import label_map
from simlearn.data.video import Video
from simlearn.data.video_source import Report, VideoSource


def held_out_videos(videos: Sequence[Video], *, share: float, seed: int) -> set[str]:
    """Names of the videos that are the test split.

    Of every identity ``round(share * videos)``, but at least one and never all; an identity with
    one video gives none. Drawn by (seed, identity).

    Args:
        videos: in any order, which does not matter.
        share: in (0, 1).
        seed: of the draw.
    """
    chosen: set[str] = set()
    for identity in {video.identity for video in videos}:
        names = sorted(video.name for video in videos if video.identity == identity)
        count = min(max(1, round(share * len(names))), len(names) - 1)
        drawn = numpy_generator(seed, "held-out videos", identity).permutation(len(names))
        chosen.update(names[place] for place in drawn[:count])
    return chosen


def class_data_of_videos(
    source: VideoSource,
    order: ClassOrder,
    *,
    seed: int,
    images: bool,
    clips_per_video: int = 5,
    test_share: float = 0.3,
    report: Report | None = None,
) -> ClassData:
    """Clips of the identities of all splits of a data option, in memory.

    Identities are numbered in the sorted order of their names. Those with one video cannot be in
    both splits and are left out. Pixels are scaled to [-1, 1], whatever ``standardise`` says.

    Args:
        source: the data option.
        order: which identities arrive when.
        seed: the run's, draws their order; ``source.split_seed`` draws the test videos.
        images: the middle frame of each clip, for a network of still images.
        clips_per_video: evenly spaced clips of every video; a short one gives fewer.
        test_share: share in (0, 1) of each identity's videos that is the test split.
        report: called with the progress of what takes long.

    Returns:
        x ``(N, 3, T, side, side)`` uint8, or ``(N, 3, side, side)``; no validation split.

    Raises:
        DataError: as for the option's ``open``; no identity with two videos, an identity in
            ``order`` that there is not, or more than 4 GiB of clips.
    """
    data = source.open(report=report)
    used = {video.name for part in data.splits.values() for video in part}
    pooled = [video for video in data.videos if video.name in used]
    counts = Counter(video.identity for video in pooled)
    number = label_map([video for video in pooled if counts[video.identity] > 1])
    names = tuple(number)
    if not names:
        raise DataError(
            f"none of the {len(counts)} identities has two videos, and one must be for the test: "
            "give more videos of each"
        )
    arrival = order.order(len(names), seed=seed)
    wanted = {names[c] for c in arrival}
    videos = [video for video in pooled if video.identity in wanted]
    clips = evaluation_clips(
        [len(video.frames) for video in videos],
        frames=source.frames,
        stride=source.stride,
        clips_per_video=clips_per_video,
    )
    rows = frame_rows(source, data, videos, clips, images=images)
    check_memory(rows.size * 3 * source.side**2)
    held_out = held_out_videos(videos, share=test_share, seed=source.split_seed)
    tested = np.array([videos[v].name in held_out for v in clips.video])
    y = torch.tensor([number[videos[v].identity] for v in clips.video])

    def part(chosen: np.ndarray) -> LabelledImages:
        index = torch.from_numpy(np.flatnonzero(chosen))
        x = read_pixels(source, data, rows[chosen], report)
        return LabelledImages(x[:, :, 0] if images else x, y[index], index)

    train, test = part(~tested), part(tested)
    splits = {"train": train, "val": train.of(()), "test": test}
    scale = PixelScale(0.5, 0.5)
    return ClassData(
        splits={split: in_order(found, arrival) for split, found in splits.items()},
        names=tuple(names[c] for c in arrival),
        scale=scale,
        fingerprint=class_fingerprint(splits, names),
        facts={
            **data.facts,
            "data": type(source).__name__,
            "class_order": [names[c] for c in arrival],
            "split_sizes": {split: len(found) for split, found in splits.items()},
            "left_out_with_one_video": sum(count == 1 for count in counts.values()),
            "still_images": images,
            "clips_per_video": clips_per_video,
            "test_share": test_share,
            "test_seed": source.split_seed,
            "standardise": "range",
            "mean": scale.mean,
            "std": scale.std,
        },
    )


@dataclass(frozen=True, kw_only=True)
class VideoClasses(ClassOrder):
    """Identities of a video data option as classes; opened like a :class:`ClassSource`.

    Args:
        source: the data option; the order's arguments are those of :class:`ClassOrder`.
        images: the middle frame of each clip, for a network of still images.
        clips_per_video: evenly spaced clips of every video.
        test_share: share in (0, 1) of each identity's videos that is the test split.

    Raises:
        ValueError: a number out of its range.
    """

    source: VideoSource
    images: bool = False
    clips_per_video: int = 5
    test_share: float = 0.3

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.clips_per_video < 1:
            raise ValueError(f"clips_per_video is {self.clips_per_video}, must be at least 1")
        if not 0 < self.test_share < 1:
            raise ValueError(f"test_share is {self.test_share}, must be between 0 and 1")

    def open(self, *, seed: int, report: Report | None = None) -> ClassData:
        """:func:`class_data_of_videos` with these arguments.

        Args:
            seed: the run's seed.
            report: called with the progress of what takes long.

        Raises:
            DataError: as for :func:`class_data_of_videos`.
        """
        return class_data_of_videos(
            self.source,
            self,
            seed=seed,
            images=self.images,
            clips_per_video=self.clips_per_video,
            test_share=self.test_share,
            report=report,
        )
