"""All of a face that does not move by itself, painted once per video on the unrolled head.

Skin, cheeks, freckles, moles, beard, nose and the hair that grows over the forehead are drawn on
a square grid of (u, v); the frames only look them up, which costs a sixteenth of drawing them in
each of 16 frames.
"""

from __future__ import annotations

import cv2
import numpy as np

from simlearn.data.face_identity import Look
from simlearn.data.face_paint import Array, ellipse, hue, mix, paint, ramp

TEXTURE = 80
"""Side of the grid that spans u and v from -1 to 1."""

DARK_SKIN = np.array([0.44, 0.28, 0.2], dtype=np.float32)
LIGHT_SKIN = np.array([0.96, 0.79, 0.68], dtype=np.float32)


def skin_colour(look: Look) -> Array:
    """(3,) base colour of the skin."""
    colour = mix(DARK_SKIN, LIGHT_SKIN, look.scaled("skin_tone", 0.62, 0.3))
    turn = np.float32(look.scaled("skin_hue", 0.0, 0.05))
    return np.clip(colour + turn * np.array([-0.6, 1.0, -0.6], dtype=np.float32), 0.05, 1.0)


def hair_colour(look: Look) -> Array:
    """(3,) colour of the hair: from black over brown to blond, dyed at the ends of the hue."""
    angle = look.scaled("hair_hue", 0.07, 0.28)
    saturation = 0.45 + 0.25 * min(abs(look.value["hair_hue"]), 1.2)
    return hue(angle, saturation, float(np.clip(look.scaled("hair_light", 0.42, 0.3), 0.08, 0.9)))


def lip_colour(look: Look) -> Array:
    """(3,) colour of the lips: reds, and paler or dyed lips at the ends."""
    value = float(np.clip(look.scaled("lip_light", 0.6, 0.25), 0.2, 0.95))
    return hue(look.scaled("lip_hue", -0.02, 0.16), 0.7, value)


def paint_still_face(look: Look) -> tuple[Array, Array]:
    """Paint the still parts of a face.

    Args:
        look: the person in this video.

    Returns:
        Colours (TEXTURE, TEXTURE, 3) in [0, 1.2] and the sideways slope of the nose
        (TEXTURE, TEXTURE), rows v and columns u from -1 to 1.
    """
    axis = np.linspace(-1, 1, TEXTURE, dtype=np.float32)
    u, v = axis[None, None, :], axis[None, :, None]
    skin = skin_colour(look)
    picture = np.empty((3, 1, TEXTURE, TEXTURE), dtype=np.float32)
    picture[:] = skin[:, None, None, None]
    picture *= 1 + 0.06 * _stretch(look.texture)[:, None]
    _paint_skin(picture, u, v, look, skin)
    slope = _paint_nose(picture, u, v, look, skin)
    _paint_beard(picture, u, v, look)
    _paint_hair(picture, u, v, look)
    colours = np.ascontiguousarray(np.moveaxis(picture[:, 0], 0, -1))
    return colours, slope


def look_up(texture: Array, u: Array, v: Array) -> Array:
    """Bilinear look-up of a texture at every pixel.

    Args:
        texture: (TEXTURE, TEXTURE) or (TEXTURE, TEXTURE, 3).
        u: (F, S, S) in [-1, 1]; places outside take the border.
        v: likewise.

    Returns:
        (F, S, S) or (F, S, S, 3).
    """
    half = np.float32((TEXTURE - 1) / 2)
    columns, rows = (u + 1) * half, (v + 1) * half
    found = np.empty((*u.shape, *texture.shape[2:]), dtype=np.float32)
    for frame in range(len(u)):
        cv2.remap(
            texture,
            columns[frame],
            rows[frame],
            cv2.INTER_LINEAR,
            dst=found[frame],
            borderMode=cv2.BORDER_REPLICATE,
        )
    return found


def _stretch(coarse: Array) -> Array:
    """(3, h, w) pattern enlarged to (3, TEXTURE, TEXTURE)."""
    size = (TEXTURE, TEXTURE)
    return np.stack([cv2.resize(plane, size, interpolation=cv2.INTER_CUBIC) for plane in coarse])


def _paint_skin(picture: Array, u: Array, v: Array, look: Look, skin: Array) -> None:
    """Cheeks, freckles and moles."""
    blush = mix(skin, np.array([0.9, 0.25, 0.25], dtype=np.float32), 0.55)
    strength = np.float32(np.clip(look.scaled("cheeks", 0.35, 0.5), 0, 0.9))
    cheek = ellipse(np.abs(u) - 0.48, v - 0.2, 0.22, 0.16, 0.6)
    paint(picture, strength * cheek, blush)
    freckled = look.value["freckles"]
    if freckled > 0.5:
        dots = np.sin(23 * u + 5 * v) * np.sin(19 * v - 7 * u)
        around = ellipse(u, v - 0.1, 0.75, 0.28, 0.5)
        paint(picture, 0.7 * around * ramp(dots - 0.45, 0.3), 0.55 * skin)
    for place in look.moles:
        spot = ellipse(u - 0.6 * place[0], v - 0.15 - 0.55 * place[1], 0.055, 0.055, 0.4)
        paint(picture, 0.85 * spot, 0.35 * skin)


def _paint_nose(picture: Array, u: Array, v: Array, look: Look, skin: Array) -> Array:
    """Wings, nostrils and tip; returns the sideways slope (TEXTURE, TEXTURE) for the light."""
    tip = look.scaled("nose_length", 0.16, 0.07)
    wide = look.scaled("nose_width", 0.12, 0.04)
    red = float(np.clip(look.scaled("nose_red", 0.25, 0.4), 0, 0.8))
    colour = mix(0.97 * skin, np.array([0.95, 0.35, 0.3], dtype=np.float32), red)
    paint(picture, 0.8 * ellipse(u, v - tip, wide, 0.1, 0.5), colour)
    nostril = ellipse(np.abs(u) - 0.55 * wide, v - tip - 0.08, 0.4 * wide, 0.035, 0.6)
    paint(picture, 0.8 * nostril, 0.35 * skin)
    along = ramp(v + 0.25, 0.3) * ramp(tip + 0.08 - v, 0.12)
    slope = (u / wide) * np.exp(-np.square(u / wide)) * along
    return np.ascontiguousarray(slope[0], dtype=np.float32)


def _paint_beard(picture: Array, u: Array, v: Array, look: Look) -> None:
    """Beard and moustache, on those whose factor is large enough."""
    colour = 0.8 * hair_colour(look)
    beard, moustache = look.value["beard"], look.value["moustache"]
    mouth = look.scaled("mouth_y", 0.46, 0.055)
    if beard > 0.3:
        low = ramp(v - mouth - 0.12 + 0.55 * np.square(u) * min(beard, 1.2), 0.12)
        paint(picture, min(0.5 + 0.4 * beard, 0.95) * low, colour)
    if moustache > 0.4:
        over = ellipse(u, v - mouth + 0.13, 0.2 + 0.14 * moustache, 0.055, 0.4)
        paint(picture, 0.9 * over, colour)


def _paint_hair(picture: Array, u: Array, v: Array, look: Look) -> None:
    """Hair over the forehead and the temples, with strands."""
    line = look.scaled("hairline", -0.62, 0.1)
    part = look.scaled("parting", 0.0, 0.45)
    fringe = look.scaled("fringe", 0.12, 0.2)
    edge = line + fringe * np.cos(2.2 * (u - part)) + 0.55 * np.square(u) * np.abs(u)
    temples = ramp(np.abs(u) - 0.86, 0.08) * ramp(look.scaled("hair_length", 0.0, 0.4) - v, 0.2)
    mask = np.maximum(ramp(edge - v, 0.07), temples)
    strands = 1 + 0.16 * np.sin(26 * (u - part) + 9 * v)
    colour = hair_colour(look)[:, None, None, None] * strands
    paint(picture, mask, colour)
