"""Soft masks, colours and the one way in which a layer is laid over a picture.

Pictures are planar float32 arrays (3, F, H, W) with light between 0 and about 1.3; masks are
(F, H, W) between 0 and 1. Edges are linear ramps and not sigmoids: an exponential per pixel and
layer would be most of the drawing time.
"""

from __future__ import annotations

import numpy as np

Array = np.ndarray
Scalar = float | np.floating
"""float32 throughout this family of files unless said otherwise."""


def ramp(distance: Array, softness: Scalar) -> Array:
    """A soft step: 0 below ``-softness / 2``, 1 above ``softness / 2``, linear between.

    Args:
        distance: any shape, positive inside; units of the caller.
        softness: width of the edge in the same units, > 0.

    Returns:
        Same shape, values in [0, 1].
    """
    mask = distance * np.float32(1.0 / softness)
    mask += np.float32(0.5)
    return np.clip(mask, 0.0, 1.0, out=mask)


def ellipse(
    x: Array, y: Array, width: Array | Scalar, height: Array | Scalar, edge: float
) -> Array:
    """Soft ellipse around the origin.

    Args:
        x: coordinates to the right, broadcast against ``y``.
        y: coordinates down.
        width: half axis, > 0; a number or one per frame (F, 1, 1).
        height: the other half axis, likewise.
        edge: width of the soft edge as a share of the half axes.

    Returns:
        Mask in [0, 1].
    """
    radius = np.square(x / width) + np.square(y / height)
    return ramp(1.0 - radius, 2.0 * edge)


def hue(angle: float, saturation: float, value: float) -> Array:
    """A colour from a smooth wheel.

    Args:
        angle: turns, 0 red, 1/3 green, 2/3 blue; any real number.
        saturation: 0 grey to 1.
        value: brightest channel, 0 to 1.

    Returns:
        (3,) red, green, blue in [0, 1].
    """
    turns = angle - np.arange(3, dtype=np.float32) / 3
    wave = 0.5 + 0.5 * np.cos(2 * np.pi * turns)
    return np.asarray(value * (1 - saturation * (1 - wave)), dtype=np.float32)


def mix(first: Array, second: Array, share: float) -> Array:
    """``first`` where ``share`` is 0, ``second`` where it is 1; ``share`` is clipped to [0, 1]."""
    share = min(max(share, 0.0), 1.0)
    return np.asarray(first * (1 - share) + second * share, dtype=np.float32)


def paint(picture: Array, mask: Array, colour: Array) -> None:
    """Lay one colour over a picture, in place.

    Args:
        picture: (3, F, H, W), changed.
        mask: (F, H, W) in [0, 1], or broadcastable to it.
        colour: (3,) or (3, F, H, W).
    """
    for channel in range(3):
        plane = picture[channel]
        plane += mask * (colour[channel] - plane)
