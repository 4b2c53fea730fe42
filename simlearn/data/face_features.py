"""The parts of a face that move by themselves: eyes, brows and mouth, drawn in every frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simlearn.data.face_identity import Look
from simlearn.data.face_motion import Motion
from simlearn.data.face_paint import Array, ellipse, hue, paint, ramp
from simlearn.data.face_surface import Surface
from simlearn.data.face_texture import hair_colour, lip_colour, skin_colour

WHITE = np.array([0.97, 0.97, 0.96], dtype=np.float32)
BLACK = np.array([0.05, 0.04, 0.05], dtype=np.float32)
TEETH = np.array([0.93, 0.92, 0.86], dtype=np.float32)
INSIDE = np.array([0.3, 0.06, 0.07], dtype=np.float32)


@dataclass(frozen=True)
class Eyes:
    """Where the eyes are: centre ``u``, ``v`` (of the right one), half axes, slant."""

    u: float
    v: float
    width: float
    height: float
    slant: float


def eyes_of(look: Look) -> Eyes:
    """Geometry of the eyes."""
    return Eyes(
        u=look.scaled("eye_spacing", 0.365, 0.05),
        v=look.scaled("eye_y", -0.12, 0.045),
        width=look.scaled("eye_width", 0.19, 0.035),
        height=look.scaled("eye_height", 0.135, 0.038),
        slant=look.scaled("eye_slant", 0.0, 0.28),
    )


def draw_eyes(picture: Array, surface: Surface, look: Look, motion: Motion) -> None:
    """Eye shadow, white, iris, pupil and lids, in place on (3, F, S, S)."""
    eyes = eyes_of(look)
    rows, columns = surface.region(eyes.u + 0.3, eyes.v - 0.3, eyes.v + 0.25)
    u, v = surface.u[:, rows, columns], surface.v[:, rows, columns]
    part = picture[:, :, rows, columns]
    across = np.abs(u) - eyes.u
    down = v - eyes.v + eyes.slant * across
    shadow = float(np.clip(look.scaled("shadow_strength", 0.25, 0.55), 0, 0.85))
    if shadow > 0:
        over = ellipse(across, down + 0.05, 1.3 * eyes.width, 1.35 * eyes.height, 0.3)
        paint(part, shadow * over, hue(look.scaled("shadow_hue", 0.6, 0.38), 0.7, 0.6))
    opening = np.maximum(1 - motion.blink, 0.12)[:, None, None] * np.float32(eyes.height)
    inside = ellipse(across, down, eyes.width, opening, 0.35)
    lid = ellipse(across, down + 0.025, 1.12 * eyes.width, opening + np.float32(0.03), 0.35)
    paint(part, lid, BLACK)
    paint(part, inside, WHITE)
    aside = across - np.sign(u) * (0.05 * motion.gaze)[:, None, None]
    size = look.scaled("iris_size", 0.1, 0.02)
    iris = ellipse(aside, down, size, size, 0.3)
    value = float(np.clip(look.scaled("iris_light", 0.55, 0.3), 0.15, 0.95))
    paint(part, inside * iris, hue(look.scaled("iris_hue", 0.4, 0.4), 0.75, value))
    pupil = ellipse(aside, down, 0.45 * size, 0.45 * size, 0.5)
    paint(part, inside * pupil, BLACK)


def draw_brows(picture: Array, surface: Surface, look: Look, motion: Motion) -> None:
    """Both brows, in place on (3, F, S, S)."""
    centre = eyes_of(look).v - look.scaled("brow_y", 0.25, 0.04)
    rows, columns = surface.region(0.75, centre - 0.28, centre + 0.22)
    u, v = surface.u[:, rows, columns], surface.v[:, rows, columns]
    width = look.scaled("brow_width", 0.21, 0.035)
    across = (np.abs(u) - 0.38) / np.float32(width)
    bow = look.scaled("brow_slope", 0.0, 0.065) * across
    bow = bow + look.scaled("brow_arch", 0.05, 0.045) * np.square(across)
    lift = (0.06 * motion.raise_brows)[:, None, None]
    thick = look.scaled("brow_thickness", 0.05, 0.028)
    mask = ramp(thick - np.abs(v - centre + lift - bow), 0.05) * ramp(1 - np.abs(across), 0.2)
    light = float(np.clip(look.scaled("brow_light", 0.65, 0.5), 0.1, 1.4))
    paint(picture[:, :, rows, columns], 0.95 * mask, np.clip(light * hair_colour(look), 0, 1))


def draw_mouth(picture: Array, surface: Surface, look: Look, motion: Motion) -> None:
    """Lips, teeth and the inside of the mouth, in place on (3, F, S, S)."""
    centre = look.scaled("mouth_y", 0.46, 0.055)
    rows, columns = surface.region(0.5, centre - 0.22, centre + 0.35)
    u, v = surface.u[:, rows, columns], surface.v[:, rows, columns]
    part = picture[:, :, rows, columns]
    talk = motion.talk[:, None, None]
    width = look.scaled("mouth_width", 0.27, 0.06) * (1 - 0.15 * talk)
    bend = look.scaled("mouth_curve", 0.05, 0.08) * (np.square(u / width) - 0.4)
    down = v - centre + bend
    gap = 0.12 * talk
    lips = look.scaled("lip_thickness", 0.066, 0.03) + gap
    mask = ellipse(u, down, width, lips, 0.25)
    paint(part, mask, lip_colour(look))
    dark = ellipse(u, down, 0.85 * width, gap + np.float32(0.012), 0.5)
    paint(part, dark, INSIDE)
    teeth = ramp(-down - 0.2 * gap, 0.03) * ramp(gap - 0.03, 0.03)
    paint(part, dark * teeth, TEETH)


def draw_glasses(picture: Array, surface: Surface, look: Look, dark: bool) -> None:
    """Rimmed glasses on those who wear them, dark ones if ``dark``; in place on (3, F, S, S)."""
    wears = look.value["glasses"] > 0.45
    if not (wears or dark):
        return
    eyes = eyes_of(look)
    rows, columns = surface.region(0.95, eyes.v - 0.4, eyes.v + 0.4)
    u, v = surface.u[:, rows, columns], surface.v[:, rows, columns]
    part = picture[:, :, rows, columns]
    across, down = np.abs(u) - 0.38, v - eyes.v
    shape = look.value["glasses_shape"]
    wide, high = 0.29, 0.2 + 0.05 * shape
    # from round to nearly square: the exponent of a superellipse
    power = 1.0 if shape < 0 else 2.0
    radius = np.square(across / wide) ** power + np.square(down / high) ** power
    if dark:
        # tinted, not opaque: the eyes can be made out by who looks closely
        paint(part, 0.85 * ramp(1.1 - radius, 0.3), BLACK)
        return
    rim = ramp(0.28 - np.abs(radius - 1.0), 0.3)
    bridge = ramp(0.1 - np.abs(u), 0.05) * ramp(0.03 - np.abs(down + 0.04), 0.04)
    colour = hue(look.scaled("glasses_hue", 0.5, 0.38), 0.8, 0.55)
    paint(part, np.maximum(rim, bridge), colour)


def neck_colour(look: Look) -> Array:
    """(3,) skin in the shadow of the head."""
    return np.asarray(0.7 * skin_colour(look), dtype=np.float32)
