"""Face videos and photographs as data options of classes: identities arrive one after another."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from simlearn.data.class_source import ClassSource
from simlearn.data.class_split import RawClasses, split_classes
from simlearn.data.image_folder import ImageFolder
from simlearn.data.labelled_images import LabelledImages
from simlearn.data.synthetic_source import SyntheticFaces
from simlearn.data.video_classes import held_out_clips, raw_classes_of_videos
from simlearn.data.video_source import Report, VideoSource, YouTubeFaces

SHARED = (
    *("frames", "stride", "side", "crop", "images", "split_seed", "max_identities"),
    *("exclude", "max_frames", "store", "cache"),
)
"""Arguments that are handed on to the option of videos."""

HALVES = {"train": 0.5, "test": 0.5}
"""Identities of both halves become classes; the split into halves has no effect."""


@dataclass(frozen=True, kw_only=True)
class VideoClasses(ClassSource):
    """What the options of videos as classes have in common; the rest is of :class:`ClassSource`.

    A class is an identity with at least two videos, numbered in the sorted order of the names. Its
    videos are divided, drawn by ``split_seed``: a test video gives no clip to training, nor does
    a video that ``val_per_class`` clips are taken from. Numbers of images per class are numbers of
    clips. Everything is read into memory.

    Args:
        frames: frames per clip, T.
        stride: step between the frames of a clip.
        side: height and width of the network's input, in pixels.
        crop: share of the aligned image's side that the network sees, around the centre.
        images: ``"aligned"``, or ``"frame"`` with the boxes of ``labeled_faces.txt``.
        still_images: the middle frame of each clip ``(3, H, W)``, for a network of images, instead
            of the clip ``(3, T, H, W)``.
        clips_per_video: at most so many clips of every video, evenly spaced.
        test_share: share in (0, 1) of each identity's videos that is the test split.
        max_identities: only the first so many identities by name, to try something out.
        exclude: file of subjects, videos or frames to leave out.
        max_frames: first frames of each video that are used; ``None`` for all.
        store: ``"auto"`` decodes all frames once into a memory-mapped array, ``"off"`` reads the
            image files each time.
        cache: folder of the frame stores.

    Raises:
        ValueError: a number out of its range.
    """

    frames: int = 16
    stride: int = 1
    side: int = 112
    crop: float = 0.6
    images: Literal["aligned", "frame"] = "aligned"
    still_images: bool = False
    clips_per_video: int = 5
    test_share: float = 0.3
    max_identities: int | None = None
    exclude: Path | None = None
    max_frames: int | None = None
    store: Literal["auto", "off"] = "auto"
    cache: Path = Path("outputs/cache")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.clips_per_video < 1:
            raise ValueError(f"data.clips_per_video is {self.clips_per_video}, must be at least 1")
        if not 0 < self.test_share < 1:
            raise ValueError(f"data.test_share is {self.test_share}, must be between 0 and 1")
        self.video_source()

    @abstractmethod
    def video_source(self) -> VideoSource:
        """The option of videos, from these arguments."""

    def shared(self) -> dict[str, Any]:
        """The arguments of every option of videos; frames are kept without a margin."""
        given = {name: getattr(self, name) for name in SHARED}
        return {**given, "split": HALVES, "jitter": 0.0}

    def read(self, report: Report | None = None) -> RawClasses:
        """The clips of the identities that take part, see :func:`raw_classes_of_videos`.

        Args:
            report: called with the progress of what takes long.
        """
        return raw_classes_of_videos(
            self.video_source(),
            stills=self.still_images,
            clips_per_video=self.clips_per_video,
            test_share=self.test_share,
            most=self.max_identities,
            only=self.class_order,
            report=report,
        )

    def split_images(self, raw: RawClasses, classes: Sequence[int]) -> dict[str, LabelledImages]:
        """Draw the clips of every split; those of one video are in one of them.

        Raises:
            DataError: a class has fewer clips or videos than asked for.
        """
        if not self.val_per_class:
            return super().split_images(raw, classes)
        train, video = raw.train, raw.train.index // self.clips_per_video
        part = held_out_clips(train.y, video, clips=self.val_per_class, seed=self.split_seed)
        splits = split_classes(
            RawClasses(train.rows((part == 0).nonzero().flatten()), raw.test, raw.names),
            classes,
            train=self.train_per_class,
            test=self.test_per_class,
            seed=self.split_seed,
        )
        held = train.rows((part == 1).nonzero().flatten())
        return {**splits, "val": held.of(classes)}


@dataclass(frozen=True, kw_only=True)
class YouTubeFacesClasses(VideoClasses):
    """The YouTube Faces database (Wolf, Hassner and Maoz 2011), or videos in its layout.

    Args:
        root: folder that holds ``aligned_images_DB`` and ``frame_images_DB``; the other arguments
            are those of :class:`VideoClasses`.
    """

    root: Path

    def video_source(self) -> VideoSource:
        """The option of videos."""
        return YouTubeFaces(root=self.root, **self.shared())


@dataclass(frozen=True, kw_only=True)
class ImageFolderClasses(VideoClasses):
    """Your own aligned photographs, one folder per person: an image is a video of one frame.

    Args:
        root: folder that holds a folder of images for each person; the other arguments are those
            of :class:`VideoClasses`. ``still_images=false`` with ``frames`` above 1 repeats the
            image, for a network of clips.
    """

    root: Path
    frames: int = 1
    side: int = 64
    crop: float = 0.8
    still_images: bool = True

    def video_source(self) -> VideoSource:
        """The option of photographs."""
        return ImageFolder(root=self.root, **self.shared())


@dataclass(frozen=True, kw_only=True)
class SyntheticFacesClasses(VideoClasses):
    """Drawn faces that move; the arguments of :class:`VideoClasses` and those of the drawing.

    Args:
        root: folder of the tree; ``None`` for one under ``cache`` whose name holds the settings.
        identities: number of people.
        videos: videos of each.
        video_frames: frames of each video.
        habit: share in [0, 1] of the motion that is a person's own.
        image_side: side of the aligned images in pixels.
        seed: of the drawing.
    """

    root: Path | None = None
    frames: int = 8
    stride: int = 2
    side: int = 32
    crop: float = 0.625
    identities: int = 20
    videos: int = 6
    video_frames: int = 16
    habit: float = 0.5
    image_side: int = 64
    seed: int = 0

    def video_source(self) -> VideoSource:
        """The option of drawn faces."""
        return SyntheticFaces(
            root=self.root,
            identities=self.identities,
            videos=self.videos,
            video_frames=self.video_frames,
            habit=self.habit,
            image_side=self.image_side,
            seed=self.seed,
            **self.shared(),
        )
