"""Run a vision tower once and give its features to many passes of the language model."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from simlearn.analysis.adapter import ModelAdapter

PIXELS = {"image": "pixel_values", "video": "pixel_values_videos"}
"""Entry of a batch with each modality's pixels."""
FEATURES = "mm_encoder_outputs"
"""Argument by which transformers' models take what their vision tower gave."""
BULK = ("last_hidden_state", "hidden_states", "attentions")
"""Parts of a tower's output that the language model does not read."""


def encode_media(
    adapter: ModelAdapter, batch: Mapping[str, Tensor]
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The features of a batch's pictures, and the batch with pixels that take no memory.

    Where the model's forward does not take features (Qwen2-Audio), or there are no pixels, the
    batch comes back as it is, with no features.

    Args:
        adapter: of the model.
        batch: as the processor returns it, on the model's device.

    Returns:
        The batch, its pixels zeros of the same shape that only serve to be counted, and the
        features by modality, for :func:`given_features`.

    Raises:
        AnalysisError: placeholders that do not fit the media.
    """
    adapter.check(batch)
    new: dict[str, Tensor] = dict(batch)
    features: dict[str, Any] = {}
    if FEATURES not in inspect.signature(adapter.model.forward).parameters:
        return new, features
    for modality, pixels in PIXELS.items():
        encode = getattr(adapter.model.base_model, f"get_{modality}_features", None)
        if encode is None or batch.get(pixels) is None:
            continue
        known = inspect.signature(encode).parameters
        given = {name: value for name, value in batch.items() if name in known}
        with torch.inference_mode():
            output = encode(**given, return_dict=True)
        features[modality] = type(output)(**{k: v for k, v in output.items() if k not in BULK})
        new[pixels] = batch[pixels].new_zeros(()).expand(batch[pixels].shape)
    return new, features


@contextmanager
def given_features(adapter: ModelAdapter, features: Mapping[str, Any]) -> Iterator[None]:
    """Passes over a batch of :func:`encode_media` use its features in place of the pixels.

    ``forward`` then leaves the vision tower out. ``generate`` runs it once on the zeros, for
    transformers encodes before the model is called, and throws that away.

    Args:
        adapter: of the model.
        features: of the batch that is run meanwhile; nothing happens without any.
    """

    def exchange(
        module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        """Take the pixels (or what was made of them) out and put the features in."""
        if not any(kwargs.get(name) is not None for name in (FEATURES, *PIXELS.values())):
            return None  # a decoding step
        kept = {name: value for name, value in kwargs.items() if name not in PIXELS.values()}
        return args, {**kept, FEATURES: dict(features)}

    if not features:
        yield
        return
    handle = adapter.model.base_model.register_forward_pre_hook(exchange, with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()
