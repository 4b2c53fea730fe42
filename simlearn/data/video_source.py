"""A data set of face videos as a configuration describes it, opened into splits and frames."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from simlearn.data.errors import DataError
from simlearn.data.frame_store import FrameStore, build_frame_store
from simlearn.data.frames import FrameReader, ImageFiles
from simlearn.data.splits import fold_of_identity, identity_split
from simlearn.data.video import Video
from simlearn.data.youtube_faces import read_youtube_faces
from simlearn.data.youtube_pairs import read_splits

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
        videos: all videos, in the reader's order: train, then val, then test.
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
        before = {"train": (), "val": ("train",), "test": ("train", "val")}[split]
        first = sum(len(self.splits[s]) for s in before)
        return list(range(first, first + len(self.splits[split])))


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
            ``splits.txt`` as the test split.
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
        if self.max_frames is not None and self.max_frames < 1:
            raise ValueError(
                f"data.max_frames is {self.max_frames}, must be at least 1, or null for all frames"
            )
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

    def open(self, *, seed: int, report: Report | None = None) -> VideoData:
        """Open the data; every option says how.

        Args:
            seed: decides the split where it is given by shares.
            report: called with the progress of what takes long.
        """
        raise TypeError(f"{type(self).__name__} does not say where its videos are")

    def _open_tree(
        self, root: Path, seed: int, report: Report | None, facts: Mapping[str, object]
    ) -> VideoData:
        videos = read_youtube_faces(
            root, images=self.images, exclude=self.exclude, max_frames=self.max_frames
        )
        splits = identity_split(videos, split=self.split, seed=seed, folds=self._folds(root))
        ordered = [*splits["train"], *splits["val"], *splits["test"]]
        return VideoData(
            root=root,
            splits=splits,
            reader=self._reader(root, ordered, report),
            videos=ordered,
            fingerprint=data_fingerprint(ordered),
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
                "split_seed": None if isinstance(self.split, int) else seed,
            },
        )

    def _folds(self, root: Path) -> dict[str, int] | None:
        if not isinstance(self.split, int):
            return None
        path = root / "splits.txt"
        if not path.is_file():
            raise DataError(
                f"{path}: not found, and data.split={self.split} asks for one of its folds. Put "
                "the file there, or give shares: data.split={train: 0.7, val: 0.1, test: 0.2}"
            )
        return fold_of_identity(read_splits(path))

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

    def open(self, *, seed: int, report: Report | None = None) -> VideoData:
        """Read the tree, split it by identity and build the frame store.

        Args:
            seed: decides the split where it is given by shares.
            report: called with the progress of what takes long.

        Raises:
            DataError: naming the file or folder and the way out.
        """
        return self._open_tree(self.root, seed, report, {})
