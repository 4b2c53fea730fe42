"""Sums of powers over the samples of layers' gradients, against all per-sample gradients."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from simlearn.continual.layer_sums import LayerSums
from simlearn.continual.layer_uses import gradients_at, recorded_uses


class Net(nn.Module):
    """A layer used once, one used twice, one on a sequence."""

    def __init__(self):
        super().__init__()
        self.once, self.twice, self.rows = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(2, 2)

    def forward(self, x):
        h = torch.tanh(self.twice(torch.tanh(self.twice(torch.tanh(self.once(x))))))
        return self.rows(h.view(-1, 2, 2)).sum((1, 2))


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("chunk", [1, 2**20])
def test_several_losses_add_up(power, chunk, monkeypatch):
    monkeypatch.setattr("simlearn.continual.layer_sums.CHUNK", chunk)
    torch.manual_seed(0)
    net, x = Net().double(), torch.randn(5, 4).double()
    scales = torch.rand(3, 5).double()
    with recorded_uses(net, 5) as uses:
        out = net(x)
    sums = LayerSums(uses, {id(p) for p in net.parameters()}, power)
    for scale in scales:
        sums.add(gradients_at((out * scale).sum(), uses, keep_graph=True))
    found = sums.total()
    for name, p in net.named_parameters():
        wanted = torch.zeros_like(p)
        for i in range(5):
            (g,) = torch.autograd.grad(net(x[i : i + 1]).sum(), p)
            for scale in scales:
                wanted += (scale[i] * g).abs() ** power
        torch.testing.assert_close(found[id(p)], wanted, rtol=1e-9, atol=1e-12, msg=name)


def test_only_the_wanted_parameters_and_none_without_a_gradient():
    net = Net()
    with recorded_uses(net, 2) as uses:
        net(torch.ones(2, 4))
    sums = LayerSums(uses, {id(net.once.bias)}, 2)
    sums.add([None] * len(uses))
    assert sums.total() == {}
    sums.add([torch.full((2, use.layer.out_features), 3.0) for use in uses])
    assert list(sums.total()) == [id(net.once.bias)]
    assert sums.total()[id(net.once.bias)].tolist() == [18.0] * 4
