"""Statistics of every neuron by modality: ours, the forward alone, and those who keep it all.

Every contender takes an adapter and batches; those that give values give ``n (M, L)``,
``pos``, ``sum`` and ``max (M, L, N)`` of what comes out of each activation function.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from importlib.util import find_spec
from typing import Any

import torch
from neurons_setup import Batch, codes_of
from torch import Tensor

from simlearn.analysis import ModelAdapter, collect
from simlearn.analysis.tokens import MODALITIES

Values = dict[str, Tensor]
Contender = Callable[[ModelAdapter, Iterable[Batch]], Values | None]
TOLERANCE = 1e-6
"""Of sums and maxima, relative to the largest of a modality and layer; counts are equal."""


def bare(adapter: ModelAdapter, batches: Iterable[Batch]) -> None:
    """The model beneath its head, with no cache of keys and values to fill."""
    with torch.inference_mode():
        for batch in batches:
            adapter.model.model(**batch, use_cache=False)


def with_logits(adapter: ModelAdapter, batches: Iterable[Batch]) -> None:
    """The whole model, as everybody calls it."""
    with torch.inference_mode():
        for batch in batches:
            adapter.model(**batch)


def simlearn(adapter: ModelAdapter, batches: Iterable[Batch]) -> Values:
    """The library's function, from hanging up hooks to taking them down."""
    return collect(adapter, batches).state_dict()


def cached(adapter: ModelAdapter, batches: Iterable[Batch]) -> Values:
    """Hooks that keep every activation of all batches, reduced at the end."""
    kept: list[list[Tensor]] = []
    layers = adapter.decoder.layers
    handles = [
        layer.mlp.act_fn.register_forward_hook(lambda module, args, x: kept[-1].append(x))
        for layer in layers
    ]
    codes = []
    try:
        with torch.inference_mode():
            for batch in batches:
                kept.append([])
                adapter.model.model(**batch, use_cache=False)
                codes.append(codes_of(batch, adapter.model.config.image_token_id))
    finally:
        for handle in handles:
            handle.remove()
    values = empty(adapter)
    for acts, row in zip(kept, codes, strict=True):
        for layer, x in enumerate(acts):
            add(values, layer, x, row)
    return values


def by_nnsight(adapter: ModelAdapter) -> dict[str, Contender]:
    """Two ways with nnsight on a copy of the model, as it changes the modules that it wraps.

    ``nnsight_cached`` keeps activations with ``tracer.cache`` and reduces them after each batch;
    ``nnsight_reduced`` reduces them within the trace, which is its best. Empty if it is not
    installed.
    """
    if find_spec("nnsight") is None:
        return {}
    import nnsight

    model: Any = nnsight.NNsight(copy.deepcopy(adapter.model.model))
    wrapped = list(model.language_model.layers)
    image = adapter.model.config.image_token_id

    def cache(adapter: ModelAdapter, batches: Iterable[Batch]) -> Values:
        values = empty(adapter)
        chosen = [layer.mlp.act_fn for layer in wrapped]
        with torch.inference_mode():
            for batch in batches:
                with model.trace(**batch, use_cache=False) as tracer:
                    found = tracer.cache(modules=chosen)
                codes = codes_of(batch, image)
                for layer, key in enumerate(list(found.keys())):
                    add(values, layer, found[key].output, codes)
        return values

    def reduced(adapter: ModelAdapter, batches: Iterable[Batch]) -> Values:
        values = empty(adapter)
        with torch.inference_mode():
            for batch in batches:
                codes = codes_of(batch, image)
                with model.trace(**batch, use_cache=False):
                    for layer, block in enumerate(wrapped):
                        add(values, layer, block.mlp.act_fn.output, codes)
        return values

    return {"nnsight_cached": cache, "nnsight_reduced": reduced}


def contenders(adapter: ModelAdapter) -> dict[str, Contender]:
    """All of them by name."""
    found: dict[str, Contender] = {
        "simlearn": simlearn,
        "bare": bare,
        "with_logits": with_logits,
        "cached": cached,
    }
    return {**found, **by_nnsight(adapter)}


def empty(adapter: ModelAdapter) -> Values:
    """Values of no token."""
    shape = (len(MODALITIES), *adapter.shape)
    dtype = adapter.model.dtype
    return {
        "n": torch.zeros(shape[:2], dtype=torch.int64),
        "pos": torch.zeros(shape, dtype=torch.int64),
        "sum": torch.zeros(shape, dtype=torch.float64),
        "max": torch.full(shape, -torch.inf, dtype=dtype),
    }


def add(values: Values, layer: int, x: Tensor, codes: Tensor) -> None:
    """Take in ``(B, T, N)`` activations of a layer, a modality's tokens picked by a mask."""
    for m in range(len(MODALITIES)):
        chosen = x[codes == m + 1]
        if len(chosen):
            values["n"][m, layer] += len(chosen)
            values["pos"][m, layer] += (chosen > 0).sum(0)
            values["sum"][m, layer] += chosen.sum(0, dtype=torch.float64)
            values["max"][m, layer] = torch.maximum(values["max"][m, layer], chosen.amax(0))


def largest_difference(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> float:
    """Of sums and maxima, relative to the largest of a modality and layer.

    Raises:
        ValueError: counts are not equal, or the difference is above the tolerance.
    """
    for name in ("n", "pos"):
        if not torch.equal(found[name], wanted[name]):
            raise ValueError(f"counts {name!r} differ")
    if not int(wanted["n"].sum()):
        raise ValueError("no token was counted")
    worst = max(relative(found[name], wanted[name]) for name in ("sum", "max"))
    if not worst <= TOLERANCE:
        raise ValueError(f"sums or maxima differ by {worst:.3g}, allowed {TOLERANCE:g}")
    return worst


def relative(found: Tensor, wanted: Tensor) -> float:
    """Largest difference along the last axis in units of the largest value there.

    Values that are infinite in both do not differ.
    """
    found, wanted = found.double(), wanted.double()
    gap = torch.where(found == wanted, 0.0, (found - wanted).abs())
    scale = wanted.abs().amax(-1, keepdim=True)
    return (gap / scale.clamp(min=torch.finfo(torch.float64).tiny)).max().item()
