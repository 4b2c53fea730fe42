"""Names of drawn people and numbers of their videos, in the manner of YouTube Faces.

Everything here is a function of (seed, identity number, video number), so that more identities
or more videos never rename the earlier ones.
"""

from __future__ import annotations

import math

from simlearn.data.randomness import derive_seed, numpy_generator

OPENINGS = ("Al", "Be", "Ca", "Do", "El", "Fa", "Gi", "Ha", "Is", "Jo", "Ka", "Le", "Ma", "Ni")
ENDINGS = ("bert", "dra", "fina", "la", "lius", "na", "nor", "ra", "rick", "sa", "ton", "vin")
PREFIXES = ("", "", "Mc", "O'", "Van_", "De_", "Saint-", "J.")
STEMS = ("Ald", "Bran", "Cor", "Dun", "Fer", "Gald", "Hol", "Kest", "Lor", "Mend", "Nor", "Quill")
TAILS = ("ano", "berg", "dale", "er", "field", "ini", "ley", "man", "ova", "quist", "son", "well")
_FIRST = tuple(a + b for a in OPENINGS for b in ENDINGS)
_LAST = tuple(dict.fromkeys(p + s + t for p in PREFIXES for s in STEMS for t in TAILS))
NAMES = len(_FIRST) * len(_LAST)
"""How many different names there are: the most identities that one tree can have."""

VIDEO_IDS = 6
"""YouTube Faces numbers the videos of a person 0 to 5, with gaps."""


def subject_name(seed: int, identity: int) -> str:
    """A name like ``Kavin_O'Corley``, different for every identity of a seed.

    Args:
        seed: of the tree.
        identity: number of the person, 0 <= identity < NAMES.

    Returns:
        First and last name joined by an underscore.
    """
    # an affine map with a multiplier that shares no factor with NAMES visits every name once
    step = 92_821
    while math.gcd(step, NAMES) != 1:
        step += 2
    place = (identity * step + derive_seed(seed, "synthetic_faces", "names")) % NAMES
    first, last = place % len(_FIRST), place // len(_FIRST)
    return f"{_FIRST[first]}_{_LAST[last]}"


def video_id(seed: int, identity: int, video: int) -> int:
    """The number that stands for a person's ``video``-th video in file names.

    The first six are a random order of 0 to 5, so fewer than six leave gaps; later ones are
    numbered on.
    """
    if video >= VIDEO_IDS:
        return video
    order = numpy_generator(seed, "synthetic_faces", "video ids", identity).permutation(VIDEO_IDS)
    return int(order[video])


def first_frame_number(seed: int, identity: int, video: int, frames: int) -> int:
    """Number of a video's first frame, at least 1.

    One video in five crosses from 99 to 100 and one in six from 999 to 1000 (if it has two
    frames or more), where an order by text would differ from the order by number.
    """
    draw = numpy_generator(seed, "synthetic_faces", "frame number", identity, video)
    kind = draw.random()
    inside = int(draw.integers(1, max(frames, 2)))
    if kind < 0.2:
        return max(100 - inside, 1)
    if kind < 0.36:
        return max(1000 - inside, 1)
    return int(draw.integers(1, 3000))
