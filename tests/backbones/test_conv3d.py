"""The small 3-D ConvNet: counts by hand, shapes, cuts, groups."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import nn

from simlearn.backbones.base import count_parameters
from simlearn.backbones.conv3d import Conv3DNet

SHAPES = {
    "conv1": (16, 8, 32, 32),
    "pool1": (16, 8, 16, 16),
    "conv2": (32, 8, 16, 16),
    "pool2": (32, 4, 8, 8),
    "conv3": (64, 4, 8, 8),
    "pool3": (64, 2, 4, 4),
    "conv4": (64, 2, 4, 4),
    "conv5": (128, 2, 4, 4),
}


def clip(frames=8, side=32, n=2, channels=3):
    x = torch.randn(n, channels, frames, side, side, generator=torch.Generator().manual_seed(0))
    return x.contiguous(memory_format=torch.channels_last_3d)


@pytest.fixture(scope="module")
def net():
    return Conv3DNet().eval()


def test_parameters_by_hand(net):
    channels = [3, 16, 32, 64, 64, 128]
    pairs = enumerate(pairwise(channels), start=1)
    wanted = {f"conv{n}": 27 * a * b + 2 * b for n, (a, b) in pairs}
    found = {name: count_parameters(stage) for name, stage in net.stages.items()}
    assert {name: n for name, n in found.items() if n} == wanted
    assert count_parameters(net) == 402_800
    assert (net.dim, net.kind) == (2048, "clip")


def test_the_shape_behind_every_stage(net):
    assert net.cuts == ("input", *SHAPES)
    for cut, shape in SHAPES.items():
        assert net.low(clip(), cut).shape == (2, *shape)
    assert net(clip()).shape == (2, 2048)


def test_a_map_of_4x4_is_kept_as_it_is(net):
    x = clip(frames=4)  # one frame is left behind the pools
    assert torch.equal(net(x), net.low(x, "conv5").flatten(1))


@pytest.mark.parametrize(("frames", "side"), [(8, 32), (1, 16), (5, 21)])
def test_every_cut_leads_to_the_same_features(net, frames, side):
    x = clip(frames, side)
    features = net(x)
    for cut in net.cuts:
        h = net.low(x, cut)
        kept = h.clone()
        assert torch.equal(net.high(h, cut), features)
        assert torch.equal(h, kept)


@pytest.mark.parametrize(("frames", "side"), [(1, 16), (1, 1), (16, 112), (3, 33)])
def test_any_length_and_size(net, frames, side):
    features = net(clip(frames, side, n=1))
    assert features.shape == (1, 2048) and torch.isfinite(features).all()


def test_unknown_cuts_and_wrong_inputs(net):
    with pytest.raises(ValueError, match="Conv3DNet has no cut 'map'; there are input, conv1"):
        net.low(clip(), "map")
    with pytest.raises(ValueError, match=r"Conv3DNet takes \(B, C, T, H, W\), found shape \(3, 8"):
        net(torch.zeros(3, 8, 32, 32))


@pytest.mark.parametrize("width", [0.25, 2.0])
def test_width_scales_every_layer(width):
    net = Conv3DNet(width=width).eval()
    found = [m.weight.shape[0] for m in net.modules() if isinstance(m, nn.Conv3d)]
    assert found == [round(c * width) for c in (16, 32, 64, 64, 128)]
    assert net.dim == 2048 * width and net(clip()).shape == (2, net.dim)


def test_groups_that_do_not_divide_become_one():
    for width, groups, wanted in (
        (1.0, 8, [8] * 5),
        (1.0, 32, [1, 32, 32, 32, 32]),
        (0.3, 8, [1, 1, 1, 1, 1]),
        (0.01, 8, [1] * 5),
    ):
        net = Conv3DNet(width=width, groups=groups)
        assert [m.num_groups for m in net.modules() if isinstance(m, nn.GroupNorm)] == wanted


@pytest.mark.parametrize("groups", [0, -2])
def test_groups_below_one(groups):
    with pytest.raises(ValueError, match=rf"backbone\.groups is {groups}, must be at least 1"):
        Conv3DNet(groups=groups)


def test_no_sample_depends_on_its_batch_nor_on_training():
    net = Conv3DNet(width=0.5).double()
    x = clip(n=3).double()
    assert torch.allclose(net(x)[1:2], net(x[1:2]), atol=1e-12)
    assert torch.equal(net.train()(x), net.eval()(x))


def test_every_parameter_learns():
    net = Conv3DNet(width=0.5)
    net(clip()).pow(2).sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


def test_colour_channels_and_weights_of_a_file(tmp_path):
    one = Conv3DNet(width=0.25, in_channels=1).eval()
    torch.save(one.state_dict(), tmp_path / "net.pt")
    other = Conv3DNet(width=0.25, in_channels=1, weights=tmp_path / "net.pt").eval()
    x = clip(channels=1)
    assert torch.equal(one(x), other(x))
