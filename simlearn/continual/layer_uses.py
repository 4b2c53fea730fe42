"""Where a forward pass uses its layers, and whether a parameter is used anywhere else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import GradientEdge, get_gradient_edge

from simlearn.continual.layer_gradients import fits


@dataclass(frozen=True)
class LayerUse:
    """One call of a layer.

    Attributes:
        layer: with rules for the gradients of its parameters.
        x: ``(B, ...)`` its input, detached.
        output: edge of the graph whose gradient is that of the layer's output, also where the
            output is changed in place afterwards.
    """

    layer: nn.Module
    x: Tensor
    output: GradientEdge

    def parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        """Name and value of the layer's parameters that are trained."""
        for name, parameter in self.layer.named_parameters(recurse=False):
            if parameter.requires_grad:
                yield name, parameter


@contextmanager
def recorded_uses(model: nn.Module, rows: int) -> Iterator[list[LayerUse]]:
    """Record the calls of known layers with batches of ``rows`` samples; leave no hook behind.

    Args:
        model: its modules are watched.
        rows: samples in the batch.

    Yields:
        A list that grows with every call.
    """
    uses: list[LayerUse] = []

    def record(layer: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        if not args or not isinstance(output, Tensor) or output.grad_fn is None:
            return
        if fits(layer, args[0], rows):
            uses.append(LayerUse(layer, args[0].detach(), get_gradient_edge(output)))

    trained = [m for m in model.modules() if any(p.requires_grad for p in m.parameters(False))]
    handles = [m.register_forward_hook(record, prepend=True) for m in trained]
    try:
        yield uses
    finally:
        for handle in handles:
            handle.remove()


def times_used(output: Tensor) -> Counter[int]:
    """How many places of the graph behind ``output`` use a parameter, by the parameter's id."""
    found: Counter[int] = Counter()
    waiting, known = [output.grad_fn], {output.grad_fn}
    while waiting:
        node = waiting.pop()
        for following, _ in node.next_functions if node is not None else ():
            if following is None:
                continue
            leaf = getattr(following, "variable", None)
            if leaf is not None:
                found[id(leaf)] += 1
            elif following not in known:
                known.add(following)
                waiting.append(following)
    return found


def used_by_layers_only(
    uses: Sequence[LayerUse], grads: Sequence[Tensor | None], output: Tensor
) -> set[int]:
    """Ids of the parameters all of whose uses behind ``output`` are among ``uses``.

    A weight that is shared with a layer of another kind, or read by the model itself, has more
    places in the graph than recorded calls.

    Args:
        uses: recorded calls.
        grads: gradient at each of them, ``None`` where ``output`` does not depend on the call.
        output: what the gradients are of.
    """
    places = times_used(output)
    calls = Counter(
        id(parameter)
        for use, grad in zip(uses, grads, strict=True)
        if grad is not None
        for _, parameter in use.parameters()
    )
    seen = {id(parameter) for use in uses for _, parameter in use.parameters()}
    return {key for key in seen if places[key] == calls[key]}


def gradients_at(
    output: Tensor, uses: Sequence[LayerUse], *, keep_graph: bool
) -> list[Tensor | None]:
    """Gradient of the scalar ``output`` at each call; no parameter gets one.

    Args:
        output: a scalar with a graph.
        uses: recorded calls.
        keep_graph: there will be another backward pass.
    """
    if not uses:
        return []
    edges = [use.output for use in uses]
    grads = torch.autograd.grad(output, edges, retain_graph=keep_graph, allow_unused=True)
    return list(grads)
