"""Draws one video of one face, all frames at once.

Order, from back to front: room and clothes, hair behind the head, head (skin, hair and beard from
a texture), brows, eyes, mouth, light, glasses, something that passes in front, camera.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simlearn.data.face_camera import photograph
from simlearn.data.face_features import draw_brows, draw_eyes, draw_glasses, draw_mouth
from simlearn.data.face_identity import Look
from simlearn.data.face_motion import Motion
from simlearn.data.face_nuisance import Nuisance
from simlearn.data.face_paint import Array, ellipse, paint, ramp
from simlearn.data.face_scene import draw_scene
from simlearn.data.face_surface import Surface, make_surface
from simlearn.data.face_texture import hair_colour, look_up, paint_still_face

FRAME_HEIGHT = 1.25
FRAME_WIDTH = 1.5
"""Size of a whole frame in sides of the aligned picture."""


@dataclass(frozen=True)
class Drawing:
    """One drawn video.

    Attributes:
        frames: (F, H, W, 3) uint8 whole frames, red, green, blue.
        corners: (F, 2) int64 top and left of the aligned picture in each frame.
        side: S, side of the aligned picture.
    """

    frames: np.ndarray
    corners: np.ndarray
    side: int

    def aligned(self, frame: int) -> np.ndarray:
        """(S, S, 3) uint8 view: the face box expanded by 2.2."""
        top, left = self.corners[frame]
        return self.frames[frame, top : top + self.side, left : left + self.side]


def draw_video(
    look: Look,
    motion: Motion,
    nuisance: Nuisance,
    generator: np.random.Generator,
    *,
    side: int = 64,
) -> Drawing:
    """Draw one video.

    Args:
        look: the person in this video.
        motion: F frames of pose and expression.
        nuisance: the circumstances, for as many frames.
        generator: of this video, for the noise of the camera.
        side: S, side of the aligned pictures in pixels, at least 32.

    Returns:
        F whole frames of (1.25 S, 1.5 S) pixels and where the aligned pictures lie in them.
    """
    height, width = round(FRAME_HEIGHT * side), round(FRAME_WIDTH * side)
    room = np.array([height - side, width - side])
    corners = np.round(nuisance.place * room).astype(np.int64)
    scene = draw_scene(look, nuisance, side, (int(room[0]), int(room[1])))
    light = np.empty((3, len(corners), height, width), dtype=np.float32)
    for frame, (top, left) in enumerate(corners):
        up, aside = room - (top, left)
        light[:, frame] = scene[:, 0, up : up + height, aside : aside + width]
    rows = slice(room[0], room[0] + side)
    columns = slice(room[1], room[1] + side)
    face = np.repeat(scene[:, :, rows, columns], len(corners), axis=1)
    draw_head(face, look, motion, nuisance)
    for frame, (top, left) in enumerate(corners):
        light[:, frame, top : top + side, left : left + side] = face[:, frame]
    return Drawing(photograph(light, nuisance, generator, side=side), corners, side)


def draw_head(picture: Array, look: Look, motion: Motion, nuisance: Nuisance) -> None:
    """Draw the head and what is before it, in place.

    Args:
        picture: (3, F, S, S) with the scene in it, changed.
        look: the person.
        motion: pose and expression of F frames.
        nuisance: light, dark glasses, occluder.
    """
    surface = make_surface(look, motion, nuisance, picture.shape[-1])
    colours, slope = paint_still_face(look)
    head = np.ascontiguousarray(np.moveaxis(look_up(colours, surface.u, surface.v), -1, 0))
    draw_brows(head, surface, look, motion)
    draw_eyes(head, surface, look, motion)
    draw_mouth(head, surface, look, motion)
    draw_glasses(head, surface, look, nuisance.dark_glasses)
    shade = shading(surface, look_up(slope, surface.u, surface.v), nuisance)
    head *= shade
    _draw_back_hair(picture, surface, look, shade)
    paint(picture, surface.mask, head)
    _draw_occluder(picture, nuisance)


def shading(surface: Surface, slope: Array, nuisance: Nuisance) -> Array:
    """Lambert's law on the head.

    Args:
        surface: normals.
        slope: (F, S, S) sideways slope of the nose.
        nuisance: direction and share of the directed light.

    Returns:
        (F, S, S) factor, about 0.3 to 1.2.
    """
    flat = np.cos(nuisance.elevation)
    across, down, depth = surface.normal
    lambert = (across + slope) * np.float32(flat * np.sin(nuisance.azimuth))
    lambert -= down * np.float32(np.sin(nuisance.elevation))
    lambert += depth * np.float32(flat * np.cos(nuisance.azimuth))
    np.maximum(lambert, 0.0, out=lambert)
    lambert *= np.float32(1.15 * (1 - nuisance.ambient))
    lambert += np.float32(nuisance.ambient)
    return lambert


def _draw_back_hair(picture: Array, surface: Surface, look: Look, shade: Array) -> None:
    """The hair around the head, as long as the person wears it."""
    volume = max(look.scaled("hair_volume", 0.16, 0.1), 0.03)
    end = look.scaled("hair_length", 0.35, 1.1)
    wide = surface.width + np.float32(volume)
    # below the ears hair hangs down instead of following the skull
    down = np.where(surface.y > 0, 0.45 * surface.y, surface.y)
    mask = ellipse(surface.x, down, wide, surface.height + volume, 0.06)
    mask *= ramp(np.float32(end) - surface.y, 0.25)
    if end > 0.8:
        throat = ramp(0.62 - np.abs(surface.x), 0.1) * ramp(surface.y - 0.9, 0.1)
        mask *= 1 - throat
    # it lies behind and turns away from the camera: no normals, only the mean light of the head
    light = np.float32(np.clip(0.85 * shade.mean(), 0.2, 1.0))
    strands = light * (1 + np.float32(0.14) * np.sin(14 * surface.x))
    paint(picture, mask, hair_colour(look)[:, None, None, None] * strands)


def _draw_occluder(picture: Array, nuisance: Nuisance) -> None:
    """Whatever passes between camera and face, if anything does."""
    if nuisance.occluder is None:
        return
    side = picture.shape[-1]
    units = (np.arange(side, dtype=np.float32) - (side - 1) / 2) / side
    x, y, wide, high = nuisance.occluder.T[:, :, None, None]
    mask = ellipse(units[None, None, :] - x, units[None, :, None] - y, wide, high, 0.15)
    paint(picture, mask, nuisance.occluder_colour)
