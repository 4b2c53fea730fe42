"""Everything behind the head, which stands still in one video: room, clothes and neck."""

from __future__ import annotations

import cv2
import numpy as np

from simlearn.data.face_features import neck_colour
from simlearn.data.face_identity import Look
from simlearn.data.face_nuisance import Nuisance
from simlearn.data.face_paint import Array, paint, ramp
from simlearn.data.face_surface import EXPANSION


def draw_scene(look: Look, nuisance: Nuisance, side: int, margin: tuple[int, int]) -> Array:
    """Draw the still picture around the aligned one.

    Args:
        look: for the colour of the neck.
        nuisance: background, clothes, shift of the head.
        side: of the aligned picture, in pixels.
        margin: pixels to add above and below, left and right.

    Returns:
        (3, 1, side + 2 * margin[0], side + 2 * margin[1]); the aligned picture is its middle.
    """
    high, wide = side + 2 * margin[0], side + 2 * margin[1]
    room = np.stack(
        [cv2.resize(g, (wide, high), interpolation=cv2.INTER_CUBIC) for g in nuisance.background]
    )
    np.clip(room, 0.0, 1.0, out=room)
    for left, top, width, height, *colour in nuisance.panels:
        rows = slice(int(top * high), int((top + 0.4 * height) * high) + 1)
        columns = slice(int(left * wide), int((left + 0.4 * width) * wide) + 1)
        room[:, rows, columns] = np.array(colour, dtype=np.float32)[:, None, None]
    scene = room[:, None]
    _paint_body(scene, look, nuisance, side)
    return scene


def _paint_body(scene: Array, look: Look, nuisance: Nuisance, side: int) -> None:
    """Neck and clothes under the place where the head rests."""
    unit = np.float32(2 * EXPANSION / side)
    high, wide = scene.shape[2:]
    rest = nuisance.shift.mean(axis=0) * np.float32(2 * EXPANSION)
    x = ((np.arange(wide, dtype=np.float32) - (wide - 1) / 2) * unit - rest[0])[None, None, :]
    y = ((np.arange(high, dtype=np.float32) - (high - 1) / 2) * unit - rest[1])[None, :, None]
    edge = 1.5 * unit
    neck = ramp(0.6 + 0.1 * np.square(y - 1.2) - np.abs(x), edge) * ramp(y - 0.8, edge)
    paint(scene, neck, neck_colour(look))
    collar = np.minimum(0.35 * np.square(np.maximum(np.abs(x) - 0.7, 0.0)), 3.0)
    cloth = ramp(y - 1.62 - collar + 0.25 * ramp(np.abs(x) - 0.45, 0.5), edge)
    first, second = nuisance.clothes
    wave = 0.5 + 0.5 * np.sin(2 * np.pi * nuisance.stripes * (y + 0.5 * x))
    pattern = first[:, None, None, None] * (1 - wave) + second[:, None, None, None] * wave
    paint(scene, cloth, pattern)
