"""Sums of powers of per-sample gradients by running the model, against plain loops."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from simlearn.continual import model_gradients
from simlearn.continual.model_gradients import power_sums


class Branching(nn.Module):
    """Control flow that depends on values, which vmap refuses."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor([2.0, 3.0]))

    def forward(self, x):
        return x * self.scale if float(x.sum()) > 0 else -x


class Gate(nn.Module):
    """A parameter of a kind that no rule knows."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor([2.0, 3.0]))

    def forward(self, x):
        return x * self.scale


def summed(output, y):
    return output.sum(1) * (y + 1)


@pytest.mark.parametrize("make", [Gate, Branching])
@pytest.mark.parametrize("power, wanted", [(1, [5.0, 7.0]), (2, [17.0, 29.0])])
def test_by_hand(make, power, wanted):
    """Gradients of scale, x (y + 1) factor: (1, 2), (-4, 5), and none from a row of zeros."""
    x = torch.tensor([[1.0, 2.0], [-4.0, 5.0], [0.0, 0.0]])
    y, factor = torch.tensor([0, 1, 0]), torch.tensor([1.0, 0.5, 1.0])
    net = make()
    found = power_sums(net, summed, x, y, factor, dict(net.named_parameters()), power)
    assert found["scale"].tolist() == wanted


def test_nothing_asked():
    assert power_sums(Gate(), summed, torch.ones(1, 2), torch.zeros(1), torch.ones(1), {}, 2) == {}


def test_chunks(monkeypatch):
    net, x, y = Gate(), torch.randn(7, 2), torch.arange(7)
    parameters = dict(net.named_parameters())
    whole = power_sums(net, summed, x, y, torch.ones(7), parameters, 2)
    monkeypatch.setattr(model_gradients, "CHUNK", 4)
    parts = power_sums(net, summed, x, y, torch.ones(7), parameters, 2)
    torch.testing.assert_close(parts["scale"], whole["scale"])
    torch.testing.assert_close(whole["scale"], (x * (y + 1)[:, None]).square().sum(0))


def test_a_true_error_is_raised():
    def wrong(output, y):
        return output @ torch.ones(5)

    with pytest.raises(RuntimeError, match="size mismatch|shape"):
        net = Gate()
        x, y = torch.ones(2, 2), torch.zeros(2)
        power_sums(net, wrong, x, y, torch.ones(2), dict(net.named_parameters()), 2)
