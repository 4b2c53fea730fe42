"""Controls for clips: the same frames in another order, or one of them again and again."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from simlearn.data.randomness import numpy_generator

Order = Literal["filmed", "shuffled", "repeated"]


def order_frames(frames: np.ndarray, order: Order, *, seed: int, row: int) -> np.ndarray:
    """The frames of a clip as a control shows them.

    A network that finds a face as well in a shuffled clip makes no use of motion; one that finds
    it as well in a repeated frame makes no use of there being several frames.

    Args:
        frames: ``(T,)`` rows in the order in which they were filmed; T may be 0.
        order: ``"filmed"`` as they are; ``"shuffled"`` a permutation drawn for this clip, never
            the order as filmed;
            ``"repeated"`` the middle one (of an even number the later) T times.
        seed: of the permutation.
        row: the clip's number, which draws its own permutation.

    Returns:
        ``(T,)`` rows.

    Raises:
        ValueError: an unknown order.
    """
    if order not in get_args(Order):
        raise ValueError(f"order is {order!r}, must be one of {', '.join(get_args(Order))}")
    if order == "filmed" or len(frames) < 2:
        return frames
    if order == "repeated":
        return np.full_like(frames, frames[len(frames) // 2])
    g = numpy_generator(seed, "shuffle", row)
    while True:
        places = g.permutation(len(frames))
        if places[0] != 0 or (np.diff(places) != 1).any():
            return frames[places]
