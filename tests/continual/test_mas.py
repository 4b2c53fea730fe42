"""MAS's importance against backward passes by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from simlearn.backbones import IdentityHead, LinearHead
from simlearn.continual.mas import MAS, sensitivity, without_normalisation
from tests.continual.toy import learner, two_experiences


def test_by_hand():
    """z = w x, |d (w x)^2 / dw| = 2 w x^2: 4 and 36 for w = 2 and x = 1, -3; their mean 20."""
    backbone, head = nn.Identity(), nn.Linear(1, 1, bias=False)
    head.weight.data.fill_(2.0)
    x, y = torch.tensor([[1.0], [-3.0]]), torch.zeros(2).long()
    assert sensitivity(backbone, head, [(x, y)])["head.weight"].item() == pytest.approx(20.0)


def test_absolute_values_are_of_each_sample_not_of_their_mean():
    """2 (w . x) x is (4, 4) and (-4, 12): the mean gradient of the first weight is 0."""
    backbone, head = nn.Identity(), nn.Linear(2, 1, bias=False)
    head.weight.data.fill_(1.0)
    x, y = torch.tensor([[1.0, 1.0], [-1.0, 3.0]]), torch.zeros(2).long()
    assert sensitivity(backbone, head, [(x, y)])["head.weight"].tolist() == [[4.0, 8.0]]


@pytest.mark.parametrize("normalise", [True, False])
def test_the_length_is_that_before_the_normalisation(normalise):
    net, exp, strategy = learner(normalise=normalise), two_experiences()[0], MAS(samples=None)
    strategy.begin(net, exp)
    strategy.end(net, exp)
    assert net.head.normalise is normalise
    net.eval()
    wanted = {name: torch.zeros_like(p) for name, p in net.named_parameters()}
    x, _ = next(exp.batches())
    for row in x:
        net.zero_grad()
        net.head.linear(net.backbone(row[None])).norm().square().backward()
        for name, p in net.named_parameters():
            wanted[name] += p.grad.abs() / len(x)
    assert list(strategy.held.importance) == list(wanted)
    for name, value in strategy.held.importance.items():
        assert (value - wanted[name]).norm() <= 1e-4 * wanted[name].norm()
        assert value.abs().sum() > 0


def test_normalised_embeddings_would_give_none():
    """What the switch is for: their length is 1 whatever the parameters."""
    net = learner()

    class Kept(nn.Module):
        def forward(self, f):
            return nn.functional.normalize(f, dim=1)

    batches = list(two_experiences()[0].batches())
    vanishing = sensitivity(net.backbone, Kept(), batches)
    asked = sensitivity(net.backbone, IdentityHead(net.backbone.dim), batches)
    for name, value in asked.items():
        assert vanishing[name].norm() < 1e-4 * value.norm()


def test_the_switch_comes_back_after_an_error():
    head = LinearHead(3, 2)
    with pytest.raises(KeyError), without_normalisation(head):
        assert head.normalise is False
        raise KeyError
    assert head.normalise is True
    with without_normalisation(nn.Linear(2, 2)) as nothing:
        assert nothing is None


def test_no_sample():
    with pytest.raises(ValueError, match="no sample to take gradients of"):
        sensitivity(nn.Identity(), nn.Linear(1, 1), [])
