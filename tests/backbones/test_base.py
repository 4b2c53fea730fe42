"""Cuts of a sequence of stages, and what is refused."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from simlearn.backbones.base import Backbone, channels_last_3d, count_parameters, scaled


class Doubling(nn.Module):
    """Counts how often it ran."""

    def __init__(self):
        super().__init__()
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        return 2 * x


def net(kind="clip"):
    stages = {
        "one": Doubling(),
        "two": nn.Conv3d(3, 2, 1) if kind == "clip" else nn.Conv2d(3, 2, 1),
        "flat": nn.Flatten(),
        "last": nn.LazyLinear(5),
    }
    backbone = Backbone(stages, dim=5, kind=kind).eval()
    backbone(clip() if kind == "clip" else clip()[:, :, 0])
    return backbone


def clip():
    return torch.arange(2 * 3 * 2 * 4 * 4, dtype=torch.float32).reshape(2, 3, 2, 4, 4)


def test_cuts_are_the_input_and_all_stages_but_the_last():
    assert net().cuts == ("input", "one", "two", "flat")
    assert (net().dim, net().kind) == (5, "clip")
    assert Backbone({"only": nn.Flatten()}, dim=96, kind="clip").cuts == ("input",)


def test_the_input_is_handed_through():
    x = clip()
    assert net().low(x, "input") is x


@pytest.mark.parametrize("kind", ["clip", "image"])
def test_every_cut_leads_to_the_same_features(kind):
    backbone = net(kind)
    x = clip() if kind == "clip" else clip()[:, :, 0]
    features = backbone(x)
    assert features.shape == (2, 5)
    for cut in backbone.cuts:
        assert torch.equal(backbone.high(backbone.low(x, cut), cut), features)
    assert torch.equal(backbone.low(x, "one"), 2 * x)


def test_each_stage_runs_once():
    backbone = net()
    counter = backbone.stages["one"]
    counter.calls = 0
    backbone(clip())
    assert counter.calls == 1
    backbone.low(clip(), "two")
    assert counter.calls == 2
    backbone.high(backbone.low(clip(), "one"), "one")
    assert counter.calls == 3


@pytest.mark.parametrize("cut", ["", "last", "tow", "stages.one", "0"])
def test_an_unknown_cut_names_those_there_are(cut):
    text = f"Backbone has no cut '{cut}'; there are input, one, two, flat"
    for call in (net().low, net().high):
        with pytest.raises(ValueError, match=text):
            call(clip(), cut)


@pytest.mark.parametrize(
    ("kind", "shape", "wanted"),
    [
        ("clip", (3, 2, 4, 4), r"\(B, C, T, H, W\)"),
        ("clip", (1, 2, 3, 2, 4, 4), r"\(B, C, T, H, W\)"),
        ("clip", (2, 3, 4, 4), r"\(B, C, T, H, W\)"),
        ("image", (3, 4, 4), r"\(B, C, H, W\)"),
        ("image", (2, 3, 1, 4, 4), r"\(B, C, H, W\)"),
    ],
)
def test_a_wrong_number_of_dimensions(kind, shape, wanted):
    backbone = net(kind)
    calls = [backbone, *(lambda x, c=c: backbone.low(x, c) for c in backbone.cuts)]
    for call in calls:
        with pytest.raises(ValueError, match=rf"Backbone takes {wanted}, found shape") as caught:
            call(torch.zeros(shape))
        assert str(shape) in str(caught.value)


def test_counting_learnt_values():
    assert count_parameters(nn.Linear(3, 4)) == 16
    assert count_parameters(nn.BatchNorm1d(4)) == 8  # running statistics are not learnt
    assert count_parameters(nn.ReLU()) == 0


@pytest.mark.parametrize(
    ("channels", "width", "wanted"),
    [(64, 1.0, 64), (64, 0.5, 32), (64, 0.02, 1), (4096, 0.125, 512), (64, 1e-9, 1), (3, 2, 6)],
)
def test_scaled_channels(channels, width, wanted):
    assert scaled(channels, width) == wanted


@pytest.mark.parametrize("width", [0, -0.5, float("nan"), float("inf")])
def test_a_width_that_is_none(width):
    with pytest.raises(ValueError, match=rf"backbone\.width is {width}, must be a positive number"):
        scaled(64, width)


def test_weights_lie_channels_last():
    weight = channels_last_3d(nn.Conv3d(3, 4, 3)).weight
    assert weight.is_contiguous(memory_format=torch.channels_last_3d)
