"""The small Inception network: widths by hand, loops, cuts, norms, gradients."""

from __future__ import annotations

import math
import socket

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from simlearn.backbones.base import count_parameters
from simlearn.backbones.inception_small import InceptionModule, InceptionSmall, convolution
from tests.backbones import contract
from tests.backbones.contract import features_at_every_cut

CUTS = (
    *("input", "conv1", "maxpool1", "inception3a", "inception3b", "maxpool3"),
    *("inception4a", "inception4b", "maxpool4", "inception5a"),
)
# 1x1 + 3x3 + double 3x3 + pool
CONCATENATED = {
    "inception3a": 24 + 40 + 16 + 16,
    "inception3b": 32 + 56 + 24 + 16,
    "inception4a": 40 + 72 + 32 + 16,
    "inception4b": 48 + 80 + 32 + 32,
    "inception5a": 64 + 112 + 48 + 32,
}


def image(side=32, **more):
    return contract.image(side, **more)


def seeded(seed=0, **arguments):
    torch.manual_seed(seed)
    return InceptionSmall(**arguments)


@pytest.fixture(scope="module")
def net():
    return seeded().eval()


@torch.no_grad()
def test_the_width_of_every_concatenation(net):
    assert list(CONCATENATED.values()) == [96, 128, 160, 192, 256]
    for cut, channels in CONCATENATED.items():
        assert net.stages[cut].channels == channels
        assert net.low(image(), cut).shape[1] == channels
    assert (net.dim, net.kind, net.cuts) == (256 * 16, "image", CUTS)


@torch.no_grad()
@pytest.mark.parametrize(
    ("side", "sides"),
    [(8, (4, 4, 4)), (9, (5, 5, 5)), (28, (14, 7, 4)), (32, (16, 8, 4)), (64, (32, 16, 8))],
)
def test_the_map_behind_every_stage(net, side, sides):
    first, second, third = sides
    left = (side, first, first, first, second, second, second, third, third)
    for cut, wanted in zip(CUTS[1:], left, strict=True):
        assert net.low(image(side), cut).shape[2:] == (wanted, wanted)
    assert net(image(side)).shape == (2, 4096)


@torch.no_grad()
def test_parameters_and_multiply_adds(net):
    """By hand: k² in out for every convolution, and a scale and a shift per channel behind it."""
    total, products, channels = 27 * 32 + 64, 27 * 32 * 32**2, 32
    for cut, (one, reduced3, three, reduced5, five, pool) in {
        "inception3a": (24, 32, 40, 8, 16, 16),
        "inception3b": (32, 32, 56, 16, 24, 16),
        "inception4a": (40, 48, 72, 16, 32, 16),
        "inception4b": (48, 56, 80, 16, 32, 32),
        "inception5a": (64, 80, 112, 24, 48, 32),
    }.items():
        weights = channels * (one + reduced3 + reduced5 + pool)
        weights += 9 * (reduced3 * three + reduced5 * five + five * five)
        norms = 2 * (one + reduced3 + three + reduced5 + 2 * five + pool)
        assert count_parameters(net.stages[cut]) == weights + norms
        total += weights + norms
        products += weights * {"3": 16, "4": 8, "5": 4}[cut[-2]] ** 2
        channels = CONCATENATED[cut]
    assert count_parameters(net) == total == 343_968
    with FlopCounterMode(display=False) as counter:
        net(image(n=1))
    assert counter.get_total_flops() == 2 * products
    assert 25.0e6 < products < 25.5e6


def naive_convolution(x, weight):
    """Shifted products, summed: another order than the library's."""
    size = weight.shape[-1]
    padded = F.pad(x, (size // 2,) * 4)
    height, width = x.shape[2:]
    return sum(
        torch.einsum(
            "bchw,oc->bohw",
            padded[:, :, row : row + height, column : column + width],
            weight[:, :, row, column],
        )
        for row in range(size)
        for column in range(size)
    )


def naive_norm(x, layer):
    """One sample and one group at a time, or the running statistics of batch norm."""
    shape = (1, -1, 1, 1)
    if isinstance(layer, nn.BatchNorm2d):
        out = (x - layer.running_mean.view(shape)) / (layer.running_var.view(shape) + 1e-5).sqrt()
    else:
        out, size = torch.empty_like(x), x.shape[1] // layer.num_groups
        for b in range(len(x)):
            for low in range(0, x.shape[1], size):
                part = x[b, low : low + size]
                spread = ((part - part.mean()) ** 2).mean() + 1e-5
                out[b, low : low + size] = (part - part.mean()) / spread.sqrt()
    return out * layer.weight.view(shape) + layer.bias.view(shape)


def naive_layer(x, layer):
    return naive_norm(naive_convolution(x, layer[0].weight), layer[1]).clamp_min(0)


def naive_max(x, size, step):
    """The maximum of the points that there are, one window at a time."""
    before = (size - 1) // 2 if step == 1 else 0
    for axis in (2, 3):
        n = x.shape[axis]
        lows = range(0, n, step)
        points = []
        for i in lows:
            low, high = max(0, i - before), min(n, i - before + size)
            points.append(x.narrow(axis, low, high - low).amax(axis, keepdim=True))
        x = torch.cat(points, axis)
    return x


def naive_module(x, module):
    double = naive_layer(naive_layer(x, module.branch3[0]), module.branch3[1])
    branches = [
        naive_layer(x, module.branch1),
        naive_layer(naive_layer(x, module.branch2[0]), module.branch2[1]),
        naive_layer(double, module.branch3[2]),
        naive_layer(naive_max(x, 3, 1), module.branch4[1]),
    ]
    return torch.cat(branches, dim=1)


@torch.no_grad()
@pytest.mark.parametrize("norm", ["group", "batch"])
@pytest.mark.parametrize("side", [16, 19])
def test_features_against_a_net_of_loops(norm, side):
    net = seeded(width=0.25, norm=norm, groups=2, map_side=2).double().eval()
    g = torch.Generator().manual_seed(1)
    for value in net.state_dict().values():  # no scale 1 and shift 0 that would hide a layer
        if value.is_floating_point():
            value.add_(0.1 * torch.rand(value.shape, generator=g))
    x = image(side).double()
    wanted = naive_layer(x, net.stages["conv1"])
    for name in CUTS[2:]:
        stage = net.stages[name]
        if isinstance(stage, InceptionModule):
            wanted = naive_module(wanted, stage)
        elif math.ceil(min(wanted.shape[2:]) / 2) >= 2:
            wanted = naive_max(wanted, 2, 2)
        assert torch.allclose(net.low(x, name), wanted, atol=1e-10)
    wanted = F.interpolate(wanted, size=(2, 2), mode="area").flatten(1)
    assert torch.allclose(net(x), wanted, atol=1e-10)


@torch.no_grad()
@given(
    st.integers(8, 40),
    st.integers(8, 40),
    st.sampled_from([1, 3]),
    st.integers(1, 5),
    st.sampled_from(["group", "batch"]),
    st.integers(0, 3),
)
@settings(max_examples=25)
def test_every_cut_leads_to_the_same_features(height, width, channels, map_side, norm, n):
    net = InceptionSmall(width=0.125, in_channels=channels, map_side=map_side, norm=norm).eval()
    x = image(height, n=n, channels=channels, other=width)
    features = features_at_every_cut(net, x)
    assert features.shape == (n, 32 * map_side**2) and (features >= 0).all()


def test_unknown_cuts_and_wrong_inputs(net):
    text = "InceptionSmall has no cut 'map'; there are input, conv1, maxpool1"
    for call in (net.low, net.high):
        with pytest.raises(ValueError, match=text):
            call(image(), "map")
    text = r"InceptionSmall takes \(B, C, H, W\), found shape \(3, 32, 32\)"
    with pytest.raises(ValueError, match=text):
        net(torch.zeros(3, 32, 32))


@torch.no_grad()
def test_with_group_norm_no_sample_depends_on_its_batch():
    x = image(28, n=5)
    net = seeded(width=0.5).train()
    together = net(x)
    alone = torch.cat([net(x[i : i + 1]) for i in range(5)])
    assert torch.allclose(together, alone, atol=1e-5)
    assert not [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    batch = seeded(width=0.5, norm="batch").train()
    assert not torch.allclose(batch(x)[:2], batch(x[:2]), atol=1e-2)
    assert not [m for m in batch.modules() if isinstance(m, nn.GroupNorm)]


def test_the_groups_of_every_norm():
    for groups in (1, 2, 8, 1000):
        for layer in InceptionSmall(groups=groups).modules():
            if isinstance(layer, nn.GroupNorm):
                equal = layer.num_channels % groups == 0 and layer.num_channels > groups
                assert layer.num_groups == (groups if equal else 1)
    assert convolution(3, 8, 3, "group", 8)[1].num_groups == 1  # never a single channel


@pytest.mark.parametrize("width", [0.25, 0.5, 2.0])
def test_width_scales_every_branch(width):
    with torch.device("meta"):
        net, full = InceptionSmall(width=width), InceptionSmall()
    assert net.dim == 4096 * width
    for cut, channels in CONCATENATED.items():
        assert net.stages[cut].channels == channels * width
    layers = [[m for m in n.modules() if isinstance(m, nn.Conv2d)] for n in (net, full)]
    assert len(layers[0]) == 1 + 5 * 7
    for found, wanted in zip(*layers, strict=True):
        assert found.out_channels == wanted.out_channels * width


def test_arguments_that_are_refused():
    for name in ("groups", "map_side", "in_channels"):
        with pytest.raises(ValueError, match=rf"backbone\.{name} is 0, must be at least 1"):
            InceptionSmall(**{name: 0})
    with pytest.raises(ValueError, match=r"backbone\.norm is 'layer', must be one of group, batch"):
        InceptionSmall(norm="layer")
    for width in (0, -1.0, float("inf")):
        with pytest.raises(ValueError, match=rf"backbone\.width is {width}, must be a positive"):
            InceptionSmall(width=width)
    assert seeded(width=1e-6).eval()(image()).shape == (2, 4 * 16)


def test_gradients_of_a_module():
    torch.manual_seed(0)
    module = InceptionModule(4, (2, 2, 4, 2, 4, 2), "group", 2).double()
    x = image(4, n=2, channels=4).double().requires_grad_()
    assert torch.autograd.gradcheck(module, (x,))
    assert module.channels == 12


def test_every_parameter_learns():
    net = seeded(width=0.5).train()
    net(image(16, n=4)).pow(2).sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


@torch.no_grad()
def test_an_untrained_network_tells_inputs_apart(net):
    z = F.normalize(net(image(28, n=6)), dim=1)
    assert torch.pdist(z).min() > 0.2


@torch.no_grad()
def test_weights_of_a_file(tmp_path, net):
    path = tmp_path / "small.pt"
    torch.save(net.state_dict(), path)
    other = InceptionSmall(weights=path).eval()
    assert torch.equal(other(image()), net(image()))
    weight = other.stages["conv1"][0].weight
    assert weight.is_contiguous(memory_format=torch.channels_last)
    with pytest.raises(ValueError, match=r"backbone\.weights=.*no such file"):
        InceptionSmall(weights=tmp_path / "none.pt")


def test_nothing_is_fetched(monkeypatch):
    def forbidden(*_, **__):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket, "socket", forbidden)
    with pytest.raises(AssertionError, match="a connection was opened"):
        socket.create_connection(("127.0.0.1", 9))
    assert InceptionSmall().dim == 4096
