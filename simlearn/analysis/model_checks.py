"""What a model and its processor must have before anything is read from them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from torch import nn

from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.tokens import NAMES


def check_model(model: Any) -> None:
    """Refuse what is no plain transformers model with blocks of its own and a head.

    Raises:
        AnalysisError: something wrapped or compiled; a sequence-to-sequence model; no head.
    """
    from transformers import PreTrainedModel

    name = type(model).__name__
    compiled = hasattr(model, "_orig_mod") or any(
        getattr(m, "_compiled_call_impl", None) is not None or hasattr(m, "_orig_mod")
        for m in (model.modules() if isinstance(model, nn.Module) else ())
    )
    if compiled:
        raise AnalysisError(
            f"{name} is compiled: hooks inside are lost or frozen in; give the model as it was "
            "before torch.compile (an OptimizedModule keeps it as `_orig_mod`)"
        )
    if not isinstance(model, PreTrainedModel):
        raise AnalysisError(
            f"{name} is no transformers model: give the PreTrainedModel itself, without wrapper "
            "(a peft model: merge_and_unload(), a parallel one: its .module)"
        )
    text = model.config.get_text_config(decoder=True)
    if model.config.is_encoder_decoder or getattr(text, "is_encoder_decoder", False):
        raise AnalysisError(
            f"{name} is a sequence-to-sequence model; only models whose language model is a plain "
            "decoder (LLaVA, Qwen2-VL, ...) can be analysed"
        )
    if model.get_output_embeddings() is None:
        raise AnalysisError(
            f"{name} has no language model head: load the class ...ForConditionalGeneration"
        )


def tokenizer_of(processor: Any) -> Any:
    """The tokenizer of a processor; a tokenizer is its own; ``None`` for ``None``."""
    return getattr(processor, "tokenizer", processor)


def check_tokenizer(model: Any, processor: Any, placeholders: Mapping[int, int]) -> None:
    """Refuse a processor that was made for another model.

    Args:
        model: with its embeddings and configuration.
        processor: or tokenizer.
        placeholders: id of the model's placeholder by media code.

    Raises:
        AnalysisError: more ids than embeddings; a placeholder that the tokenizer lacks; another
            placeholder than the model's.
    """
    tokenizer, name = tokenizer_of(processor), type(model).__name__
    rows = model.get_input_embeddings().weight.shape[0]
    if len(tokenizer) > rows:
        raise AnalysisError(
            f"the tokenizer has {len(tokenizer)} tokens, {name} embeds {rows}: load the processor "
            f"of this checkpoint, or model.resize_token_embeddings({len(tokenizer)})"
        )
    for code, token in placeholders.items():
        if token >= len(tokenizer):
            raise AnalysisError(
                f"{name} takes id {token} as placeholder of an {NAMES[code]}, the tokenizer has "
                f"only {len(tokenizer)} tokens: load the processor of this checkpoint"
            )
        text = getattr(processor, f"{NAMES[code]}_token", None)
        own = None if text is None else tokenizer.convert_tokens_to_ids(text)
        if own is not None and own != token:
            raise AnalysisError(
                f"the processor's {NAMES[code]} token {text!r} is id {own}, {name} expects "
                f"{token}: load the processor of this checkpoint"
            )


def special_ids(model: Any, processor: Any, texts: tuple[str, ...], known: bool) -> frozenset[int]:
    """Ids of the tokens that structure a prompt without being its words.

    Args:
        model: with its configurations.
        processor: or tokenizer or ``None``; then the ids that the configurations name.
        texts: of the family's marks; those that the tokenizer lacks are left out.
        known: whether the family is in the table; if not, all special tokens of the tokenizer.
    """
    config = model.config
    marks = [getattr(config, f"vision_{end}_token_id", None) for end in ("start", "end")]
    tokenizer = tokenizer_of(processor)
    if tokenizer is None:
        text = config.get_text_config(decoder=True)
        for one in (text, model.generation_config):
            for name in ("bos", "eos", "pad"):
                value = getattr(one, f"{name}_token_id", None)
                marks += value if isinstance(value, list) else [value]
        return frozenset(int(m) for m in marks if m is not None)
    marks += [getattr(tokenizer, f"{n}_token_id", None) for n in ("bos", "eos", "pad")]
    vocabulary = tokenizer.get_vocab()
    marks += [vocabulary.get(text) for text in texts]
    if not known:
        marks += list(tokenizer.all_special_ids)
    return frozenset(int(m) for m in marks if m is not None)


def fingerprint_of(model: Any, shape: tuple[int, int]) -> str:
    """16 hex digits of what makes two models' neurons comparable: family and sizes of the text."""
    text = model.config.get_text_config(decoder=True)
    facts = [
        type(model.config).__name__,
        model.config.model_type,
        text.model_type,
        *shape,
        text.hidden_size,
        text.vocab_size,
    ]
    return hashlib.blake2b(json.dumps(facts).encode(), digest_size=8).hexdigest()
