"""Placeholder tokens: what each stands for, and whether the media give as many features."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor

from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.families import Family
from simlearn.analysis.tokens import AUDIO, IMAGE, NAMES, PAD, SPECIAL, TEXT, VIDEO

MEDIA = {IMAGE: "pixel_values", VIDEO: "pixel_values_videos", AUDIO: "input_features"}
"""Which entry of a batch holds a modality's media."""


def placeholder_ids(config: Any) -> dict[int, int]:
    """Ids of the placeholder tokens of a configuration, by code (3 image, 4 video, 5 audio)."""
    found = {}
    for code in MEDIA:
        for ending in ("id", "index"):
            value = getattr(config, f"{NAMES[code]}_token_{ending}", None)
            if value is not None:
                found[code] = int(value)
                break
    return found


def token_codes(
    ids: Tensor,
    attended: Tensor | None,
    placeholders: Mapping[int, int],
    special: Collection[int],
) -> Tensor:
    """The code of every token by its input id (stage I of MINER, arXiv 2410.04819).

    Args:
        ids: ``(B, T)``, placeholders expanded.
        attended: ``(B, T)``, 0 where padded; ``None``: nothing is padded.
        placeholders: id of each media code; it wins over ``special``.
        special: ids of marks.

    Returns:
        int8 ``(B, T)`` on the device of ``ids``.
    """
    codes = torch.full_like(ids, TEXT, dtype=torch.int8)
    for token in special:
        codes[ids == token] = SPECIAL
    for code, token in placeholders.items():
        codes[ids == token] = code
    if attended is not None:
        codes[attended.to(ids.device) == 0] = PAD
    return codes


def media_features(
    model: Any, family: Family, batch: Mapping[str, Any]
) -> dict[int, list[int] | None]:
    """How many tokens each medium of a batch has, by code, without running an encoder.

    Args:
        model: with its configuration.
        family: says how to count.
        batch: as a processor returns it, or with ``mm_encoder_outputs`` in place of pixels.

    Returns:
        Of each modality that the batch has media of: tokens of each medium in the order of the
        batch; ``None`` where the family is not known.
    """
    features: dict[int, list[int] | None] = {}
    encoded = batch.get("mm_encoder_outputs") or {}
    for code, key in MEDIA.items():
        if encoded.get(NAMES[code]) is not None:
            features[code] = [len(one) for one in encoded[NAMES[code]].pooler_output]
        elif batch.get(key) is not None:
            count = _COUNTERS.get(family.counting)
            features[code] = None if count is None else count(model, batch, code)
    return features


def check_placeholders(
    tokens: Mapping[int, Tensor], features: Mapping[int, list[int] | None]
) -> None:
    """Compare placeholder tokens with the media that are to take their places.

    Args:
        tokens: bool ``(B, T)`` by code: where its placeholders are.
        features: as :func:`media_features` returns them.

    Raises:
        AnalysisError: placeholders without media; another number of placeholders than features;
            a medium that would be spread over two rows.
    """
    for code, where in tokens.items():
        name = NAMES[code]
        rows = where.sum(dim=1).tolist()
        if sum(rows) and code not in features:
            raise AnalysisError(
                f"{sum(rows)} {name} tokens, but the batch has no {MEDIA[code]}: give the {name} "
                "to the processor together with the text"
            )
        if (counts := features.get(code)) is not None:
            _check_counts(name, rows, counts)


def _check_counts(name: str, rows: list[int], counts: list[int]) -> None:
    """Placeholders of each row against features of each medium."""
    tokens, features = sum(rows), sum(counts)
    if tokens != features:
        text = f"{tokens} {name} tokens, but the {len(counts)} {name}(s) give {features} features"
        if name == "audio" and tokens == len(counts):
            text += (
                ": one placeholder per audio is the form of old processors; encode with a current "
                "Qwen2AudioProcessor, which repeats <|AUDIO|> once per feature"
            )
        else:
            text += (
                ": use the processor of this model, do not cut prompts (truncation), and give "
                f"the {name}s of exactly these rows"
            )
        raise AnalysisError(text)
    ends = {0, *accumulate(counts)}
    for row, end in enumerate(accumulate(rows)):
        if end not in ends:
            raise AnalysisError(
                f"row {row} has {rows[row]} {name} tokens, which end within one {name} (features "
                f"of each: {counts}): put the {name}s into the order of the rows"
            )


def _patches(model: Any, batch: Mapping[str, Tensor], code: int) -> list[int]:
    """LLaVA: patches of each picture; Pixtral's towers take pictures of any size."""
    patch = model.config.vision_config.patch_size
    if (sizes := batch.get("image_sizes")) is not None:
        return [(h // patch) * (w // patch) for h, w in sizes.tolist()]
    height, width = batch["pixel_values"].shape[-2:]
    count = (height // patch) * (width // patch) + _class_tokens(model)
    return [count] * len(batch["pixel_values"])


def _tiles(model: Any, batch: Mapping[str, Tensor], code: int) -> list[int]:
    """LLaVA-NeXT: the whole picture, its tiles without their padding, one mark per line."""
    from transformers.models.llava_next.modeling_llava_next import get_anyres_image_grid_shape

    config = model.config
    side = config.vision_config.image_size // config.vision_config.patch_size
    counts = []
    for height, width in batch["image_sizes"].tolist():
        rows, columns = get_anyres_image_grid_shape(
            (height, width), config.image_grid_pinpoints, config.vision_config.image_size
        )
        h, w = _unpadded(side * rows, side * columns, height, width)
        counts.append(side * side + _class_tokens(model) + h * (w + 1))
    return counts


def _unpadded(rows: int, columns: int, height: int, width: int) -> tuple[int, int]:
    """What is left of a grid when the strips are cut off that only pad a ``height x width``."""
    if width / height > columns / rows:
        kept = int(round(height * (columns / width), 7))
        return rows - 2 * ((rows - kept) // 2), columns
    kept = int(round(width * (rows / height), 7))
    return rows, columns - 2 * ((columns - kept) // 2)


def _class_tokens(model: Any) -> int:
    """Class token of the tower, less the one that the strategy "default" takes off: -1, 0 or 1."""
    tower = model.get_encoder(modality="image")
    has = any(n.endswith(("class_embedding", "cls_token")) for n, _ in tower.named_parameters())
    return int(has) - int(model.config.vision_feature_select_strategy == "default")


def _grid(model: Any, batch: Mapping[str, Tensor], code: int) -> list[int]:
    """Qwen2-VL: frames x height x width of the patches, ``merge`` x ``merge`` of them a token."""
    merge = model.config.vision_config.spatial_merge_size
    grid = batch["image_grid_thw" if code == IMAGE else "video_grid_thw"]
    return [t * h * w // merge**2 for t, h, w in grid.tolist()]


def _mel(model: Any, batch: Mapping[str, Tensor], code: int) -> list[int]:
    """Qwen2-Audio: a quarter of the frames of each spectrogram that are no padding."""
    frames = batch["feature_attention_mask"].sum(dim=-1)
    lengths = model.get_encoder(modality="audio")._get_feat_extract_output_lengths(frames)
    return lengths[1].tolist()


_COUNTERS: dict[str, Callable[[Any, Mapping[str, Tensor], int], list[int]]] = {
    "patches": _patches,
    "tiles": _tiles,
    "grid": _grid,
    "mel": _mel,
}
