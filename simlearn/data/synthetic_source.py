"""Drawn faces as a data option: written once, then read like YouTube Faces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from simlearn.data.synthetic_faces import GENERATOR_VERSION, write_synthetic_faces
from simlearn.data.video_source import Report, VideoData, VideoSource

LEAST = {"identities": 1, "videos": 1, "video_frames": 1, "image_side": 32}
QUICK_SPLIT = {"train": 320, "val": 20, "test": 80}


@dataclass(frozen=True, kw_only=True)
class SyntheticFaces(VideoSource):
    """Synthetic face videos; the arguments of :class:`VideoSource` and those of the drawing.

    Args:
        root: folder of the tree; ``None`` for one under ``cache`` whose name holds the settings.
        identities: number of people.
        videos: videos of each.
        video_frames: frames of each video.
        habit: share in [0, 1] of the motion that is a person's own.
        image_side: side of the aligned images in pixels.
        seed: seed of the drawing and of the split.
    """

    root: Path | None = None
    frames: int = 8
    stride: int = 2
    side: int = 32
    jitter: float = 0.1
    crop: float = 0.625
    split: Mapping[str, float] | int = field(default_factory=lambda: dict(QUICK_SPLIT))
    identities: int = 420
    videos: int = 4
    video_frames: int = 16
    habit: float = 0.5
    image_side: int = 64
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, least in LEAST.items():
            if getattr(self, name) < least:
                raise ValueError(f"data.{name} is {getattr(self, name)}, must be at least {least}")
        if not 0 <= self.habit <= 1:
            raise ValueError(f"data.habit is {self.habit}, must be between 0 and 1")

    @property
    def folder(self) -> Path:
        """Where the tree is."""
        if self.root is not None:
            return self.root
        name = (
            f"v{GENERATOR_VERSION}_{self.identities}x{self.videos}x{self.video_frames}"
            f"_{self.image_side}px_habit{self.habit:g}_seed{self.seed}"
        )
        return self.cache / "synthetic_faces" / name

    def open(self, *, report: Report | None = None) -> VideoData:
        """Draw the tree if it is not there, then open it.

        Raises:
            ValueError: an argument of the drawing out of its range.
            FileExistsError: ``root`` holds something else.
            DataError: as for :class:`YouTubeFaces`.
        """
        write_synthetic_faces(
            self.folder,
            identities=self.identities,
            videos=self.videos,
            frames=self.video_frames,
            seed=self.seed,
            habit=self.habit,
            side=self.image_side,
            progress=None if report is None else lambda a, b: report("drawing faces", a, b),
        )
        facts = {
            "generator_version": GENERATOR_VERSION,
            "habit": self.habit,
            "image_side": self.image_side,
            "draw_seed": self.seed,
        }
        return self._open_tree(self.folder, report, facts)
