"""What the benchmarks of neuron statistics share: random models, and prompts with pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from simlearn.analysis import ModelAdapter
from simlearn.analysis.model_inputs import padded_positions

Batch = dict[str, Tensor]
BOS, FIRST_WORD = 1, 5
"""The one special token of a row, and the lowest id of a word."""


@dataclass(frozen=True)
class Size:
    """Sizes of a LLaVA: text width, neurons, layers and heads, then those of its CLIP."""

    hidden: int
    intermediate: int
    layers: int
    heads: int
    encoder_hidden: int
    encoder_intermediate: int
    encoder_heads: int
    side: int
    patch: int
    encoder_layers: int = 2
    vocab: int = 1024

    @property
    def image_tokens(self) -> int:
        """Of one picture."""
        return (self.side // self.patch) ** 2


SIZES = {
    "A": Size(512, 2048, 12, 8, 256, 1024, 4, 336, 14),
    "small": Size(256, 1024, 8, 8, 256, 1024, 8, 168, 14),
    "short": Size(256, 1024, 8, 8, 128, 256, 4, 84, 14),
    "shipped": Size(96, 288, 3, 4, 64, 128, 4, 48, 8),
    "quick": Size(32, 160, 3, 4, 32, 64, 4, 28, 14, vocab=256),
}
"""``shipped`` has the sizes of ``TinyMLLM``, whose vocabulary is smaller."""


def build_model(size: Size, dtype: torch.dtype = torch.float32) -> Any:
    """A random LLaVA in eval mode, the same each time."""
    import transformers as hf

    config = hf.LlavaConfig(
        text_config=hf.LlamaConfig(
            vocab_size=size.vocab,
            hidden_size=size.hidden,
            intermediate_size=size.intermediate,
            num_hidden_layers=size.layers,
            num_attention_heads=size.heads,
            num_key_value_heads=size.heads,
            max_position_embeddings=1024,
            bos_token_id=BOS,
            eos_token_id=2,
            pad_token_id=0,
        ),
        vision_config=hf.CLIPVisionConfig(
            hidden_size=size.encoder_hidden,
            intermediate_size=size.encoder_intermediate,
            num_hidden_layers=size.encoder_layers,
            num_attention_heads=size.encoder_heads,
            image_size=size.side,
            patch_size=size.patch,
        ),
        image_token_index=size.vocab - 1,
        vision_feature_layer=-1,
        vision_feature_select_strategy="default",
    )
    torch.manual_seed(0)
    return hf.LlavaForConditionalGeneration(config).to(dtype).eval()


def build_adapter(size: Size, dtype: torch.dtype = torch.float32) -> ModelAdapter:
    """The same model in its adapter."""
    return ModelAdapter(build_model(size, dtype))


def draw_batch(
    size: Size,
    words: Sequence[int],
    *,
    seed: int,
    picture: bool = True,
    dtype: torch.dtype = torch.float32,
) -> Batch:
    """Rows of a start token, a picture and so many words each, padded left.

    Positions are given, so that every contender computes the same under padding.
    """
    g = torch.Generator().manual_seed(seed)
    start = [BOS, *[size.vocab - 1] * (size.image_tokens if picture else 0)]
    longest = len(start) + max(words)
    ids = torch.zeros(len(words), longest, dtype=torch.int64)
    mask = torch.zeros_like(ids)
    for row, count in enumerate(words):
        drawn = torch.randint(FIRST_WORD, size.vocab - 1, (count,), generator=g)
        told = torch.cat([torch.tensor(start), drawn])
        ids[row, -len(told) :], mask[row, -len(told) :] = told, 1
    batch = {"input_ids": ids, "attention_mask": mask, "position_ids": padded_positions(mask)}
    if picture:
        pixels = torch.randn(len(words), 3, size.side, size.side, generator=g)
        batch["pixel_values"] = pixels.to(dtype)
    return batch


def draw_lengths(samples: int, least: int, most: int) -> list[int]:
    """Numbers of words of samples, evenly drawn."""
    g = torch.Generator().manual_seed(1)
    return torch.randint(least, most + 1, (samples,), generator=g).tolist()


def single_rows(batch: Batch) -> list[Batch]:
    """A padded batch as batches of one row without padding."""
    rows = []
    for row, mask in enumerate(batch["attention_mask"]):
        gap = int((mask == 0).sum())
        one = {k: v[row : row + 1] for k, v in batch.items()}
        rows.append({k: v if k == "pixel_values" else v[:, gap:] for k, v in one.items()})
    return rows


def codes_of(batch: Batch, image: int) -> Tensor:
    """int64 ``(B, T)``: 0 padding, 1 text, 2 special, 3 image."""
    ids = batch["input_ids"]
    codes = torch.where(ids < FIRST_WORD, 2, torch.where(ids == image, 3, 1))
    return torch.where(batch["attention_mask"] == 0, 0, codes)
