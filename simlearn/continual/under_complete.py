"""Under-complete autoencoder: what of a network's features a task needs, as a short code."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

Encoder = dict[str, Tensor]
"""``weight (C, dim)``, ``bias (C,)``, and ``mean`` and ``scale (dim,)`` of the features."""


def encode(f: Tensor, encoder: Encoder) -> Tensor:
    """Code ``sigmoid(W (f - mean) / scale + b)``, ``(B, C)`` float32, of features ``(B, dim)``.

    One linear layer and a sigmoid on standardised features, as in Rannen Triki et al. (2017).
    """
    part = {name: value.to(f.device) for name, value in encoder.items()}
    with torch.autocast(f.device.type, enabled=False):
        standard = (f.float() - part["mean"]) / part["scale"]
        return F.linear(standard, part["weight"], part["bias"]).sigmoid()


def code_size(code: int, dim: int) -> int:
    """``code``, but at most half of ``dim``, so that it is under-complete; at least 1."""
    return max(1, min(code, dim // 2))


def fit_encoder(
    f: Tensor,
    y: Tensor,
    task_loss: Callable[[Tensor, Tensor, int], Tensor],
    *,
    code: int,
    steps: int,
    batch: int,
    reconstruction: float,
    generator: torch.Generator,
    lr: float = 1e-3,
) -> Encoder:
    """Learn a code from which the task can still be done; the decoder is thrown away.

    Minimises ``task_loss(r(f), y) + reconstruction * mean ||r(f) - f||^2`` by Adam, where r is the
    encoder followed by one linear layer and the mean runs over the standardised values (Rannen
    Triki et al. 2017, whose task loss is the cross-entropy). The rows of a batch are drawn without
    replacement. The weights start uniform in +-1/sqrt(inputs).

    Args:
        f: ``(N, dim)`` features of the finished network, N at least 1.
        y: ``(N,)`` labels.
        task_loss: ``(r(f), y, step) -> ()``, of the features as the network would give them.
        code: C.
        steps: of Adam; 0 leaves the first weights.
        batch: rows of a step; all where there are fewer.
        reconstruction: weight of the second term.
        generator: draws weights and batches.
        lr: of Adam.

    Returns:
        The encoder, float32 on the device of ``f``.

    Raises:
        ValueError: no features.
    """
    if not len(f):
        raise ValueError("there are no features to learn a code from")
    f = f.detach().float()
    mean = f.mean(dim=0)
    scale = f.std(dim=0, correction=0)
    scale = torch.where(scale > 1e-6, scale, 1)  # a feature that never changes
    shapes = {"weight": (code, f.shape[1]), "bias": (code,)}
    encoder = {**_uniform(shapes, f.shape[1], f, generator), "mean": mean, "scale": scale}
    decoder = _uniform({"weight": (f.shape[1], code), "bias": (f.shape[1],)}, code, f, generator)
    learnt = [part[name] for part in (encoder, decoder) for name in shapes]
    optimizer = torch.optim.Adam([values.requires_grad_() for values in learnt], lr=lr)
    for step in range(steps):
        rows = torch.randperm(len(f), generator=generator)[:batch].to(f.device)
        wanted = (f[rows] - mean) / scale
        with torch.enable_grad():
            found = F.linear(encode(f[rows], encoder), decoder["weight"], decoder["bias"])
            value = task_loss(found * scale + mean, y[rows], step)
            value = value + reconstruction * F.mse_loss(found, wanted)
        gradients = torch.autograd.grad(value, learnt)
        for values, gradient in zip(learnt, gradients, strict=True):
            values.grad = gradient
        optimizer.step()
    return {name: values.detach() for name, values in encoder.items()}


def _uniform(
    shapes: dict[str, tuple[int, ...]], inputs: int, like: Tensor, generator: torch.Generator
) -> Encoder:
    """Values in +-1/sqrt(inputs) on the device of ``like``."""
    bound = inputs**-0.5
    return {
        name: torch.empty(shape).uniform_(-bound, bound, generator=generator).to(like.device)
        for name, shape in shapes.items()
    }
