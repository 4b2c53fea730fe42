"""Per-sample gradients of single layers against autograd, one sample at a time."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from simlearn.continual.layer_gradients import WEIGHT_RULES, fits, sample_gradients

LAYERS = {
    "linear": (nn.Linear(4, 3), (4,)),
    "linear on a sequence": (nn.Linear(4, 3), (5, 4)),
    "linear on a map": (nn.Linear(4, 3), (2, 3, 4)),
    "conv1d": (nn.Conv1d(2, 3, 3, stride=2, padding=1), (2, 7)),
    "conv1d, dilated": (nn.Conv1d(2, 4, 2, dilation=3, groups=2), (2, 8)),
    "conv2d": (nn.Conv2d(2, 3, 3, padding=1), (2, 5, 4)),
    "conv2d, strided": (nn.Conv2d(4, 6, (3, 2), (2, 3), (1, 0), (1, 2), groups=2), (4, 6, 7)),
    "conv2d, depthwise": (nn.Conv2d(3, 3, 3, groups=3), (3, 5, 5)),
    "conv3d": (nn.Conv3d(2, 3, (2, 3, 1), (1, 2, 1), (1, 1, 0)), (2, 3, 5, 2)),
    "batch norm": (nn.BatchNorm1d(3), (3,)),
    "batch norm on a map": (nn.BatchNorm2d(3), (3, 2, 4)),
    "batch norm on a clip": (nn.BatchNorm3d(3), (3, 2, 2, 2)),
    "group norm": (nn.GroupNorm(2, 4), (4, 3, 2)),
    "layer norm": (nn.LayerNorm((3, 2)), (4, 3, 2)),
    "layer norm on rows": (nn.LayerNorm(5), (5,)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_equals_autograd_for_every_sample(name):
    g = torch.Generator().manual_seed(0)
    layer, shape = LAYERS[name]
    layer = layer.double().eval()
    for tensor in layer.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand(tensor.shape, generator=g, dtype=torch.float64) + 0.1)
    x = torch.randn(3, *shape, generator=g, dtype=torch.float64)
    assert fits(layer, x, 3)
    back = torch.randn(layer(x).shape, generator=g, dtype=torch.float64)
    for which in ("weight", "bias"):
        wanted = [
            torch.autograd.grad((layer(x[i : i + 1]) * back[i]).sum(), getattr(layer, which))[0]
            for i in range(3)
        ]
        found = sample_gradients(layer, which, x, back)
        torch.testing.assert_close(found, torch.stack(wanted), rtol=1e-10, atol=1e-12)


def test_every_rule_is_tried():
    assert {type(layer) for layer, _ in LAYERS.values()} == set(WEIGHT_RULES)


def test_what_does_not_fit():
    class Twice(nn.Linear):
        def forward(self, x):
            return super().forward(x) * 2

    x = torch.zeros(3, 4)
    assert fits(nn.Linear(4, 2), x, 3) and not fits(nn.Linear(4, 2), x, 6)
    assert not fits(Twice(4, 2), x, 3) and not fits(nn.PReLU(), x, 3)
    assert not fits(nn.Linear(4, 2), x[0], 4)
    assert not fits(nn.Conv1d(3, 2, 1), x, 3) and fits(nn.Conv1d(3, 2, 1), x[None], 1)
    assert not fits(nn.Conv1d(3, 2, 3, padding=1, padding_mode="circular"), x[None], 1)
    assert not fits(nn.Conv1d(3, 2, 3, padding="same"), x[None], 1)
    assert not fits(nn.LayerNorm((3, 4)), x, 3) and fits(nn.LayerNorm(4), x, 3)
