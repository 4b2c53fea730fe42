"""Per-sample gradients of any parameters, by running the whole model for every sample."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

SampleLoss = Callable[[Tensor, Tensor], Tensor]
"""``(output (B, ...), y (B,)) -> (B,)`` losses."""

CHUNK = 2**23
"""Numbers that the per-sample gradients of a chunk of samples may take together."""


def power_sums(
    model: nn.Module,
    loss_fn: SampleLoss,
    x: Tensor,
    y: Tensor,
    factor: Tensor,
    parameters: Mapping[str, nn.Parameter],
    power: int,
) -> dict[str, Tensor]:
    """Sum over the samples of ``|gradient| ** power`` of each of ``parameters``, in its shape.

    Samples are taken together by ``torch.func.vmap``, as many as :data:`CHUNK` allows; a model
    that it cannot transform (a custom backward pass, control flow that depends on values) is run
    for one sample after the other.

    Args:
        model: in eval mode.
        loss_fn: per-sample losses.
        x: ``(B, ...)`` inputs.
        y: ``(B,)`` labels.
        factor: ``(B,)`` by which each sample's loss is multiplied.
        parameters: by their name in the model.
        power: 1 or 2.
    """
    if not parameters:
        return {}
    try:
        return _by_vmap(model, loss_fn, x, y, factor, parameters, power)
    except RuntimeError:  # the samples one by one need no transform, and repeat a true error
        return _one_by_one(model, loss_fn, x, y, factor, parameters, power)


def _by_vmap(
    model: nn.Module,
    loss_fn: SampleLoss,
    x: Tensor,
    y: Tensor,
    factor: Tensor,
    parameters: Mapping[str, nn.Parameter],
    power: int,
) -> dict[str, Tensor]:
    values = {name: p.detach() for name, p in parameters.items()}

    def loss(values: dict[str, Tensor], x: Tensor, y: Tensor, factor: Tensor) -> Tensor:
        output = functional_call(model, values, (x[None],))
        return (loss_fn(output, y[None]) * factor).sum()

    gradients = vmap(grad(loss), in_dims=(None, 0, 0, 0))
    sums = {name: torch.zeros_like(p) for name, p in values.items()}
    size = max(1, CHUNK // sum(p.numel() for p in values.values()))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "There is a performance drop", UserWarning)
        for low in range(0, len(x), size):
            part = slice(low, low + size)
            for name, g in gradients(values, x[part], y[part], factor[part]).items():
                sums[name] += g.abs().pow_(power).sum(0)
    return sums


def _one_by_one(
    model: nn.Module,
    loss_fn: SampleLoss,
    x: Tensor,
    y: Tensor,
    factor: Tensor,
    parameters: Mapping[str, nn.Parameter],
    power: int,
) -> dict[str, Tensor]:
    sums = {name: torch.zeros_like(p) for name, p in parameters.items()}
    for row in range(len(x)):
        part = slice(row, row + 1)
        loss = (loss_fn(model(x[part]), y[part]) * factor[part]).sum()
        if not loss.requires_grad:
            continue
        found = torch.autograd.grad(loss, list(parameters.values()), allow_unused=True)
        for name, g in zip(parameters, found, strict=True):
            if g is not None:
                sums[name] += g.abs().pow_(power)
    return sums
