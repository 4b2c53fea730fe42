"""Small fully connected networks as plain tensors."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from simlearn.generators.draws import uniform

Layers = list[tuple[Tensor, Tensor]]
"""Weight ``(out, in)`` and bias ``(out,)`` of every layer."""


def linear_layers(sizes: Sequence[int], generator: torch.Generator, like: Tensor) -> Layers:
    """Layers between ``sizes``, drawn as ``nn.Linear`` does: uniform in +-1/sqrt(inputs).

    Args:
        sizes: inputs, hidden sizes and outputs; two or more.
        generator: source of the values.
        like: gives type and device.
    """
    layers = []
    for inputs, outputs in itertools.pairwise(sizes):
        drawn = uniform(outputs, inputs + 1, inputs**-0.5, generator).to(like)
        layers.append((drawn[:, :-1].contiguous(), drawn[:, -1].contiguous()))
    return layers


def feed_forward(x: Tensor, layers: Layers) -> Tensor:
    """``(B, out)`` of ``(B, in)``, with a ReLU between two layers."""
    for k, (weight, bias) in enumerate(layers):
        x = F.linear(F.relu(x) if k else x, weight, bias)
    return x
