"""Which modality every token of a batch belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

NAMES = ("pad", "text", "special", "image", "video", "audio", "generated")
"""Names of the codes 0 to 6."""
PAD, TEXT, SPECIAL, IMAGE, VIDEO, AUDIO, GENERATED = range(7)
MODALITIES = NAMES[1:]
"""The disjoint modalities that statistics are kept of; padding is none."""


@dataclass(frozen=True, eq=False)
class TokenModality:
    """One code per token, by the *input* id; a token keeps it in every layer.

    Attributes:
        codes: int8 ``(B, T)``: 0 pad, 1 text, 2 special, 3 image, 4 video, 5 audio, 6 generated.
    """

    codes: Tensor

    def select(self, *names: str) -> Tensor:
        """Bool ``(B, T)``: tokens of any of the named modalities.

        Raises:
            ValueError: a name that is none of the codes.
        """
        chosen = self.codes != self.codes
        for name in names:
            if name not in NAMES:
                raise ValueError(f"{name!r} is no modality; there are {', '.join(NAMES)}")
            chosen = chosen | (self.codes == NAMES.index(name))
        return chosen

    def onehot(self, names: Sequence[str] = MODALITIES) -> Tensor:
        """Bool ``(B, M, T)``: one row per named modality."""
        from torch import stack

        return stack([self.select(name) for name in names], dim=1)
