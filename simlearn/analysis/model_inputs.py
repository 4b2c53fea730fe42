"""What a model is given besides a batch: positions under padding, kinds of tokens."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from simlearn.analysis.tokens import AUDIO, IMAGE, VIDEO

_TYPES = {IMAGE: 1, VIDEO: 2, AUDIO: 3}
"""Codes of transformers' ``mm_token_type_ids``; 0 is text."""


def padded_positions(attended: Tensor) -> Tensor:
    """Position of every token within its row, padding not counted (and itself 0).

    Args:
        attended: ``(B, T)``, 0 where padded.

    Returns:
        int64 ``(B, T)``.
    """
    return (attended.long().cumsum(dim=1) - 1).clamp(min=0)


def last_tokens(ids: Tensor, attended: Tensor | None) -> Tensor:
    """Index of each row's last token that is attended to, wherever it is padded.

    Args:
        ids: ``(B, T)``.
        attended: ``(B, T)``, 0 where padded; ``None``: nothing is padded.

    Returns:
        int64 ``(B,)``; the last column for a row of padding alone.
    """
    if attended is None:
        return torch.full((len(ids),), ids.shape[1] - 1, device=ids.device)
    return ids.shape[1] - 1 - attended.flip(1).ne(0).int().argmax(dim=1)


def media_types(ids: Tensor, placeholders: Mapping[int, int]) -> Tensor:
    """int32 ``(B, T)``: 0 text, 1 image, 2 video, 3 audio, as transformers numbers them."""
    types = torch.zeros_like(ids, dtype=torch.int32)
    for code, token in placeholders.items():
        types[ids == token] = _TYPES[code]
    return types


def model_inputs(
    inner: nn.Module,
    batch: Mapping[str, Any],
    placeholders: Mapping[int, int],
    device: torch.device,
) -> dict[str, Any]:
    """A batch with all that the model needs to see padding and media rightly.

    Models with positions of their own for media (``get_rope_index``: Qwen2-VL) get the kinds of
    tokens from which they work them out; all others, and those without media, get positions that
    do not count padding.

    Args:
        inner: the model without head.
        batch: as a processor returns it, or with ``mm_encoder_outputs`` in place of pixels.
        placeholders: id of the placeholder by media code.
        device: where everything goes.
    """
    inputs = {k: v.to(device) if isinstance(v, Tensor) else v for k, v in batch.items()}
    mask = inputs.get("attention_mask")
    grids = any(inputs.get(f"{m}_grid_thw") is not None for m in ("image", "video"))
    if grids and hasattr(inner, "get_rope_index"):
        if "mm_token_type_ids" not in inputs:
            inputs["mm_token_type_ids"] = media_types(inputs["input_ids"], placeholders)
    elif mask is not None and "position_ids" in inspect.signature(inner.forward).parameters:
        inputs.setdefault("position_ids", padded_positions(mask))
    return inputs
