"""Gradients of a layer's own weight and bias, one per sample, from what went in and what came back.

A sample's gradient of a weight is a product of the sample's input and of the gradient of its
output, summed over the places where the weight is used; no backward pass per sample is needed.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Rule = Callable[[Any, Tensor, Tensor], Tensor]
Convolution = nn.Conv1d | nn.Conv2d | nn.Conv3d


def sample_gradients(layer: nn.Module, name: str, x: Tensor, g: Tensor) -> Tensor:
    """``(B, *shape)`` gradients of a parameter, one for each of B samples.

    Args:
        layer: of a type that :func:`fits` accepts.
        name: "weight" or "bias".
        x: ``(B, ...)`` the layer's input.
        g: ``(B, ...)`` gradient of the loss with respect to the layer's output.
    """
    if name == "weight":
        return WEIGHT_RULES[type(layer)](layer, x, g)
    if isinstance(layer, nn.Linear):
        return g.reshape(len(g), -1, layer.out_features).sum(1)
    if isinstance(layer, nn.LayerNorm):
        return g.reshape(len(g), -1, *layer.normalized_shape).sum(1)
    return g.flatten(2).sum(2) if g.ndim > 2 else g


def fits(layer: nn.Module, x: Tensor, rows: int) -> bool:
    """Whether :func:`sample_gradients` knows the layer, and x holds ``rows`` samples.

    Args:
        layer: any module.
        x: its input.
        rows: samples in the batch, which must be the first axis of x.
    """
    if type(layer) not in WEIGHT_RULES or x.ndim < 2 or len(x) != rows:
        return False
    if isinstance(layer, Convolution):
        batched = x.ndim == 2 + len(layer.kernel_size)
        return batched and layer.padding_mode == "zeros" and not isinstance(layer.padding, str)
    if isinstance(layer, nn.LayerNorm):
        return x.ndim > len(layer.normalized_shape)
    return True


def _linear(layer: Any, x: Tensor, g: Tensor) -> Tensor:
    x, g = (t.reshape(len(t), -1, t.shape[-1]) for t in (x, g))
    return torch.bmm(g.mT, x)


def _convolution(layer: Any, x: Tensor, g: Tensor) -> Tensor:
    """One matrix product per sample of the output's gradients and the patches that they saw."""
    patches = _patches(layer, x)
    B, G = len(x), layer.groups
    out = g.reshape(B * G, layer.out_channels // G, -1)
    return torch.bmm(out, patches.reshape(B * G, -1, out.shape[2]).mT).view(B, *layer.weight.shape)


def _patches(layer: Any, x: Tensor) -> Tensor:
    """``(B, C, K, L)``: for each of K places of the kernel, what it saw at L output positions."""
    x = F.pad(x, [p for side in reversed(layer.padding) for p in (side, side)])
    geometry = list(zip(x.shape[2:], layer.kernel_size, layer.dilation, layer.stride, strict=True))
    spans = [n - d * (k - 1) for n, k, d, _ in geometry]
    places = list(itertools.product(*(range(k) for _, k, _, _ in geometry)))
    sizes = [(span - 1) // s + 1 for span, (_, _, _, s) in zip(spans, geometry, strict=True)]
    patches = x.new_empty(*x.shape[:2], len(places), *sizes)
    for number, place in enumerate(places):
        window = [
            slice(at * d, at * d + span, s)
            for at, span, (_, _, d, s) in zip(place, spans, geometry, strict=True)
        ]
        patches[:, :, number] = x[(slice(None), slice(None), *window)]
    return patches.flatten(3)


def _batch_norm(layer: Any, x: Tensor, g: Tensor) -> Tensor:
    same = F.batch_norm(x, layer.running_mean, layer.running_var, eps=layer.eps)
    return (g * same).reshape(len(x), x.shape[1], -1).sum(2)


def _group_norm(layer: Any, x: Tensor, g: Tensor) -> Tensor:
    same = F.group_norm(x, layer.num_groups, eps=layer.eps)
    return (g * same).reshape(len(x), x.shape[1], -1).sum(2)


def _layer_norm(layer: Any, x: Tensor, g: Tensor) -> Tensor:
    same = F.layer_norm(x, layer.normalized_shape, eps=layer.eps)
    return (g * same).reshape(len(x), -1, *layer.normalized_shape).sum(1)


WEIGHT_RULES: dict[type[nn.Module], Rule] = {
    nn.Linear: _linear,
    nn.Conv1d: _convolution,
    nn.Conv2d: _convolution,
    nn.Conv3d: _convolution,
    nn.BatchNorm1d: _batch_norm,
    nn.BatchNorm2d: _batch_norm,
    nn.BatchNorm3d: _batch_norm,
    nn.GroupNorm: _group_norm,
    nn.LayerNorm: _layer_norm,
}
"""The layers that are known; a subclass may compute something else and is not."""
