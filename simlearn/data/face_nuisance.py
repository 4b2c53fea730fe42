"""What differs between two videos of one person and says nothing about who it is.

Strong: exposure, direction of the light, background, place in the picture. Weak: everything that
would hide the face itself. Pixel distances fall to the strong ones, which a network learns to
discard.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

GRID = 5
PANELS = 4


@dataclass(frozen=True)
class Nuisance:
    """One video's circumstances; lengths are shares of the aligned picture's side.

    Attributes:
        azimuth, elevation: direction of the light in radians, 0 is from the camera.
        ambient: light that comes from everywhere, 0 to 1; the rest is directed.
        gain: exposure, 1 is neutral.
        temperature: (3,) factor per colour channel.
        gamma: exponent of the camera's curve.
        shift: (F, 2) where the head is, x and y, relative to the centre of the aligned picture.
        scale: size of the head, 1 is neutral.
        blur: standard deviation in pixels of a 64-pixel picture.
        noise: standard deviation in light, 0 to 1.
        occluder: (F, 4) centre x, y and half axes of something before the face, or ``None``.
        occluder_colour: (3,).
        dark_glasses: whether the eyes are hidden.
        background: (3, GRID, GRID) coarse colours; ``panels`` (PANELS, 7): left, top, right,
            bottom in shares of the picture, then a colour.
        clothes: (2, 3) two colours; ``stripes`` their frequency.
        place: (F, 2) top and left of the aligned picture in the whole frame, 0 to 1.
    """

    azimuth: float
    elevation: float
    ambient: float
    gain: float
    temperature: np.ndarray
    gamma: float
    shift: np.ndarray
    scale: float
    blur: float
    noise: float
    occluder: np.ndarray | None
    occluder_colour: np.ndarray
    dark_glasses: bool
    background: np.ndarray
    panels: np.ndarray
    clothes: np.ndarray
    stripes: float
    place: np.ndarray


def sample_nuisance(generator: np.random.Generator, *, frames: int) -> Nuisance:
    """Draw one video's circumstances for F = ``frames`` >= 1 frames."""
    normal = generator.standard_normal(8)
    time = np.arange(frames)[:, None]
    wander = 0.008 * np.sin(2 * np.pi * (time / 11.0 + generator.random(2)))
    return Nuisance(
        azimuth=float(np.clip(0.85 * normal[0], -1.15, 1.15)),
        elevation=float(np.clip(0.35 + 0.35 * normal[1], -0.5, 1.0)),
        ambient=float(generator.uniform(0.35, 0.6)),
        gain=float(np.exp(np.clip(0.35 * normal[2], -0.5, 0.5))),
        temperature=np.exp(0.04 * generator.standard_normal(3)).astype(np.float32),
        gamma=float(np.exp(0.06 * normal[3])),
        shift=(0.03 * normal[4:6] + wander).astype(np.float32),
        scale=float(np.exp(0.05 * np.clip(normal[6], -2, 2))),
        blur=float(generator.uniform(0.3, 0.6)),
        noise=float(generator.uniform(0.008, 0.02)),
        occluder=_sample_occluder(generator, frames),
        occluder_colour=generator.random(3).astype(np.float32),
        dark_glasses=bool(generator.random() < 0.015),
        background=generator.random((3, GRID, GRID)).astype(np.float32),
        panels=generator.random((PANELS, 7)).astype(np.float32),
        clothes=generator.random((2, 3)).astype(np.float32),
        stripes=float(generator.uniform(0.0, 3.0)),
        place=_sample_place(generator, frames),
    )


def _sample_occluder(generator: np.random.Generator, frames: int) -> np.ndarray | None:
    """A hand or a microphone that passes at the edge of the face, in one video in seven."""
    draw = generator.random(6)
    if draw[0] > 0.15:
        return None
    angle = 2 * np.pi * draw[1]
    start = 0.33 * np.array([np.cos(angle), np.sin(angle)])
    drift = 0.02 * (draw[2:4] - 0.5)
    centre = start + drift * np.arange(frames)[:, None]
    axes = np.broadcast_to(0.05 + 0.07 * draw[4:6], (frames, 2))
    return np.concatenate([centre, axes], axis=1).astype(np.float32)


def _sample_place(generator: np.random.Generator, frames: int) -> np.ndarray:
    """Off-centre place of the aligned picture in the frame, drifting slowly."""
    draw = generator.random(6)
    side = np.where(draw[:2] < 0.5, 0.05 + 0.5 * draw[:2], 0.45 + 0.5 * draw[:2])
    drift = 0.08 * np.sin(2 * np.pi * (np.arange(frames)[:, None] / 20.0 + draw[2:4]))
    return np.clip(side + drift, 0.0, 1.0).astype(np.float32)
