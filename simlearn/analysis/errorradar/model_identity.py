"""What tells one trained model from another: its name, its weights, how it reads a prompt."""

from __future__ import annotations

import hashlib
import json
from pathlib import PureWindowsPath
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from simlearn.analysis.model_checks import tokenizer_of
from simlearn.data.randomness import numpy_generator

if TYPE_CHECKING:
    from simlearn.analysis.adapter import ModelAdapter

WHOLE, SAMPLE = 16384, 4096
"""Parameters of at most ``WHOLE`` numbers are read wholly, of others ``SAMPLE`` numbers."""
_UNTOLD = ("", ".", "..", "model", "checkpoint", "main")
"""Names of folders that do not say which model is in them."""


def model_name(model: Any) -> str:
    """What a model is called in tables, never a whole path.

    Args:
        model: of transformers.

    Returns:
        The last part of the folder or of the hub's name that it was loaded from, of the hub's
        cache the name of the repository; the name of its class where that says nothing, as for
        ``RUN_DIR/model``. At most 80 printable letters.
    """
    path = PureWindowsPath(str(getattr(model.config, "_name_or_path", "") or ""))
    parts, name = path.parts, path.name
    if len(parts) > 2 and parts[-2] == "snapshots":
        name = parts[-3].split("--")[-1]
    if name in _UNTOLD:
        name = type(model).__name__
    return "".join(c for c in name if c.isprintable())[:80]


def model_digest(adapter: ModelAdapter) -> str:
    """16 hex digits of everything that greedy replies of a model depend on, but the device.

    The fingerprint of the adapter (family and sizes), :func:`weights_digest` and
    :func:`processor_digest`.
    """
    parts = (
        adapter.fingerprint,
        weights_digest(adapter.model),
        processor_digest(adapter.processor),
    )
    return hashlib.blake2b(" ".join(parts).encode(), digest_size=8).hexdigest()


def weights_digest(model: torch.nn.Module) -> str:
    """16 hex digits of names, shapes, dtypes and numbers of a model's parameters and buffers.

    Small parameters are read wholly, of large ones the same ``SAMPLE`` places every time, so that
    a model of billions takes a second. Training, merging or rounding changes nearly all numbers
    and so the digest; a change of a few numbers of a large matrix may go unseen. Numbers that are
    kept away from the device (offloaded by ``accelerate``) do not count, only their shape.

    Args:
        model: on any device, of any dtype; its hooks make no difference.
    """
    digest = hashlib.blake2b(digest_size=8)
    for name, value in sorted(model.state_dict().items()):
        if not isinstance(value, Tensor):
            continue
        digest.update(json.dumps([name, str(value.dtype), list(value.shape)]).encode())
        if value.device.type != "meta" and value.numel():
            digest.update(_sampled(value.detach()))
    return digest.hexdigest()


def processor_digest(processor: Any) -> str:
    """16 hex digits of vocabulary, special tokens, chat template and preparation of pictures.

    Args:
        processor: of transformers; a tokenizer where nothing but text is read.
    """
    tokenizer = tokenizer_of(processor)
    images = getattr(processor, "image_processor", None)
    told = [
        sorted(tokenizer.get_vocab().items(), key=lambda item: (item[1], item[0])),
        {name: str(token) for name, token in sorted(tokenizer.special_tokens_map.items())},
        getattr(processor, "chat_template", None) or getattr(tokenizer, "chat_template", None),
        None if images is None else images.to_json_string(),
    ]
    text = json.dumps(told, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _sampled(value: Tensor) -> bytes:
    """The bytes of all numbers, or of those at fixed places."""
    flat = value.reshape(-1)
    if len(flat) > WHOLE:
        places = numpy_generator(0, "weights", len(flat)).integers(len(flat), size=SAMPLE)
        flat = flat[torch.from_numpy(places.astype(np.int64)).to(flat.device)]
    return flat.cpu().contiguous().view(torch.uint8).numpy().tobytes()
