"""Switch neurons off while a model runs: their activation is overwritten, everywhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn

from simlearn.analysis.adapter import ModelAdapter
from simlearn.analysis.errors import AnalysisError

if TYPE_CHECKING:
    from simlearn.analysis.sites import Site


def overwrite(x: Tensor, columns: Tensor, value: float | Literal["min"] = 0.0) -> Tensor:
    """A copy of ``x`` in which some columns are ``value``.

    Args:
        x: ``(..., N)`` activations.
        columns: ``(k,)`` int64 in [0, N), on the device of ``x``.
        value: a number, or "min" for the smallest entry of the whole of ``x`` (MINER's -1).

    Returns:
        ``(..., N)`` of the dtype of ``x``, which is left as it is.
    """
    return x.index_fill(-1, columns, x.min() if value == "min" else value)


def columns_by_layer(adapter: ModelAdapter, neurons: Mapping[str, Any]) -> dict[int, Tensor]:
    """The union of all groups, as the columns of each layer that has any.

    Args:
        adapter: of the model that they are to be changed in.
        neurons: ``{group: (n, 2)}`` of (layer, neuron), such as a ``NeuronSet``.

    Returns:
        ``{layer: (k,)}`` sorted, unique int64 on the CPU.

    Raises:
        AnalysisError: neurons of another model, of another shape, out of range, or not whole
            numbers in two columns.
    """
    layers, width = adapter.shape
    model = getattr(neurons, "model", "")
    if model and model != adapter.fingerprint:
        raise AnalysisError(
            f"these neurons are of model {model}, this model is {adapter.fingerprint}: "
            "mine them again on this model, or load the model that they were mined on"
        )
    shape = getattr(neurons, "shape", None)
    if shape is not None and tuple(shape) != (layers, width):
        raise AnalysisError(
            f"these neurons are of a model of {shape[0]} layers of {shape[1]} neurons, this one "
            f"has {layers} layers of {width}: mine them again on this model"
        )
    flat = [torch.zeros(0, dtype=torch.int64)]
    for group, pairs in neurons.items():
        rows = torch.as_tensor(pairs)
        if rows.numel() == 0:
            continue
        if rows.ndim != 2 or rows.shape[1] != 2 or rows.is_floating_point():
            raise AnalysisError(
                f"neurons of group {group!r} must be whole numbers (n, 2) of (layer, neuron), "
                f"found {rows.dtype} {tuple(rows.shape)}"
            )
        rows = rows.cpu().long()
        outside = ((rows < 0) | (rows >= torch.tensor([layers, width]))).any(dim=1)
        if bool(outside.any()):
            layer, neuron = rows[outside][0].tolist()
            raise AnalysisError(
                f"neuron ({layer}, {neuron}) of group {group!r} is not in this model, whose "
                f"layers are 0 to {layers - 1} and neurons 0 to {width - 1}"
            )
        flat.append(rows[:, 0] * width + rows[:, 1])
    every = torch.cat(flat).unique()
    counts = torch.bincount(every // width, minlength=layers).tolist()
    parts = (every % width).split(counts)
    return {layer: columns for layer, columns in enumerate(parts) if len(columns)}


class _Overwriter:
    """The hook of one layer; counts how often it ran."""

    def __init__(self, columns: Tensor, value: float | Literal["min"]) -> None:
        self.columns, self.value, self.calls = columns, value, 0

    def _changed(self, x: Tensor) -> Tensor:
        """``x`` with the columns overwritten."""
        self.calls += 1
        if self.columns.device != x.device:
            self.columns = self.columns.to(x.device)
        return overwrite(x, self.columns, self.value)

    def after(self, module: nn.Module, args: Any, output: Tensor) -> Tensor:
        """Forward hook on the activation function."""
        return self._changed(output)

    def before(self, module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Pre-hook on the layer that takes the activation."""
        return (self._changed(args[0]), *args[1:])


@contextmanager
def deactivate(
    model: ModelAdapter | nn.Module,
    neurons: Mapping[str, Any],
    value: float | Literal["min"] = 0.0,
) -> Iterator[None]:
    """Run a model with neurons switched off, at all positions and all steps (MINER, 2410.04819).

    The activation function's output of the chosen neurons is overwritten, before its product with
    ``up_proj``, for tokens of every modality, in the prefill and in every decoding step. Contexts
    may be nested. Weights are not touched and all hooks are gone afterwards, whatever happens.

    Args:
        model: an adapter, or the model of transformers.
        neurons: ``{group: (n, 2)}`` of (layer, neuron), such as a ``NeuronSet``; the union of its
            groups is switched off. None at all leaves the logits equal bit for bit.
        value: what they are set to; "min" is the smallest activation of that layer in that call
            (MINER's -1), over the whole batch, so it depends on which rows are run together.

    Raises:
        AnalysisError: on entry, a neuron that is not there, neurons of another model, or a
            compiled module; on exit, a layer whose activation function was never called although
            the model ran, as with a fused kernel: then nothing was switched off there.
    """
    adapter = uncompiled(model)
    if value != "min" and not isinstance(value, (int, float)):
        raise ValueError(f'value is {value!r}: must be a number or "min"')
    columns = columns_by_layer(adapter, neurons)
    sites = adapter.sites("text", "act")
    hooks = {layer: _Overwriter(chosen, value) for layer, chosen in columns.items()}
    passes = [0]

    def count(*_: Any) -> None:
        """One more pass of the decoder is complete."""
        passes[0] += 1

    with ExitStack() as stack:
        for layer, hook in hooks.items():
            stack.callback(_attach(sites[layer], hook).remove)
        if hooks:
            stack.callback(adapter.decoder.register_forward_hook(count).remove)
        yield
    for layer, hook in hooks.items():
        if hook.calls < passes[0]:
            raise AnalysisError(
                f"layer {layer} ({sites[layer].path}) was switched off in {hook.calls} of "
                f"{passes[0]} passes: its activation function is not called, as with a fused or "
                "compiled kernel. Load the model without kernels, or use `folded`"
            )


def _attach(site: Site, hook: _Overwriter) -> Any:
    """Hang a hook on a site and return its handle."""
    if site.io == "output":
        return site.module.register_forward_hook(hook.after)
    return site.module.register_forward_pre_hook(hook.before)


def uncompiled(model: ModelAdapter | nn.Module) -> ModelAdapter:
    """The adapter of a model in which every hook is obeyed.

    Raises:
        AnalysisError: the model or one of its modules is compiled.
    """
    inner = model.model if isinstance(model, ModelAdapter) else model
    for path, module in inner.named_modules():
        if hasattr(module, "_orig_mod") or getattr(module, "_compiled_call_impl", None) is not None:
            raise AnalysisError(
                f"{path or type(inner).__name__} is compiled, and hooks may be left out of "
                "compiled code: use `folded` (value 0 only), or the model before torch.compile"
            )
    return model if isinstance(model, ModelAdapter) else ModelAdapter(model)
