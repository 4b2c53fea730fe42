"""The head as an ellipsoid: from pixels of the picture to places on the face.

Unit of length: half the side of the face box (the box is the aligned picture's side / 2.2). A
place on the face is (u, v) on the unit sphere: u to the right, v down, (0, 0) the middle between
eyes and mouth when the head looks at the camera.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simlearn.data.face_identity import Look
from simlearn.data.face_motion import Motion
from simlearn.data.face_nuisance import Nuisance
from simlearn.data.face_paint import Array, ramp

EXPANSION = 2.2
"""Side of an aligned picture in face boxes, as in YouTube Faces."""


@dataclass(frozen=True)
class Surface:
    """Coordinates of every pixel of F frames, arrays (F, S, S) float32.

    Attributes:
        x, y: in the head's own frame (after roll, shift and scale), in half face boxes.
        u, v: place on the face.
        normal: three arrays, the outward normal towards right, down and the camera.
        mask: 1 on the head, soft edge.
        width, height: half axes of the head.
    """

    x: Array
    y: Array
    u: Array
    v: Array
    normal: tuple[Array, Array, Array]
    mask: Array
    width: float
    height: float

    def region(self, reach: float, top: float, bottom: float) -> tuple[slice, slice]:
        """Rows and columns that hold every place with |u| <= reach and top <= v <= bottom.

        Only the middle half of the picture is asked, which holds the face whatever its pose, so
        that a layer is drawn where it can be seen and not on all pixels.
        """
        side = self.u.shape[-1]
        middle = slice(side // 4, side - side // 4)
        v, u = self.v[:, :, middle], self.u[:, middle, :]
        rows = (v.max(axis=(0, 2)) > top) & (v.min(axis=(0, 2)) < bottom)
        columns = (u.max(axis=(0, 1)) > -reach) & (u.min(axis=(0, 1)) < reach)
        return _span(rows), _span(columns)


def make_surface(look: Look, motion: Motion, nuisance: Nuisance, side: int) -> Surface:
    """Coordinates of all pixels of one video's aligned pictures.

    Args:
        look: shape of the head.
        motion: pose per frame.
        nuisance: shift and scale.
        side: S, pixels.

    Returns:
        Surface of F = ``len(motion.yaw)`` frames.
    """
    x, y = _head_frame(motion.roll, nuisance, side)
    width, height = look.scaled("head_width", 1.13, 0.1), look.scaled("head_height", 1.48, 0.1)
    below = np.maximum(y, 0.0)
    jaw = look.scaled("jaw", 0.12, 0.06)
    across = x / (width * (1 - jaw * np.square(below)))
    down = y / np.float32(height)
    square = across * across + down * down
    depth = np.sqrt(np.maximum(1.0 - square, 0.0))
    mask = ramp(1.0 - square, 2.0 * EXPANSION * 2 / side / width)
    sin, cos = np.sin(motion.yaw)[:, None, None], np.cos(motion.yaw)[:, None, None]
    u = across * cos - depth * sin
    inward = across * sin + depth * cos
    sin, cos = np.sin(motion.pitch)[:, None, None], np.cos(motion.pitch)[:, None, None]
    v = down * cos - inward * sin
    return Surface(x, y, u, v, (across, down, depth), mask, width, height)


def pixel_units(side: int, extra: int = 0) -> Array:
    """(side + 2 * extra,) pixel centres in half face boxes, 0 in the middle."""
    index = np.arange(-extra, side + extra, dtype=np.float32)
    return (index - np.float32((side - 1) / 2)) * np.float32(2 * EXPANSION / side)


def _head_frame(roll: Array, nuisance: Nuisance, side: int) -> tuple[Array, Array]:
    """(F, S, S) x and y of every pixel after undoing shift, scale and roll."""
    units = pixel_units(side)
    shift = nuisance.shift * np.float32(2 * EXPANSION)
    x = (units[None, None, :] - shift[:, 0, None, None]) / np.float32(nuisance.scale)
    y = (units[None, :, None] - shift[:, 1, None, None]) / np.float32(nuisance.scale)
    sin, cos = np.sin(roll)[:, None, None], np.cos(roll)[:, None, None]
    return cos * x + sin * y, cos * y - sin * x


def _span(flags: np.ndarray) -> slice:
    """From the first to the last true flag; empty where none is."""
    found = np.flatnonzero(flags)
    return slice(int(found[0]), int(found[-1]) + 1) if len(found) else slice(0, 0)
