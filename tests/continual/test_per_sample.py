"""Means of powers of per-sample gradients with weights, and the modes of a model."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from simlearn.continual.per_sample import (
    in_eval_mode,
    mean_power,
    single_target,
    without_fused_recurrence,
)


@pytest.mark.parametrize("power, wanted", [(1, (3 * 2 + 1) / 2), (2, (9 * 2 + 1) / 2)])
def test_weights_stand_outside_the_power(power, wanted):
    """d(w x)/dw = x: |-3| with weights 2 and 0, |1| with weight 1 and 0."""
    net = nn.Linear(1, 1, bias=False)
    x, y = torch.tensor([[-3.0], [1.0]]), torch.tensor([2, 1])

    def targets(output, y):
        assert not output.requires_grad
        return [(y, y.float()), (y, torch.zeros(2))]

    found = mean_power(net, lambda z, y: z[:, 0], [(x, y)], targets, power=power)
    assert found["weight"].item() == pytest.approx(wanted)


@pytest.mark.parametrize("size", [1, 3, 10])
def test_absolute_values_do_not_cancel(size):
    """The gradients of a batch cancel in its mean; the mean of their absolute values does not."""
    net = nn.Linear(1, 1, bias=False)
    x = torch.tensor([1.0, -1.0] * 5)[:, None]
    batches = list(zip(x.split(size), torch.zeros(10).split(size), strict=True))
    found = mean_power(net, lambda z, y: z[:, 0], batches, single_target, power=1)
    assert found["weight"].item() == pytest.approx(1.0)


def test_many_small_terms_are_not_lost():
    """In float32 1 and 999 times 1e-8 after it would stay 1."""
    net = nn.Linear(1, 1, bias=False)
    x = torch.tensor([1.0] + [1e-4] * 999)[:, None]
    batches = list(zip(x.split(1), torch.zeros(1000).split(1), strict=True))
    found = mean_power(net, lambda z, y: z[:, 0], batches, single_target, power=2)
    assert found["weight"].dtype == torch.float32
    assert found["weight"].item() * 1000 - 1 == pytest.approx(999e-8, rel=2e-2)


def test_modes_come_back_after_an_error():
    net = nn.Sequential(nn.Dropout(), nn.BatchNorm1d(2)).train()
    net[1].eval()
    with pytest.raises(KeyError), in_eval_mode(net):
        assert not any(part.training for part in net.modules())
        raise KeyError
    assert [part.training for part in net.modules()] == [True, True, False]


def test_recurrent_layers_go_without_cudnn():
    """CuDNN's have no backward pass in eval mode."""
    before = torch.backends.cudnn.enabled
    with without_fused_recurrence(nn.Sequential(nn.LSTM(2, 2))):
        assert not torch.backends.cudnn.enabled
    with without_fused_recurrence(nn.Linear(2, 2)):
        assert torch.backends.cudnn.enabled == before
    assert torch.backends.cudnn.enabled == before


def test_single_target():
    ((labels, weights),) = single_target(
        torch.zeros(2, 3, dtype=torch.float64), torch.tensor([4, 5])
    )
    assert (
        labels.tolist() == [4, 5] and weights.tolist() == [1, 1] and weights.dtype == torch.float64
    )
