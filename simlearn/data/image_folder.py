"""Photographs in a folder per person as a data option: every image is a video of one frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from simlearn.data.errors import DataError
from simlearn.data.image_tree import read_image_folder
from simlearn.data.video_source import Report, VideoData, VideoSource


@dataclass(frozen=True, kw_only=True)
class ImageFolder(VideoSource):
    """Your own aligned photographs, one folder per person; an image is a video of one frame.

    ``frames`` above 1 repeats the image, for a network of clips. Grey images become three equal
    channels. The network sees the middle square of each image, of which ``crop`` is kept.

    Args:
        root: folder that holds a folder of images for each person; the other arguments are those
            of :class:`VideoSource`.

    Raises:
        ValueError: ``images`` is not "aligned" or ``max_frames`` not ``None``: an image has no
            face box and one frame; otherwise as for :class:`VideoSource`.
        DataError: ``split`` is a fold, which folders do not have.
    """

    root: Path
    frames: int = 1
    side: int = 64
    jitter: float = 0.1
    crop: float = 0.8
    images: Literal["aligned"] = "aligned"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.images != "aligned":
            raise ValueError(
                f"data.images is {self.images!r}, must be aligned: a folder of images has no face "
                "boxes. Cut the faces out first"
            )
        if self.max_frames is not None:
            raise ValueError(
                f"data.max_frames is {self.max_frames}, must be null: an image is one frame"
            )
        if not isinstance(self.split, Mapping):
            raise DataError(
                f"data.split={self.split!r} asks for a fold, and the folder of images {self.root} "
                "has no folds. Give shares: data.split={train: 0.7, val: 0.1, test: 0.2}"
            )

    def open(self, *, report: Report | None = None) -> VideoData:
        """List the folders, split them by identity and build the frame store.

        Args:
            report: called with the progress of what takes long.

        Raises:
            DataError: as for :func:`read_image_folder`, :func:`identity_split` and
                :func:`build_frame_store`, naming the path and the way out.
        """
        videos = read_image_folder(self.root, exclude=self.exclude)
        return self._open_videos(self.root, videos, report, {})
