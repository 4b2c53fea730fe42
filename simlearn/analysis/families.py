"""What is particular to a family of multimodal models, in a few declarative lines each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Counting = Literal["patches", "tiles", "grid", "mel", "unknown"]


@dataclass(frozen=True)
class Family:
    """One family; everything that is not said here is found in the model's structure.

    Attributes:
        name: of the family.
        model_types: ``config.model_type`` of its models.
        counting: how many tokens a medium has, see :mod:`simlearn.analysis.placeholders`:
            "patches" of one picture, "tiles" of a picture cut up (any resolution), merged "grid"
            of patches, frames of a "mel" spectrogram; "unknown": left to the model's own check.
        marks: texts of tokens that structure a conversation; "special", not text.
        around: texts of the marks before and after a medium's placeholder, by modality;
            "special" as well.
        known: ``False`` where the table has no entry and structure alone decided.
    """

    name: str
    model_types: tuple[str, ...]
    counting: Counting = "unknown"
    marks: tuple[str, ...] = ()
    around: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    known: bool = True

    @property
    def special(self) -> tuple[str, ...]:
        """Texts of all tokens that are "special" beside bos, eos and pad."""
        return (*self.marks, *(text for pair in self.around.values() for text in pair))


_CHAT = ("<|im_start|>", "<|im_end|>")
_VISION = ("<|vision_start|>", "<|vision_end|>")

FAMILIES = (
    Family("LLaVA", ("llava",), "patches"),
    Family("LLaVA-NeXT", ("llava_next",), "tiles"),
    Family(
        "Qwen2-VL", ("qwen2_vl",), "grid", marks=_CHAT, around={"image": _VISION, "video": _VISION}
    ),
    Family(
        "Qwen2.5-VL",
        ("qwen2_5_vl",),
        "grid",
        marks=_CHAT,
        around={"image": _VISION, "video": _VISION},
    ),
    Family(
        "Qwen2-Audio",
        ("qwen2_audio",),
        "mel",
        marks=_CHAT,
        around={"audio": ("<|audio_bos|>", "<|audio_eos|>")},
    ),
)
"""Special tokens of Qwen2-VL and Qwen2-Audio: as in MINER's code (arXiv 2410.04819)."""


def family_of(model_type: str) -> Family:
    """The table's entry for a ``config.model_type``, or one that leaves all to structure."""
    for family in FAMILIES:
        if model_type in family.model_types:
            return family
    return Family(model_type, (model_type,), known=False)
