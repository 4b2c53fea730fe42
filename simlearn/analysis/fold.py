"""Switch neurons off in the weights: no hook, so compiled models obey too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from simlearn.analysis.adapter import ModelAdapter
from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.intervene import columns_by_layer

if TYPE_CHECKING:
    from simlearn.analysis.sites import Site

PLAIN = (torch.float64, torch.float32, torch.bfloat16, torch.float16)
"""Weights of these types can be set to zero and put back bit for bit."""


@contextmanager
def folded(
    model: ModelAdapter | nn.Module, neurons: Mapping[str, Any], value: float = 0.0
) -> Iterator[None]:
    """Run a model whose ``down_proj`` columns of the neurons are zero meanwhile.

    The same as ``deactivate`` with value 0 up to rounding, at no cost per token, and it also
    works on a compiled model, whose code reads the weights anew. The weights are put back bit for
    bit, whatever happens. Contexts may be nested; the inner one must end first.

    Args:
        model: an adapter, the model of transformers, or that model compiled.
        neurons: as for ``deactivate``.
        value: must be 0; anything else cannot be written into the weights.

    Raises:
        AnalysisError: a value other than 0, as for ``deactivate`` on entry, or weights that cannot
            be changed: quantised, wrapped by an adapter (LoRA) or moved off the device.
    """
    if value != 0:
        raise AnalysisError(
            f"value {value!r} cannot be folded into weights, only 0 can: use `deactivate`"
        )
    if isinstance(model, ModelAdapter):
        adapter = model
    else:
        adapter = ModelAdapter(getattr(model, "_orig_mod", model))
    columns = columns_by_layer(adapter, neurons)
    sites = adapter.sites("text", "product") if columns else []
    weights = {layer: down_weight(sites[layer]) for layer in columns}
    with ExitStack() as stack:
        for layer, chosen in columns.items():
            weight, where = weights[layer], chosen.to(weights[layer].device)
            with torch.no_grad():
                saved = weight[:, where]  # indexing copies
                stack.callback(put_back, weight, where, saved)
                weight.index_fill_(1, where, 0.0)
        yield


def put_back(weight: Tensor, columns: Tensor, saved: Tensor) -> None:
    """Write ``saved`` ``(d, k)`` into ``columns`` ``(k,)`` of ``weight`` ``(d, N)``, in place."""
    with torch.no_grad():
        weight.index_copy_(1, columns, saved)


def down_weight(site: Site) -> nn.Parameter:
    """``(d, N)`` weight of the linear layer that takes the neurons of a layer.

    Args:
        site: of kind "product".

    Raises:
        AnalysisError: its columns cannot be set to zero and put back.
    """
    weight = getattr(site.module, "weight", None)
    plain = (
        isinstance(site.module, nn.Linear)
        and isinstance(weight, nn.Parameter)
        and weight.dtype in PLAIN
        and not weight.is_meta
        and weight.shape == (weight.shape[0], site.width)
    )
    if site.io != "input" or not plain or not isinstance(weight, nn.Parameter):
        kind = "none" if weight is None else f"{weight.dtype} on {weight.device}"
        raise AnalysisError(
            f"{site.path} is a {type(site.module).__name__} with weight {kind}, not a plain Linear "
            "whose columns can be set to zero and put back: use `deactivate`, which leaves weights "
            "alone"
        )
    return weight
