"""Videos of identities as a data set of classes, so that identities can arrive one after another.

Training and test share the identities here and no video; elsewhere they share no identity.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from simlearn.data.class_split import RawClasses
from simlearn.data.clips import evaluation_clips
from simlearn.data.clips_in_memory import check_memory, frame_rows, read_pixels
from simlearn.data.errors import DataError
from simlearn.data.labelled_images import LabelledImages
from simlearn.data.randomness import numpy_generator
from simlearn.data.splits import label_map
from simlearn.data.video import Video
from simlearn.data.video_source import Report, VideoData, VideoSource

MEANINGLESS = ("split", "split_seed", "jitter", "standardise")
"""Facts of a video option that say nothing about its classes."""


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


def held_out_clips(y: Tensor, video: Tensor, *, clips: int, seed: int) -> Tensor:
    """Which training clips are for validation, and which are left out because of that.

    Whole videos of every class are held out until they have ``clips`` clips, so that no video is
    learnt from and validated on. Drawn by (seed, class).

    Args:
        y: ``(N,)`` class of each clip.
        video: ``(N,)`` video of each clip.
        clips: validation clips of each class, at least 1.
        seed: of the draw.

    Returns:
        ``(N,)`` int64: 1 for validation, -1 for what a held-out video has beyond that, else 0.

    Raises:
        DataError: no video of a class would be left to learn from.
    """
    part = torch.zeros(len(y), dtype=torch.int64)
    for label in y.unique().tolist():
        videos = video[y == label].unique()
        drawn = numpy_generator(seed, "validation videos", label).permutation(len(videos))
        held, count = [], 0
        for place in drawn:
            if count >= clips:
                break
            held.append(((y == label) & (video == videos[place])).nonzero().flatten())
            count += len(held[-1])
        if count < clips or len(held) == len(videos):
            raise DataError(
                f"data.val_per_class={clips} takes all {len(videos)} training video(s) of an "
                "identity: videos are held out whole. Ask for fewer, use data.val_per_class=0, or "
                "give more videos of each"
            )
        rows = torch.cat(held)
        part[rows[:clips]], part[rows[clips:]] = 1, -1
    return part


def raw_classes_of_videos(
    source: VideoSource,
    *,
    stills: bool,
    clips_per_video: int = 5,
    test_share: float = 0.3,
    most: int | None = None,
    only: Sequence[int] | None = None,
    report: Report | None = None,
) -> RawClasses:
    """Clips of the identities of all splits of a data option, in memory.

    Identities are numbered in the sorted order of their names. Those with one video cannot be in
    both splits and are left out.

    Args:
        source: the data option; ``source.split_seed`` draws the test videos.
        stills: the middle frame of each clip, for a network of still images.
        clips_per_video: evenly spaced clips of every video; a short one gives fewer.
        test_share: share in (0, 1) of each identity's videos that is the test split.
        most: the first so many identities by name; ``None`` for all.
        only: numbers of the identities whose clips are read; ``None`` for all.
        report: called with the progress of what takes long.

    Returns:
        x ``(N, 3, T, side, side)`` uint8, or ``(N, 3, side, side)``; ``index`` is
        ``clips_per_video`` times the number of the video, plus that of the clip in it.

    Raises:
        DataError: as for the option's ``open``; no identity with two videos, or more than 4 GiB of
            clips.
    """
    data = source.open(report=report)
    pooled = _first(data, most)
    counts = Counter(video.identity for video in pooled)
    names = tuple(label_map([video for video in pooled if counts[video.identity] > 1]))
    if not names:
        raise DataError(
            f"none of the {len(counts)} identities has two videos, and one must be for the test: "
            "give more videos of each"
        )
    wanted = names if only is None else [names[c] for c in only if 0 <= c < len(names)]
    videos = [video for video in pooled if video.identity in set(wanted)]
    clips = evaluation_clips(
        [len(video.frames) for video in videos],
        frames=source.frames,
        stride=source.stride,
        clips_per_video=clips_per_video,
    )
    rows = frame_rows(source, data, videos, clips, images=stills)
    check_memory(rows.size * 3 * source.side**2)
    held_out = held_out_videos(videos, share=test_share, seed=source.split_seed)
    tested = np.array([videos[v].name in held_out for v in clips.video], dtype=bool)
    number, place = {name: c for c, name in enumerate(names)}, _numbers(data)
    y = torch.tensor([number[videos[v].identity] for v in clips.video], dtype=torch.int64)
    index = torch.tensor(
        [place[videos[v].name] * clips_per_video + c for v, c in _counted(clips.video)],
        dtype=torch.int64,
    )

    def part(chosen: np.ndarray) -> LabelledImages:
        kept = torch.from_numpy(np.flatnonzero(chosen))
        x = read_pixels(source, data, rows[chosen], report)
        return LabelledImages(x[:, :, 0] if stills else x, y[kept], index[kept])

    return RawClasses(
        train=part(~tested),
        test=part(tested),
        names=names,
        facts={
            **{name: fact for name, fact in data.facts.items() if name not in MEANINGLESS},
            "max_identities": most,
            "left_out_with_one_video": sum(count == 1 for count in counts.values()),
            "still_images": stills,
            "clips_per_video": clips_per_video,
            "test_share": test_share,
        },
    )


def _first(data: VideoData, most: int | None) -> list[Video]:
    """The videos of the first identities of all splits together, in the reader's order."""
    used = {video.name for part in data.splits.values() for video in part}
    pooled = [video for video in data.videos if video.name in used]
    kept = set(sorted({video.identity for video in pooled})[:most])
    return [video for video in pooled if video.identity in kept]


def _numbers(data: VideoData) -> dict[str, int]:
    """Place of every video in the reader's order, by its name."""
    return {video.name: place for place, video in enumerate(data.videos)}


def _counted(videos: Sequence[int] | np.ndarray) -> list[tuple[int, int]]:
    """Every clip's video, and the clip's number among those of the video."""
    seen: Counter[int] = Counter()
    found = []
    for v in videos:
        found.append((int(v), seen[int(v)]))
        seen[int(v)] += 1
    return found
