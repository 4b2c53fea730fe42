"""Tiny random multimodal models of five families, with batches, made of nothing but a seed."""

from __future__ import annotations

import torch

FAMILIES = ("llava", "llava_next", "qwen2_vl", "qwen2_5_vl", "qwen2_audio")
TEXT = {
    "vocab_size": 256,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
}
CLIP = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "image_size": 28,
    "patch_size": 14,
}
ROPE = {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [1, 1, 2]}
MARKS = {
    "image_token_id": 250,
    "video_token_id": 251,
    "vision_start_token_id": 252,
    "vision_end_token_id": 253,
}


def tiny_model(family, *, seed=0, dtype=torch.float32, **text):
    """A random model in eval mode; ``text`` changes the language model's configuration."""
    import transformers as hf

    words = {**TEXT, **text}
    torch.manual_seed(seed)
    if family in ("llava", "llava_next"):
        kind, config = {
            "llava": (hf.LlavaForConditionalGeneration, hf.LlavaConfig),
            "llava_next": (hf.LlavaNextForConditionalGeneration, hf.LlavaNextConfig),
        }[family]
        more = {} if family == "llava" else {"image_grid_pinpoints": [[28, 56], [56, 28], [56, 56]]}
        settings = config(
            text_config=hf.LlamaConfig(**words),
            vision_config=hf.CLIPVisionConfig(**CLIP),
            image_token_index=255,
            vision_feature_layer=-1,
            vision_feature_select_strategy="default",
            **more,
        )
    elif family == "qwen2_vl":
        kind = hf.Qwen2VLForConditionalGeneration
        settings = hf.Qwen2VLConfig(
            text_config={**words, "rope_parameters": ROPE},
            vision_config={
                **{"depth": 2, "embed_dim": 32, "hidden_size": 32, "num_heads": 4, "mlp_ratio": 2},
                **{"patch_size": 14, "spatial_merge_size": 2, "temporal_patch_size": 2},
                "in_channels": 3,
            },
            **MARKS,
        )
    elif family == "qwen2_5_vl":
        kind = hf.Qwen2_5_VLForConditionalGeneration
        settings = hf.Qwen2_5_VLConfig(
            text_config={**words, "rope_parameters": ROPE},
            vision_config={
                **{"depth": 2, "hidden_size": 32, "out_hidden_size": 32, "intermediate_size": 48},
                **{"num_heads": 4, "patch_size": 14, "spatial_merge_size": 2, "window_size": 56},
                **{"temporal_patch_size": 2, "fullatt_block_indexes": [1]},
            },
            **MARKS,
        )
    elif family == "qwen2_audio":
        kind = hf.Qwen2AudioForConditionalGeneration
        settings = hf.Qwen2AudioConfig(
            text_config={"model_type": "qwen2", **words},
            audio_config={
                **{"model_type": "qwen2_audio_encoder", "d_model": 32, "encoder_layers": 2},
                **{"encoder_attention_heads": 4, "encoder_ffn_dim": 48, "num_mel_bins": 16},
                "max_source_positions": 32,
            },
            audio_token_index=250,
        )
    else:
        raise ValueError(family)
    return kind(settings).to(dtype).eval()


PLACEHOLDER = {"llava": (255, 4), "llava_next": (255, 14), "qwen2_vl": (250, 4),
               "qwen2_5_vl": (250, 4), "qwen2_audio": (250, 16)}  # fmt: skip
"""Id of the placeholder and how many one medium has."""


def tiny_batch(family, *, words=(5, 3), side="left", seed=0, dtype=torch.float32):
    """A batch of ``len(words)`` rows, each: bos, one medium, then so many random words.

    Args:
        family: one of ``FAMILIES``, or "text" for rows without a medium.
        words: words of each row (ids 5 to 99).
        side: where shorter rows are padded.
        seed: of ids and pixels.
        dtype: of the pixels.
    """
    g = torch.Generator().manual_seed(seed)
    token, count = PLACEHOLDER.get(family, (0, 0))
    start, end = ([252], [253]) if family.startswith("qwen2_") and "vl" in family else ([], [])
    rows = [
        [1, *start, *[token] * count, *end, *torch.randint(5, 100, (n,), generator=g).tolist()]
        for n in words
    ]
    longest = max(map(len, rows))
    ids, mask = [], []
    for row in rows:
        gap = longest - len(row)
        pad, ones = [0] * gap, [1] * len(row)
        ids.append(pad + row if side == "left" else row + pad)
        mask.append([0] * gap + ones if side == "left" else ones + [0] * gap)
    batch = {"input_ids": torch.tensor(ids), "attention_mask": torch.tensor(mask)}
    size = len(rows)

    def noise(*shape):
        return torch.randn(*shape, generator=g, dtype=torch.float64).to(dtype)

    if family == "llava":
        batch["pixel_values"] = noise(size, 3, 28, 28)
    elif family == "llava_next":
        batch["pixel_values"] = noise(size, 3, 3, 28, 28)
        batch["image_sizes"] = torch.tensor([[28, 56]] * size)
    elif family in ("qwen2_vl", "qwen2_5_vl"):
        batch["pixel_values"] = noise(16 * size, 3 * 2 * 14 * 14)
        batch["image_grid_thw"] = torch.tensor([[1, 4, 4]] * size)
        batch["mm_token_type_ids"] = (batch["input_ids"] == token).int()
    elif family == "qwen2_audio":
        batch["input_features"] = noise(size, 16, 64)
        batch["feature_attention_mask"] = torch.ones(size, 64, dtype=torch.long)
    return batch
