"""Plain layers against ``nn.Linear`` and loops."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn

from simlearn.generators.layers import feed_forward, linear_layers
from tests.generators.clouds import seeded


@pytest.mark.parametrize("sizes", [(4, 2), (4, 5, 3), (3, 6, 6, 2)])
def test_equals_a_stack_of_modules(sizes):
    layers = linear_layers(sizes, seeded(), torch.zeros(1))
    stack = []
    for weight, bias in layers:
        linear = nn.Linear(weight.shape[1], weight.shape[0])
        linear.load_state_dict({"weight": weight, "bias": bias})
        stack += [linear, nn.ReLU()]
    x = torch.randn(7, sizes[0], generator=seeded(1))
    assert [(w.shape[1], w.shape[0]) for w, _ in layers] == list(itertools.pairwise(sizes))
    assert torch.allclose(feed_forward(x, layers), nn.Sequential(*stack[:-1])(x), atol=1e-6)


def test_values_are_drawn_as_linear_layers_draw_them():
    ((weight, bias),) = linear_layers((100, 300), seeded(), torch.zeros(1, dtype=torch.float64))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        linear = nn.Linear(100, 300).requires_grad_(False)
    assert weight.dtype == torch.float64
    assert float(weight.abs().max()) <= 0.1 and float(bias.abs().max()) <= 0.1
    assert float(weight.std()) == pytest.approx(float(linear.weight.std()), rel=0.02)
    assert float(bias.std()) == pytest.approx(float(linear.bias.std()), rel=0.15)


def test_the_generator_decides():
    one, two, other = (linear_layers((3, 4), seeded(s), torch.zeros(1))[0][0] for s in (0, 0, 1))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
