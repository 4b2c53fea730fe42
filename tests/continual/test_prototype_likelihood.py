"""The classifier of class means against distances written out."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from simlearn.continual.prototype_likelihood import PrototypeClassifier, prototype_logits


def test_logits():
    z, means = torch.tensor([[0.0, 0.0], [1.0, 2.0]]), torch.tensor([[1.0, 0.0], [0.0, 3.0]])
    found = prototype_logits(z, means, tau=2.0)
    for i in range(2):
        for c in range(2):
            assert found[i, c].item() == pytest.approx(-(math.dist(z[i], means[c]) ** 2) / 2)
    assert prototype_logits(z, torch.zeros(0, 2)).shape == (2, 0)


def test_the_likely_class_is_the_near_one():
    g = torch.Generator().manual_seed(0)
    z, means = torch.randn(20, 3, generator=g), torch.randn(5, 3, generator=g)
    p = prototype_logits(z, means, tau=0.5).softmax(1)
    for row, point in zip(p, z, strict=True):
        weights = [math.exp(-(math.dist(point, mean) ** 2) / 0.5) for mean in means]
        assert row.tolist() == pytest.approx([w / sum(weights) for w in weights], rel=1e-4)


def test_the_network_keeps_its_names_and_gets_its_gradient():
    backbone, head = nn.Linear(4, 3), nn.Linear(3, 2)
    net = PrototypeClassifier(backbone, head, torch.eye(2), tau=0.5)
    names = ["backbone.weight", "backbone.bias", "head.weight", "head.bias"]
    assert [name for name, _ in net.named_parameters()] == names
    x = torch.randn(5, 4)
    torch.testing.assert_close(net(x), prototype_logits(head(backbone(x)), torch.eye(2), 0.5))
    net(x).sum().backward()
    assert backbone.weight.grad is not None


@pytest.mark.parametrize("tau", [0.0, -1.0, math.nan])
def test_temperature(tau):
    with pytest.raises(ValueError, match=f"tau is {tau}, must be above 0"):
        PrototypeClassifier(nn.Identity(), nn.Identity(), torch.eye(2), tau)
