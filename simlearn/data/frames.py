"""Decoding one frame: crop around the face, resize, and nothing random."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from simlearn.data.errors import DataError
from simlearn.data.video import Box, Video

ALIGNED_EXPANSION = 2.2
"""The aligned images of YouTube Faces show the face box enlarged by this factor."""

_WAY_OUT = "Copy the file again, or leave the frame out by naming it in data.exclude"


def read_image(path: Path) -> np.ndarray:
    """Decode an image file to ``(H, W, 3)`` uint8 RGB.

    Raises:
        DataError: naming the file, if it is missing, cut short, no image or too large a one.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}). {_WAY_OUT}") from error
    # libjpeg fills what is missing with grey and only warns, so the end marker is looked for here
    if data[:2] == b"\xff\xd8" and b"\xff\xd9" not in data[-1024:]:
        raise DataError(
            f"{path}: the JPEG is cut short ({len(data)} bytes, no end marker). {_WAY_OUT}"
        )
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    except cv2.error:  # a header that claims more than 2^30 pixels
        image = None
    if image is None:
        raise DataError(
            f"{path}: not an image that OpenCV can read ({len(data)} bytes). {_WAY_OUT}"
        )
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def crop_square(image: np.ndarray, *, crop: float, box: Box | None = None) -> np.ndarray:
    """Cut a square around the face.

    Args:
        image: ``(H, W, 3)`` uint8.
        crop: share in (0, 1] of the aligned image's side that is kept, around its centre.
        box: face box in a whole frame; the square is the part that ``crop`` keeps of the box
            enlarged by 2.2, as in the aligned images. Past the border the edge is repeated.

    Returns:
        ``(S, S, 3)`` uint8, S in source pixels.
    """
    height, width = image.shape[:2]
    if box is None:
        side = max(1, round(crop * min(height, width)))
        top, left = (height - side) // 2, (width - side) // 2
        return image[top : top + side, left : left + side]
    x0, y0, x1, y1 = box
    side = max(1, round(crop * ALIGNED_EXPANSION * max(x1 - x0, y1 - y0)))
    # halves go down for every box, as for aligned images: round() would go to the even neighbour
    left, top = (math.ceil((low + high - side - 1) / 2) for low, high in ((x0, x1), (y0, y1)))
    rows = np.clip(np.arange(top, top + side), 0, height - 1)
    columns = np.clip(np.arange(left, left + side), 0, width - 1)
    return image[rows][:, columns]


def decode_frame(path: Path, *, size: int, crop: float, box: Box | None = None) -> np.ndarray:
    """Read a frame, crop the face and resize it to ``(size, size, 3)`` uint8 RGB.

    Raises:
        DataError: naming the file, if it cannot be read or the box has nothing to do with it.
    """
    image = read_image(path)
    if box is not None:
        _check_box(path, image, box)
    square = crop_square(image, crop=crop, box=box)
    if len(square) == size:
        return np.ascontiguousarray(square)
    shrink = len(square) > size
    return cv2.resize(
        square, (size, size), interpolation=cv2.INTER_AREA if shrink else cv2.INTER_LINEAR
    )


def _check_box(path: Path, image: np.ndarray, box: Box) -> None:
    """Refuse a box beside the image, or one so large that its crop would not fit in memory."""
    height, width = image.shape[:2]
    x0, y0, x1, y1 = box
    touches = x0 < width and x1 > 0 and y0 < height and y1 > 0
    if not touches or max(x1 - x0, y1 - y0) > 4 * max(height, width):
        raise DataError(
            f"{path}: the face box from ({x0:g}, {y0:g}) to ({x1:g}, {y1:g}) does not fit an image "
            f"of {width} x {height} pixels. Correct its row in the list of labelled faces, or "
            "leave the frame out by naming it in data.exclude"
        )


class FrameReader(Protocol):
    """Frames by row number: the frames of all videos, one video after the other."""

    offsets: np.ndarray
    """``(V + 1,)`` first row of each video."""
    size: int
    """Side S of the frames in pixels."""

    def gather(self, rows: np.ndarray) -> np.ndarray:
        """``(*rows.shape, S, S, 3)`` uint8 frames."""
        ...


def video_offsets(videos: Sequence[Video]) -> np.ndarray:
    """``(V + 1,)`` int64: the row at which each video begins, and the number of all frames."""
    return np.concatenate([[0], np.cumsum([len(v.frames) for v in videos], dtype=np.int64)])


class ImageFiles:
    """Reads frames from their image files each time (``data.store=off``).

    Args:
        root: folder to which the videos' paths are relative.
        videos: the videos, in the order of the rows.
        size: side of the frames handed out, in pixels.
        crop: see :func:`crop_square`.
    """

    def __init__(self, root: Path, videos: Sequence[Video], *, size: int, crop: float) -> None:
        self.root, self.videos, self.size, self.crop = root, list(videos), size, crop
        self.offsets = video_offsets(videos)

    def decode(self, row: int) -> np.ndarray:
        """``(size, size, 3)`` uint8: the frame of one row."""
        number = int(np.searchsorted(self.offsets, row, side="right")) - 1
        video = self.videos[number]
        frame = row - int(self.offsets[number])
        box = None if video.boxes is None else video.boxes[frame]
        return decode_frame(
            self.root / video.frames[frame], size=self.size, crop=self.crop, box=box
        )

    def gather(self, rows: np.ndarray) -> np.ndarray:
        """``(*rows.shape, size, size, 3)`` uint8 frames, decoded now."""
        flat = [self.decode(int(row)) for row in rows.reshape(-1)]
        return np.stack(flat).reshape(*rows.shape, self.size, self.size, 3)
