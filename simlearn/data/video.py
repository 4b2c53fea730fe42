"""One video of one identity, as every video data set hands it on."""

from __future__ import annotations

from dataclasses import dataclass

Box = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels; may reach past the border of the image."""


@dataclass(frozen=True)
class Video:
    """The frames of one video, in the order in which they were filmed.

    Attributes:
        identity: name of the person.
        name: name of the video, unique in its data set (``"Richard_Gere/3"``).
        frames: image files relative to the data set's root, sorted by frame number.
        boxes: face box per frame in whole frames, ``None`` for images that are already aligned.
    """

    identity: str
    name: str
    frames: tuple[str, ...]
    boxes: tuple[Box, ...] | None = None

    def __post_init__(self) -> None:
        if not self.frames:
            raise ValueError(f"video {self.name} has no frames")
        if self.boxes is not None and len(self.boxes) != len(self.frames):
            raise ValueError(
                f"video {self.name} has {len(self.frames)} frames and {len(self.boxes)} boxes"
            )
