"""Statistics, scoring and selection of neurons by MINER's formulas as they are printed.

``formulas`` is what the released code does (arXiv 2410.04819), in float32 torch and at any batch
size: the head-mean attention of every query to every key (not causal) made beside the model's own
kernel, a second softmax of a modality's own block, tokens x tokens x neurons products for attn_k
and attn_q, min-max per sample, and the mean over samples. Left out in its favour: its overlapping
slots "special_text" and "prompt", and the pickle that it reads, adds to and writes for each sample.
``simlearn`` has the same values from streamed sums.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from typing import Any

import torch
from neurons_setup import Batch, codes_of
from neurons_statistics import TOLERANCE, Values, add, empty, largest_difference
from torch import Tensor

from simlearn.analysis import ModelAdapter, aggregate_scores, collect, select_neurons
from simlearn.analysis.aggregate import WEIGHTS
from simlearn.analysis.sample_scores import SampleScores
from simlearn.analysis.tokens import MODALITIES

KERNEL = "benchmark_formulas"
"""Name of the listening kernel among transformers' attention functions."""
RATIO = 0.02
"""Of neurons that are selected, by the default strategy LA_MU and the default weights."""


def simlearn(adapter: ModelAdapter, batches: Iterable[Batch]) -> Values:
    """The library: statistics and scores in one pass, then aggregation and selection."""
    scores = SampleScores(("all",), MODALITIES, *adapter.shape)
    stats = collect(adapter, batches, attn="reference", accumulators=(scores,))
    mean = scores.mean()
    chosen = select_neurons(aggregate_scores(mean), RATIO, names=MODALITIES)
    mask = torch.stack([chosen.only(name).mask(*adapter.shape) for name in MODALITIES])
    return {**stats.state_dict(), "scores": mean[0], "chosen": mask}


def formulas(adapter: ModelAdapter, batches: Iterable[Batch]) -> Values:
    """The printed formulas; every row's own products, however many rows run at once."""
    values, model = empty(adapter), adapter.model
    heard: dict[int, tuple[Tensor, Tensor, float]] = {}
    total = torch.zeros(5, len(MODALITIES), *adapter.shape, dtype=torch.float64)
    samples, codes, each = 0, torch.empty(0), torch.empty(0)

    def reduce_layer(layer: int, x: Tensor) -> None:
        add(values, layer, x, codes)
        query, key, scaling = heard.pop(layer)
        for row, kinds in enumerate(codes):
            there = kinds > 0
            products = query[row][:, there] @ key[row][:, there].transpose(1, 2)
            attention = (products * scaling).softmax(-1).mean(0)
            act, own = x[row][there], kinds[there]
            for m in own.unique().tolist():
                inside = own == m
                block = attention[inside][:, inside]
                each[row, :, m - 1, layer] = scores_of_modality(act[inside], block)

    with ExitStack() as stack, torch.inference_mode():
        stack.callback(adapter.decoder.set_attn_implementation, "sdpa")
        listen(adapter.decoder, heard)
        for layer, block in enumerate(adapter.decoder.layers):
            hook = block.mlp.act_fn.register_forward_hook(
                lambda module, args, x, layer=layer: reduce_layer(layer, x)
            )
            stack.callback(hook.remove)
        for batch in batches:
            codes = codes_of(batch, model.config.image_token_id)
            each = torch.zeros(len(codes), *total.shape, dtype=model.dtype)
            model.model(**batch, use_cache=False)
            for sample in each:
                total += sample
            samples += len(each)
    mean = total / samples
    return {**values, "scores": mean, "chosen": selected(mean)}


def listen(decoder: Any, heard: dict[int, tuple[Tensor, Tensor, float]]) -> None:
    """Let the language model's attention leave its queries and keys in ``heard``."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.integrations.sdpa_attention import sdpa_attention_forward
    from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS

    def attention(
        module: Any, query: Tensor, key: Tensor, value: Tensor, attention_mask: Any, **kwargs: Any
    ) -> Any:
        heard[module.layer_idx] = (query, key, kwargs["scaling"])
        return sdpa_attention_forward(module, query, key, value, attention_mask, **kwargs)

    AttentionInterface.register(KERNEL, attention)
    AttentionMaskInterface.register(KERNEL, ALL_MASK_ATTENTION_FUNCTIONS["sdpa"])
    decoder.set_attn_implementation(KERNEL)


def scores_of_modality(x: Tensor, a: Tensor) -> Tensor:
    """``(5, N)`` of the tokens of a modality in one layer of one sample.

    Args:
        x: ``(P, N)`` activations.
        a: ``(P, P)`` attention among these tokens.
    """
    by_key, by_query = a.softmax(0).T @ x, a.softmax(1) @ x
    found = torch.stack(
        [
            (x > 0).to(x.dtype).mean(0),
            x.mean(0),
            x.amax(0),
            by_key.sum(0),
            by_query.sum(0),
        ]
    )
    low, high = found.amin(1, keepdim=True), found.amax(1, keepdim=True)
    return ((found - low) / (high - low)).nan_to_num(0)


def selected(mean: Tensor) -> Tensor:
    """Bool ``(M, L, N)``: the default selection from ``(5, M, L, N)`` mean scores."""
    weights = WEIGHTS["default"]
    score = sum(w * mean[t] for t, w in enumerate(weights))
    there = [m for m in range(len(MODALITIES)) if mean[:, m].any()]
    size = int(RATIO * score[0].numel()) // len(there)
    chosen = torch.zeros(score.shape, dtype=torch.bool)
    for m in there:
        chosen[m].view(-1)[score[m].flatten().topk(size).indices] = True
    return chosen


def differences(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, float]:
    """Largest ones of sums and maxima (relative) and of scores.

    Raises:
        ValueError: counts or selected neurons are not equal, or a difference is above the
            tolerance.
    """
    sums = largest_difference(found, wanted)
    scores = (found["scores"] - wanted["scores"]).abs().max().item()
    if not scores <= TOLERANCE:
        raise ValueError(f"scores differ by {scores:.3g}, allowed {TOLERANCE:g}")
    if not torch.equal(found["chosen"], wanted["chosen"]) or not wanted["chosen"].any():
        raise ValueError("other neurons are selected")
    return {"sums": sums, "scores": scores}


def rounding(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, float]:
    """What float32 does where the batch size differs: a sign near 0 may turn."""
    both = (found["chosen"] & wanted["chosen"]).sum() / wanted["chosen"].sum()
    return {
        "counts_that_differ": int((found["pos"] != wanted["pos"]).sum()),
        "of_counts": int((wanted["n"] > 0).sum()) * found["pos"].shape[-1],
        "largest_score_difference": (found["scores"] - wanted["scores"]).abs().max().item(),
        "share_of_selected_neurons": both.item(),
    }
