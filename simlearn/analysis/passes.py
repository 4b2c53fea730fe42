"""Run a model with no more of its head than is asked for."""

from __future__ import annotations

import inspect
from typing import Any, Literal

import torch
from torch import Tensor, nn

from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.model_inputs import last_tokens

Logits = Literal["none", "last", "all"]


def run_forward(model: Any, inputs: dict[str, Any], logits: Logits) -> Tensor | None:
    """One pass without cache.

    Args:
        model: of transformers, with a head.
        inputs: as :func:`simlearn.analysis.model_inputs.model_inputs` makes them.
        logits: "none": only the model beneath the head runs, where there is one; "last": logits
            of each row's last token that is attended to; "all".

    Returns:
        ``None``, ``(B, V)`` or ``(B, T, V)``.
    """
    inner = model.base_model
    inputs = {**inputs, "use_cache": False}
    if logits == "all":
        return model(**inputs).logits
    if logits == "none":
        inner(**inputs)
        return None
    last = last_tokens(inputs["input_ids"], inputs.get("attention_mask"))
    rows = torch.arange(len(last), device=last.device)
    if _takes(model, "logits_to_keep"):
        kept, place = last.unique(return_inverse=True)
        return model(**inputs, logits_to_keep=kept).logits[rows, place]
    if inner is model:
        return model(**inputs).logits[rows, last]
    return model.get_output_embeddings()(inner(**inputs)[0][rows, last])


def run_generate(model: Any, inputs: dict[str, Any], **settings: Any) -> Tensor:
    """Write behind prompts, greedily unless told otherwise; nothing is compiled.

    Args:
        model: of transformers, with a head.
        inputs: prompts padded left; ``position_ids`` are left to transformers.
        settings: of transformers' ``generate``.

    Returns:
        Ids of the new tokens ``(B, new)``; pad ids behind an end.

    Raises:
        AnalysisError: rows that are padded right.
    """
    ids, mask = inputs["input_ids"], inputs.get("attention_mask")
    if mask is not None and not bool(mask[:, -1].all()):
        raise AnalysisError(
            "rows are padded on the right: nothing can be written behind padding; encode with "
            "padding_side='left'"
        )
    given = {key: value for key, value in inputs.items() if key != "position_ids"}
    greedy = {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}
    chosen = {} if settings.get("do_sample") else greedy
    out = model.generate(**given, **{**chosen, "disable_compile": True, **settings})
    prompts = ids.repeat_interleave(len(out) // len(ids), dim=0)
    length = ids.shape[1]
    repeats = out.shape[1] >= length and bool((out[:, :length] == prompts).all())
    return out[:, length:] if repeats else out


def _takes(model: nn.Module, name: str) -> bool:
    """Whether a model's ``forward`` names an argument."""
    return name in inspect.signature(model.forward).parameters
