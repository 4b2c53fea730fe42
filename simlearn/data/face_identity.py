"""What makes one drawn person look like that person: named factors, sampled once per identity.

Large areas (skin, hair) differ moderately, small ones (eyes, brows, lips, glasses, moles) differ
strongly: a network sees both, a distance between pixels hardly sees the small ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simlearn.data.face_motion import HABITS

FACTORS = (
    *("head_width", "head_height", "jaw", "skin_tone", "skin_hue", "cheeks"),
    *("hair_hue", "hair_light", "hair_volume", "hair_length", "hairline", "fringe", "parting"),
    *("brow_light", "brow_y", "brow_thickness", "brow_slope", "brow_arch", "brow_width"),
    *("eye_spacing", "eye_y", "eye_width", "eye_height", "eye_slant"),
    *("iris_hue", "iris_light", "iris_size", "shadow_hue", "shadow_strength"),
    *("nose_length", "nose_width", "nose_red"),
    *("mouth_y", "mouth_width", "mouth_curve", "lip_thickness", "lip_hue", "lip_light"),
    *("beard", "moustache", "glasses", "glasses_shape", "glasses_hue", "freckles"),
)
"""Names of the factors in the order in which they are drawn; each lies in (-1.25, 1.25)."""

MOLES = 3
TEXTURE_SIDE = 6
JITTER = 0.06
"""Standard deviation by which a factor differs between two videos of one person."""


@dataclass(frozen=True)
class Identity:
    """One drawn person.

    Attributes:
        factors: (len(FACTORS),) float32 in (-1.25, 1.25).
        texture: (3, 6, 6) float32, standard normal: a coarse pattern of the skin.
        moles: (3, 2) float32 in [-1, 1]: places on the face.
        habit: (HABITS,) float32, standard normal: how this person moves.
    """

    factors: np.ndarray
    texture: np.ndarray
    moles: np.ndarray
    habit: np.ndarray


@dataclass(frozen=True)
class Look:
    """How a person looks in one video: the factors with that video's small differences.

    Attributes:
        value: factor name to a float of about -1.5 to 1.5.
        texture: (3, 6, 6) float32.
        moles: (3, 2) float32 in [-1, 1].
    """

    value: dict[str, float]
    texture: np.ndarray
    moles: np.ndarray

    def scaled(self, name: str, centre: float, spread: float) -> float:
        """``centre + spread * factor``."""
        return centre + spread * self.value[name]


def sample_identity(generator: np.random.Generator) -> Identity:
    """Draw a person; consumes a fixed number of draws from ``generator``."""
    normal = generator.standard_normal(len(FACTORS), dtype=np.float32)
    return Identity(
        factors=1.25 * np.tanh(0.8 * normal),
        texture=generator.standard_normal((3, TEXTURE_SIDE, TEXTURE_SIDE), dtype=np.float32),
        moles=2 * generator.random((MOLES, 2), dtype=np.float32) - 1,
        habit=generator.standard_normal(HABITS, dtype=np.float32),
    )


def sample_look(identity: Identity, generator: np.random.Generator) -> Look:
    """How ``identity`` looks in one video (make-up, weight, hair of that day)."""
    noise = generator.standard_normal(len(FACTORS), dtype=np.float32)
    factors = identity.factors + JITTER * noise
    value = {name: float(factor) for name, factor in zip(FACTORS, factors, strict=True)}
    return Look(value, identity.texture, identity.moles)
