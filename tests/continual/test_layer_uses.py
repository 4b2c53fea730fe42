"""Which calls of layers are recorded, and which parameters they account for."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from simlearn.continual.layer_uses import (
    gradients_at,
    recorded_uses,
    times_used,
    used_by_layers_only,
)


class Net(nn.Module):
    """One layer used twice, one once, one whose weight is also read directly, one in vain."""

    def __init__(self):
        super().__init__()
        self.twice, self.once = nn.Linear(3, 3), nn.Linear(3, 3)
        self.read, self.idle = nn.Linear(3, 3), nn.Linear(3, 3)

    def forward(self, x):
        self.idle(x)
        h = self.once(self.twice(self.twice(x)))
        return self.read(h) + F.linear(h, self.read.weight)


def run(net, x):
    with recorded_uses(net, len(x)) as uses:
        total = net(x).sum()
    return uses, total


def names(net, keys):
    return {name for name, p in net.named_parameters() if id(p) in keys}


def test_counts_and_accounts():
    net, x = Net(), torch.randn(2, 3)
    uses, total = run(net, x)
    assert [use.layer for use in uses] == [net.idle, net.twice, net.twice, net.once, net.read]
    places = times_used(total)
    wanted = {"twice.weight": 2, "once.weight": 1, "read.weight": 2, "read.bias": 1}
    assert {name: places[id(net.get_parameter(name))] for name in wanted} == wanted
    assert places[id(net.idle.weight)] == 0
    grads = gradients_at(total, uses, keep_graph=False)
    assert grads[0] is None and all(g is not None for g in grads[1:])
    known = names(net, used_by_layers_only(uses, grads, total))
    assert known == set(dict(net.named_parameters())) - {"read.weight"}


def test_gradients_are_those_of_the_outputs_and_reach_no_parameter():
    net, x = (
        nn.Sequential(nn.Linear(3, 2), nn.ReLU(inplace=True), nn.Linear(2, 1)),
        torch.ones(2, 3),
    )
    uses, total = run(net, x)
    first, last = gradients_at(total, uses, keep_graph=False)
    before = F.linear(x, net[0].weight, net[0].bias).detach()
    torch.testing.assert_close(first, net[2].weight.detach() * (before > 0))
    torch.testing.assert_close(last, torch.ones(2, 1))
    assert all(p.grad is None for p in net.parameters())
    assert gradients_at(total, [], keep_graph=False) == []


def test_frozen_layers_and_other_numbers_of_rows_are_not_recorded():
    net = nn.Sequential(nn.Linear(3, 3), nn.Unflatten(1, (3, 1)), nn.Flatten(0, 1), nn.Linear(1, 1))
    uses, _ = run(net, torch.ones(2, 3))
    assert [use.layer for use in uses] == [net[0]]
    net[0].bias.requires_grad_(False)
    (use,) = run(net, torch.ones(2, 3))[0]
    assert [name for name, _ in use.parameters()] == ["weight"]
    net[0].requires_grad_(False)
    assert run(net, torch.ones(2, 3))[0] == []
    assert all(not module._forward_hooks for module in net.modules())
