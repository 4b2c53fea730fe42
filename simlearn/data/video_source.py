"""A data set of face videos as a configuration describes it, opened into splits and frames."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from simlearn.data.frame_store import FrameStore, build_frame_store
from simlearn.data.frames import FrameReader, ImageFiles
from simlearn.data.official_pairs import read_official_pairs
from simlearn.data.splits import fold_of_identity, identity_split
from simlearn.data.video import Video
from simlearn.data.youtube_faces import read_youtube_faces

Report = Callable[[str, int, int], None]
"""Called with (what is being done, done, total)."""

SHARES = {"train": 0.7, "val": 0.1, "test": 0.2}
CHOICES = {
    "images": ("aligned", "frame"),
    "standardise": ("clip", "range"),
    "store": ("auto", "off"),
}


@dataclass(frozen=True)
class VideoData:
    """Opened videos.

    Attributes:
        root: folder to which the videos' paths are relative.
        splits: videos of "train", "val" and "test", no identity in two of them.
        reader: frames of ``videos``, row by row.
        videos: all videos in the reader's order, which no split changes.
        fingerprint: hash of the videos' names and frames; the same wherever the data lie.
        facts: what makes results comparable: crop, frames, split and so on.
    """

    root: Path
    splits: Mapping[str, list[Video]]
    reader: FrameReader
    videos: list[Video]
    fingerprint: str
    facts: Mapping[str, object]

    def numbers(self, split: str) -> list[int]:
        """Numbers in ``videos`` of one split's videos."""
        wanted = {video.name for video in self.splits[split]}
        return [number for number, video in enumerate(self.videos) if video.name in wanted]


def data_fingerprint(videos: list[Video]) -> str:
    """16 hex digits that depend on the names of the videos and of their frames alone."""
    digest = hashlib.blake2b(digest_size=8)
    for video in sorted(videos, key=lambda v: v.name):
        digest.update(json.dumps([video.identity, video.name, video.frames]).encode())
    return digest.hexdigest()


@dataclass(frozen=True, kw_only=True)
class VideoSource:
    """What all data options in the layout of YouTube Faces have in common.

    Args:
        frames: frames per clip, T.
        stride: step between the frames of a clip.
        side: height and width of the network's input, in pixels.
        jitter: share of ``side`` by which kept frames reach further on each side; training crops
            at random among them, evaluation takes the middle.
        crop: share of the aligned image's side that the network sees in an evaluation, around the
            centre; the face box fills 1 / 2.2 = 0.45 of the image.
        images: ``"aligned"``, or ``"frame"`` with the boxes of ``labeled_faces.txt``.
        split: shares (or numbers of identities) of train, val and test, or a fold 0..9 of
            ``splits.txt`` (or of ``meta_data/meta_and_splits.mat``) as the test split.
        split_seed: which identities are in which split, where ``split`` gives shares or counts.
        max_identities: only so many identities of each split, to try something out.
        exclude: file of subjects, videos or frames to leave out.
        max_frames: first frames of each video that are used; ``None`` for all.
        standardise: ``"clip"``: each clip to mean 0 and deviation 1; ``"range"``: to [-1, 1].
        flip: mirror half of the training clips.
        store: ``"auto"`` decodes all frames once into a memory-mapped array, ``"off"`` reads
            the image files each time, with identical batches.
        cache: folder of the frame stores.
    """

    frames: int = 16
    stride: int = 1
    side: int = 112
    jitter: float = 0.07
    crop: float = 0.6
    images: Literal["aligned", "frame"] = "aligned"
    split: Mapping[str, float] | int = field(default_factory=lambda: dict(SHARES))
    split_seed: int = 0
    max_identities: int | None = None
    exclude: Path | None = None
    max_frames: int | None = None
    standardise: Literal["clip", "range"] = "clip"
    flip: bool = True
    store: Literal["auto", "off"] = "auto"
    cache: Path = Path("outputs/cache")

    def __post_init__(self) -> None:
        for name in ("frames", "stride", "side"):
            if getattr(self, name) < 1:
                raise ValueError(f"data.{name} is {getattr(self, name)}, must be at least 1")
        if not 0 <= self.jitter <= 1:
            raise ValueError(
                f"data.jitter is {self.jitter}, must be in [0, 1]: a share of data.side"
            )
        if not 0 < self.crop <= 1:
            raise ValueError(f"data.crop is {self.crop}, must be in (0, 1]")
        if self.stored_crop > 1:
            raise ValueError(
                f"data.crop={self.crop} with data.jitter={self.jitter} at data.side={self.side} "
                f"takes {self.stored_crop:.2f} of the image's side, more than there is. Lower one"
            )
        for name in ("max_frames", "max_identities"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"data.{name} is {value}, must be at least 1, or null for all")
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(
                    f"data.{name} is {getattr(self, name)!r}, must be {' or '.join(choices)}"
                )

    @property
    def stored_side(self) -> int:
        """Side of the frames that are kept, in pixels: ``side`` and a margin on both sides."""
        return self.side + 2 * self.margin

    @property
    def margin(self) -> int:
        """Pixels by which a crop may move from the middle: ``jitter * side``, rounded."""
        return round(self.jitter * self.side)

    @property
    def stored_crop(self) -> float:
        """Share of the image's side that the kept frames show, so that their middle is ``crop``."""
        return self.crop * self.stored_side / self.side

    def open(self, *, report: Report | None = None) -> VideoData:
        """Open the data; every option says how.

        Args:
            report: called with the progress of what takes long.
        """
        raise TypeError(f"{type(self).__name__} does not say where its videos are")

    def _open_tree(
        self, root: Path, report: Report | None, facts: Mapping[str, object]
    ) -> VideoData:
        videos = read_youtube_faces(
            root, images=self.images, exclude=self.exclude, max_frames=self.max_frames
        )
        return self._open_videos(root, videos, report, facts)

    def _open_videos(
        self,
        root: Path,
        videos: list[Video],
        report: Report | None,
        facts: Mapping[str, object],
    ) -> VideoData:
        folds = self._folds(root) if isinstance(self.split, int) else None
        found = identity_split(videos, split=self.split, seed=self.split_seed, folds=folds)
        splits = {part: self._first_identities(found[part]) for part in found}
        used = {video.name for part in splits.values() for video in part}
        if self.max_identities is not None:
            videos = [video for video in videos if video.name in used]
        place = {video.name: number for number, video in enumerate(videos)}
        return VideoData(
            root=root,
            splits={p: sorted(vs, key=lambda v: place[v.name]) for p, vs in splits.items()},
            reader=self._reader(root, videos, report),
            videos=videos,
            fingerprint=data_fingerprint([video for video in videos if video.name in used]),
            facts={
                **facts,
                "images": self.images,
                "crop": self.crop,
                "side": self.side,
                "jitter": self.jitter,
                "frames": self.frames,
                "stride": self.stride,
                "standardise": self.standardise,
                "max_frames": self.max_frames,
                "split": self.split if isinstance(self.split, int) else dict(self.split),
                "split_seed": None if isinstance(self.split, int) else self.split_seed,
                "max_identities": self.max_identities,
            },
        )

    def _first_identities(self, videos: list[Video]) -> list[Video]:
        kept = set(sorted({video.identity for video in videos})[: self.max_identities])
        return [video for video in videos if video.identity in kept]

    def _folds(self, root: Path) -> dict[str, int]:
        return fold_of_identity(read_official_pairs(root, f"data.split={self.split}"))

    def _reader(self, root: Path, videos: list[Video], report: Report | None) -> FrameReader:
        if self.store == "off":
            return ImageFiles(root, videos, size=self.stored_side, crop=self.stored_crop)
        folder = build_frame_store(
            root,
            videos,
            size=self.stored_side,
            crop=self.stored_crop,
            cache=self.cache / "frames",
            progress=None if report is None else lambda a, b: report("decoding frames", a, b),
        )
        return FrameStore(folder)


@dataclass(frozen=True, kw_only=True)
class YouTubeFaces(VideoSource):
    """The YouTube Faces database (Wolf, Hassner and Maoz 2011), or videos in its layout.

    Args:
        root: folder that holds ``aligned_images_DB`` and ``frame_images_DB``; the other arguments
            are those of :class:`VideoSource`.
    """

    root: Path

    def open(self, *, report: Report | None = None) -> VideoData:
        """Read the tree, split it by identity and build the frame store.

        Args:
            report: called with the progress of what takes long.

        Raises:
            DataError: naming the file or folder and the way out.
        """
        return self._open_tree(self.root, report, {})
