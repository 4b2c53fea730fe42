"""Stages below a cut stay as they are, whatever is done to the rest."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from simlearn.backbones import ConvNet
from simlearn.backbones.base import Backbone
from simlearn.backbones.freeze import freeze_below


def net():
    """Batch norms, whose buffers move in every forward pass in training mode, and dropout."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        stages = {
            "one": nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5)),
            "two": nn.Sequential(nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4)),
            "three": nn.Sequential(nn.Flatten(), nn.Linear(16, 5), nn.BatchNorm1d(5)),
        }
        return Backbone(stages, dim=5, kind="image")


def images(n=6, seed=1):
    return torch.randn(n, 3, 6, 6, generator=torch.Generator().manual_seed(seed))


def train_steps(backbone, steps=3):
    """Plain steps with momentum and decay over all parameters, frozen ones among them."""
    optimizer = torch.optim.SGD(backbone.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1)
    for step in range(steps):
        optimizer.zero_grad()
        backbone.train()(images(seed=step)).square().sum().backward()
        optimizer.step()


def moved(backbone, before):
    """Names of the stages of which something changed."""
    after = backbone.state_dict()
    return {
        key.split(".")[1] for key, value in before.items() if not torch.equal(after[key], value)
    }


@pytest.mark.parametrize(
    ("cut", "trained"),
    [("input", {"one", "two", "three"}), ("one", {"two", "three"}), ("two", {"three"})],
)
def test_only_what_lies_above_the_cut_learns(cut, trained):
    backbone = net()
    freeze_below(backbone, cut)
    before = copy.deepcopy(backbone.state_dict())
    train_steps(backbone)
    assert moved(backbone, before) == trained
    for name, stage in backbone.stages.items():
        assert all(p.requires_grad is (name in trained) for p in stage.parameters())
        assert all(part.training is (name in trained) for part in stage.modules())


def test_activations_at_the_cut_stay_in_training_mode_too():
    backbone = net()
    freeze_below(backbone, "two")
    before = backbone.train().low(images(), "two")
    train_steps(backbone)
    assert torch.equal(backbone.train().low(images(), "two"), before)
    assert torch.equal(backbone.eval().low(images(), "two"), before)
    assert not before.requires_grad


def test_the_cut_may_move_and_be_taken_back():
    backbone = net().train()
    modes = []
    for cut in ("two", "one", "input"):
        freeze_below(backbone, cut)
        modes.append([stage.training for stage in backbone.stages.values()])
        gradients = [all(p.requires_grad for p in s.parameters()) for s in backbone.stages.values()]
        assert gradients == modes[-1]
        assert backbone.training
    assert modes == [[False, False, True], [False, True, True], [True, True, True]]
    assert backbone.frozen == ()


def test_it_may_be_said_twice_and_keeps_eval_mode():
    backbone = net().eval()
    for _ in range(2):
        freeze_below(backbone, "one")
    assert backbone.frozen == ("one",)
    assert not any(part.training for part in backbone.modules())


def test_what_was_frozen_by_hand_above_the_cut_stays_so():
    backbone = net()
    backbone.stages["three"].requires_grad_(False)
    freeze_below(backbone, "one")
    freeze_below(backbone, "input")
    assert not any(p.requires_grad for p in backbone.stages["three"].parameters())
    assert all(p.requires_grad for p in backbone.stages["one"].parameters())


def test_the_mode_reaches_a_backbone_inside_a_model():
    backbone = net()
    freeze_below(backbone, "one")
    model = nn.ModuleDict({"backbone": backbone, "head": nn.Linear(5, 2)})
    assert model.train() is model
    assert [s.training for s in backbone.stages.values()] == [False, True, True]
    model.eval()
    assert not any(part.training for part in model.modules())
    twin = copy.deepcopy(model).train()
    assert [s.training for s in twin["backbone"].stages.values()] == [False, True, True]


def test_train_gives_the_backbone_and_freezes_nothing_by_itself():
    backbone = net()
    assert backbone.train() is backbone and backbone.eval() is backbone
    assert not any(part.training for part in backbone.modules())
    backbone.train(True)
    assert all(part.training for part in backbone.modules())


def test_an_unknown_cut_freezes_nothing():
    backbone = net()
    with pytest.raises(ValueError, match="Backbone has no cut 'three'; there are input, one, two"):
        freeze_below(backbone, "three")
    assert backbone.frozen == () and all(p.requires_grad for p in backbone.parameters())


def test_every_cut_of_a_real_network():
    backbone = ConvNet(width=0.1)
    for cut in reversed(backbone.cuts):
        freeze_below(backbone, cut)
        assert backbone.frozen == tuple(backbone.stages)[: backbone.position(cut)]
        for name, stage in backbone.train().stages.items():
            assert stage.training is (name not in backbone.frozen)
