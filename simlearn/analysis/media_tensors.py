"""All pictures or sounds of a data set as the processor makes them, each once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from simlearn.analysis.encode import whole_chunk
from simlearn.analysis.errors import AnalysisError
from simlearn.data.media import load_audio, load_image
from simlearn.data.questions import Question

TURNS = 8
"""Flips and transposes of a square picture."""
CHUNK = 256


def turned(x: Tensor, turns: Tensor) -> Tensor:
    """Flip and transpose every picture of ``(B, C, S, S)`` by ``turns (B,)`` in 0..7.

    Bit 0 flips left and right, bit 1 up and down, bit 2 transposes afterwards; 0 changes nothing.
    """
    bits = [(turns >> bit) % 2 == 1 for bit in range(3)]
    for flag, change in zip(
        bits,
        (lambda v: v.flip(-1), lambda v: v.flip(-2), lambda v: v.transpose(-1, -2)),
        strict=True,
    ):
        x = torch.where(flag[:, None, None, None].to(x.device), change(x), x)
    return x


def to_patches(x: Tensor, patch: int, merge: int = 2, temporal: int = 2) -> Tensor:
    """``(B, 3, H, W)`` pixels in the order of Qwen2-VL: ``(B * patches, 3 * temporal * patch^2)``.

    Patches of one ``merge x merge`` block follow each other; the one frame is repeated.
    """
    b, c, h, w = x.shape
    rows, columns = h // patch // merge, w // patch // merge
    x = x.reshape(b, c, rows, merge, patch, columns, merge, patch)
    x = x.permute(0, 2, 5, 3, 6, 1, 4, 7)[:, :, :, :, :, :, None]
    x = x.expand(-1, -1, -1, -1, -1, -1, temporal, -1, -1)
    return x.reshape(-1, c * temporal * patch * patch)


def from_patches(x: Tensor, side: int, patch: int, merge: int = 2, temporal: int = 2) -> Tensor:
    """The pictures ``(B, 3, side, side)`` that :func:`to_patches` was given."""
    n = side // patch // merge
    x = x.reshape(-1, n, n, merge, merge, 3, temporal, patch, patch)[:, :, :, :, :, :, 0]
    return x.permute(0, 5, 1, 3, 6, 2, 4, 7).reshape(-1, 3, side, side)


@dataclass(frozen=True, eq=False)
class MediaTensors:
    """Media of a list of questions.

    Attributes:
        family: the model's ``model_type``.
        values: ``(N, 3, S, S)`` normalised pixels, or ``(N, mels, frames)``; float32.
        rows: ``(Q,)`` int64: the medium of each question, -1 for none.
        patch: side of a patch (Qwen2-VL).
    """

    family: str
    values: Tensor
    rows: Tensor
    patch: int = 0

    def inputs(self, media: Tensor, turns: Tensor | None = None) -> dict[str, Tensor]:
        """What the model is given for the media ``(B,)`` of a batch, beside ids and mask.

        Args:
            media: rows of ``values``.
            turns: ``(B,)`` in 0..7, see :func:`turned`; not for sounds.
        """
        x = self.values[media]
        if self.family == "qwen2_audio":
            mask = torch.ones(len(x), x.shape[-1], dtype=torch.long)
            return {"input_features": x, "feature_attention_mask": mask}
        if turns is not None:
            x = turned(x, turns)
        if self.family == "llava":
            return {"pixel_values": x}
        side = x.shape[-1] // self.patch
        grid = torch.tensor([[1, side, side]]).expand(len(x), -1)
        return {"pixel_values": to_patches(x, self.patch), "image_grid_thw": grid}


def media_tensors(
    family: str,
    processor: Any,
    questions: Sequence[Question],
    *,
    report: Callable[[str, int, int], None] | None = None,
) -> MediaTensors:
    """Run the processor over every picture or sound of some questions, once each.

    Args:
        family: "llava", "qwen2_vl" or "qwen2_audio".
        processor: of a tiny model; pictures become squares of one size, sounds of one length.
        questions: those without a medium get -1.
        report: called with (what, done, total).

    Raises:
        AnalysisError: a picture that does not become a square.
        DataError: a medium cannot be read.
    """
    seen: dict[object, int] = {}
    first: list[Question] = []
    rows = []
    for q in questions:
        medium = q.image if q.image is not None else q.audio
        key = str(medium) if hasattr(medium, "__fspath__") else id(medium)
        if medium is not None and key not in seen:
            seen[key] = len(first)
            first.append(q)
        rows.append(-1 if medium is None else seen[key])
    parts = []
    for start in range(0, len(first), CHUNK):
        parts.append(_values(family, processor, first[start : start + CHUNK]))
        if report is not None:
            what = "sounds" if family == "qwen2_audio" else "pictures"
            report(what, min(start + CHUNK, len(first)), len(first))
    patch = getattr(getattr(processor, "image_processor", None), "patch_size", 0) or 0
    values = torch.cat(parts) if parts else torch.zeros(0, 3, 1, 1)
    return MediaTensors(family, values, torch.tensor(rows, dtype=torch.int64), int(patch))


def _values(family: str, processor: Any, questions: Sequence[Question]) -> Tensor:
    """Pixels or mel frames of a few questions."""
    if family == "qwen2_audio":
        extractor = processor.feature_extractor
        rate = extractor.sampling_rate
        sounds = [whole_chunk(load_audio(q, rate), extractor) for q in questions]
        found = extractor(sounds, sampling_rate=rate, padding="max_length", return_tensors="pt")
        return found["input_features"].float()
    images = [load_image(q) for q in questions]
    found = processor.image_processor(images, return_tensors="pt")
    pixels: Tensor = found["pixel_values"]
    if family == "llava":
        return pixels
    patch = int(processor.image_processor.patch_size)
    for q, image, (_, rows, columns) in zip(
        questions, images, found["image_grid_thw"].tolist(), strict=True
    ):
        if rows != columns:
            raise AnalysisError(
                f"question {q.id!r}: its picture has {image.width} x {image.height} pixels, and "
                "this model learns from squares: cut the pictures, or use model=tiny_llava, which "
                "squeezes them"
            )
    return from_patches(pixels, int(found["image_grid_thw"][0, 1]) * patch, patch)
