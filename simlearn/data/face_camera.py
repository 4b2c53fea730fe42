"""From light to pixels: exposure, colour cast, curve, blur and noise of one video's camera."""

from __future__ import annotations

import cv2
import numpy as np

from simlearn.data.face_nuisance import Nuisance
from simlearn.data.face_paint import Array

HEADROOM = 0.7
"""Light of 1 is stored as 0.7 * 255 before the exposure, so that highlights are not cut."""


def photograph(
    light: Array, nuisance: Nuisance, generator: np.random.Generator, *, side: int
) -> np.ndarray:
    """Turn light into 8-bit pictures.

    Args:
        light: (3, F, H, W) float32, red, green, blue; changed.
        nuisance: exposure, colour cast, curve, blur and noise.
        generator: of this video, for the noise.
        side: of the aligned picture: blur is stated for 64 pixels and scaled with it.

    Returns:
        (F, H, W, 3) uint8, red, green, blue.
    """
    light *= np.float32(255 * HEADROOM)
    light += np.float32(0.5)
    np.clip(light, 0, 255, out=light)
    raw = np.ascontiguousarray(np.moveaxis(light.astype(np.uint8), 0, -1))
    blur = nuisance.blur * side / 64
    for picture in raw:
        cv2.GaussianBlur(picture, (0, 0), blur, dst=picture)
    flat = raw.reshape(len(raw) * raw.shape[1], raw.shape[2], 3)
    developed = cv2.LUT(flat, _curve(nuisance))
    grain = np.frombuffer(generator.bytes(developed.size), dtype=np.uint8).reshape(flat.shape)
    # bytes are uniform with deviation 74 around 127.5
    strength = nuisance.noise * 255 / 74
    noisy = cv2.addWeighted(developed, 1.0, grain, strength, -127.5 * strength)
    return np.asarray(noisy).reshape(raw.shape)


def _curve(nuisance: Nuisance) -> np.ndarray:
    """(1, 256, 3) uint8: what a stored value becomes in each channel."""
    light = np.arange(256, dtype=np.float64)[:, None] / (255 * HEADROOM)
    exposed = np.clip(light * nuisance.gain * nuisance.temperature, 0.0, None)
    # a soft shoulder keeps some colour in overexposed skin
    shown = np.where(exposed < 0.75, exposed, 1 - 0.25 * np.exp(-(exposed - 0.75) / 0.25))
    return np.round(255 * shown**nuisance.gamma).astype(np.uint8)[None]
