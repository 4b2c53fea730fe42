"""The small 2-D ConvNet: counts by hand, shapes, cuts, norms, and a net built from loops."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from simlearn.backbones.base import count_parameters
from simlearn.backbones.convnet import ConvNet, HalvingMaxPool2d, halve_map
from tests.backbones import contract
from tests.backbones.contract import features_at_every_cut

CUTS = ("input", "block1", "block2", "block3", "conv4", "block4")


def image(side=28, **more):
    return contract.image(side, **more)


def seeded(seed=0, **arguments):
    torch.manual_seed(seed)
    return ConvNet(**arguments)


@pytest.fixture(scope="module")
def net():
    return seeded().eval()


@pytest.mark.parametrize(("norm", "extra"), [("group", 128), ("batch", 128), ("none", 64)])
def test_parameters_by_hand(norm, extra):
    net = ConvNet(norm=norm)
    found = {name: count_parameters(stage) for name, stage in net.stages.items()}
    assert {name: n for name, n in found.items() if n} == {
        "block1": 9 * 3 * 64 + extra,
        "block2": 9 * 64 * 64 + extra,
        "block3": 9 * 64 * 64 + extra,
        "conv4": 9 * 64 * 64 + extra,
    }
    assert (net.dim, net.kind) == (256, "image")


@pytest.mark.parametrize(
    ("side", "sides"),
    [(8, (4, 2, 2, 2, 2)), (28, (14, 7, 4, 4, 2)), (32, (16, 8, 4, 4, 2)), (33, (17, 9, 5, 5, 3))],
)
def test_the_shape_behind_every_stage(net, side, sides):
    assert net.cuts == CUTS
    for cut, left in zip(CUTS[1:], sides, strict=True):
        assert net.low(image(side), cut).shape == (2, 64, left, left)
    assert net(image(side)).shape == (2, 256)


def naive_pool(x, smallest):
    """One point at a time: the maximum of the rows 2i, 2i+1 that there are."""
    for axis in (2, 3):
        size = x.shape[axis]
        if size == 1 or math.ceil(size / 2) < smallest:
            continue
        points = [
            x.narrow(axis, low, min(2, size - low)).amax(axis, keepdim=True)
            for low in range(0, size, 2)
        ]
        x = torch.cat(points, axis)
    return x


@given(st.integers(1, 17), st.integers(1, 17), st.integers(1, 5), st.integers(0, 2))
@settings(max_examples=60)
def test_halving_against_a_loop(height, width, smallest, n):
    x = image(height, n=n, channels=2, other=width)
    pool = HalvingMaxPool2d(smallest)
    assert torch.equal(pool(x), naive_pool(x, smallest))
    assert torch.equal(halve_map(x, smallest), pool(x))
    left = zip(pool(x).shape[2:], (height, width), strict=True)
    assert all(a >= min(b, smallest) for a, b in left)
    assert "smallest=" + str(smallest) in repr(pool)


def naive_convolution(x, weight, bias):
    """Nine shifted products, summed: another order than the library's."""
    padded = F.pad(x, (1, 1, 1, 1))
    height, width = x.shape[2:]
    total = 0.0 if bias is None else bias[:, None, None]
    for row in range(3):
        for column in range(3):
            part = padded[:, :, row : row + height, column : column + width]
            total = total + torch.einsum("bchw,oc->bohw", part, weight[:, :, row, column])
    return total


def naive_group_norm(x, layer):
    """One sample and one group at a time."""
    out = torch.empty_like(x)
    size = x.shape[1] // layer.num_groups
    for b in range(len(x)):
        for low in range(0, x.shape[1], size):
            part = x[b, low : low + size]
            spread = ((part - part.mean()) ** 2).mean() + layer.eps
            out[b, low : low + size] = (part - part.mean()) / spread.sqrt()
    return out * layer.weight[:, None, None] + layer.bias[:, None, None]


@pytest.mark.parametrize("norm", ["group", "none"])
@pytest.mark.parametrize("side", [8, 19, 28])
def test_features_against_a_net_of_loops(norm, side):
    net = seeded(width=0.25, norm=norm).double()
    for p in net.parameters():  # no weight 1 and bias 0 that would hide a missing layer
        p.data.add_(0.1 * torch.randn(p.shape, generator=torch.Generator().manual_seed(p.ndim)))
    x = image(side).double()
    wanted = x
    for layer in [m for m in net.modules() if isinstance(m, nn.Conv2d)]:
        wanted = naive_convolution(wanted, layer.weight, layer.bias)
        if norm == "group":
            layers = list(net.modules())
            wanted = naive_group_norm(wanted, layers[layers.index(layer) + 1])
        wanted = naive_pool(wanted.clamp_min(0), 2)
    wanted = F.interpolate(wanted, size=(2, 2), mode="area").flatten(1)
    assert torch.allclose(net(x), wanted, atol=1e-12)


def test_conv_4_of_the_papers_where_every_map_is_even():
    """32 px with batch norm and a 2x2 map: the layers that everybody writes."""
    net = seeded(norm="batch").eval()
    layers, channels = [], 3
    for _ in range(4):
        convolution = nn.Conv2d(channels, 64, 3, padding=1, bias=False)
        layers += [convolution, nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2)]
        channels = 64
    plain = nn.Sequential(*layers, nn.Flatten()).eval()
    plain.load_state_dict(dict(zip(plain.state_dict(), net.state_dict().values(), strict=True)))
    assert torch.allclose(net(image(32)), plain(image(32)), atol=1e-5)


@given(
    st.integers(8, 40),
    st.integers(8, 40),
    st.sampled_from([1, 3]),
    st.integers(1, 4),
    st.sampled_from(["group", "batch", "none"]),
    st.integers(0, 3),
)
@settings(max_examples=40)
def test_every_cut_leads_to_the_same_features(height, width, channels, map_side, norm, n):
    net = ConvNet(width=0.125, in_channels=channels, map_side=map_side, norm=norm).eval()
    x = image(height, n=n, channels=channels, other=width)
    features = features_at_every_cut(net, x)
    assert features.shape == (n, 8 * map_side**2) and (features >= 0).all()


@pytest.mark.parametrize("norm", ["group", "batch", "none"])
def test_only_the_cut_before_the_last_relu_has_both_signs(norm):
    net = seeded(norm=norm).eval()
    for cut in ("block1", "block2", "block3", "block4"):
        assert (net.low(image(), cut) >= 0).all()
    h = net.low(image(), "conv4")
    assert 0.2 < (h < 0).double().mean() < 0.8
    assert torch.equal(net.low(image(), "block4"), halve_map(h.clamp_min(0), 2))


def test_unknown_cuts_and_wrong_inputs(net):
    wanted = "ConvNet has no cut 'map'; there are input, block1, block2, block3, conv4, block4"
    for call in (net.low, net.high):
        with pytest.raises(ValueError, match=wanted):
            call(image(), "map")
    with pytest.raises(ValueError, match=r"ConvNet takes \(B, C, H, W\), found shape \(3, 28, 28"):
        net(torch.zeros(3, 28, 28))


@pytest.mark.parametrize("map_side", [1, 2, 3, 4])
def test_the_map_is_kept_or_averaged(map_side):
    net = seeded(map_side=map_side).eval()
    assert net.dim == 64 * map_side**2
    x = image(16 * map_side)  # four halvings leave the map itself
    assert torch.equal(net(x), net.low(x, "block4").flatten(1))
    whole = net.low(image(96), "block4")  # 6x6
    if map_side == 1:
        assert torch.allclose(net(image(96)), whole.mean((2, 3)), atol=1e-6)
    elif 6 % map_side == 0:
        tiles = whole.unflatten(3, (map_side, -1)).unflatten(2, (map_side, -1)).mean((3, 5))
        assert torch.allclose(net(image(96)), tiles.flatten(1), atol=1e-6)


@pytest.mark.parametrize("width", [0.25, 2.0])
def test_width_scales_every_layer(width):
    net = ConvNet(width=width).eval()
    found = [m.weight.shape[0] for m in net.modules() if isinstance(m, nn.Conv2d)]
    assert found == [round(64 * width)] * 4
    assert net.dim == 256 * width and net(image()).shape == (2, net.dim)


@pytest.mark.parametrize(
    ("width", "groups", "wanted"),
    [
        (1.0, 8, 8),
        (1.0, 32, 32),
        (1.0, 64, 1),
        (1.0, 7, 1),
        (0.125, 8, 1),
        (0.125, 4, 4),
        (0.01, 8, 1),
    ],
)
def test_groups_that_are_not_equal_or_of_one_channel_become_one(width, groups, wanted):
    net = ConvNet(width=width, groups=groups)
    found = [m.num_groups for m in net.modules() if isinstance(m, nn.GroupNorm)]
    assert found == [wanted] * 4


@pytest.mark.parametrize("width", [0.125, 1.0])
def test_features_of_8_pixels_still_tell_images_apart(width):
    features = seeded(width=width, map_side=1).eval()(image(8, n=4))
    assert torch.cdist(features, features).fill_diagonal_(1).min() > 1e-3


@pytest.mark.parametrize("name", ["groups", "map_side", "in_channels"])
@pytest.mark.parametrize("value", [0, -2])
def test_numbers_below_one(name, value):
    with pytest.raises(ValueError, match=rf"backbone\.{name} is {value}, must be at least 1"):
        ConvNet(**{name: value})


@pytest.mark.parametrize("norm", ["", "Group", "layer"])
def test_an_unknown_norm(norm):
    text = rf"backbone\.norm is '{norm}', must be one of group, batch, none"
    with pytest.raises(ValueError, match=text):
        ConvNet(norm=norm)


@pytest.mark.parametrize("width", [0, -1.0, float("nan"), float("inf")])
def test_a_width_that_is_none(width):
    with pytest.raises(ValueError, match=rf"backbone\.width is {width}, must be a positive number"):
        ConvNet(width=width)


@pytest.mark.parametrize("norm", ["group", "none"])
def test_no_sample_depends_on_its_batch_nor_on_training(norm):
    net = seeded(width=0.5, norm=norm).double()
    x = image(n=3).double()
    assert torch.allclose(net(x)[1:2], net(x[1:2]), atol=1e-12)
    assert torch.equal(net.train()(x), net.eval()(x))


def test_batch_norm_depends_on_the_batch_in_training_only():
    net = seeded(width=0.5, norm="batch").double()
    x = image(n=3).double()
    assert not torch.allclose(net(x)[1:2], net(x[1:2]), atol=1e-3)
    net.eval()
    assert torch.allclose(net(x)[1:2], net(x[1:2]), atol=1e-12)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_without_a_norm_the_scale_of_the_input_is_kept(scale):
    """He's weights: neither vanishing nor exploding through four layers."""
    features = seeded(norm="none").eval()(scale * image(n=8))
    assert 0.1 * scale < features.std() < 10 * scale


@pytest.mark.parametrize("norm", ["group", "batch", "none"])
def test_every_parameter_learns(norm):
    net = seeded(width=0.5, norm=norm)
    net(image(n=4)).pow(2).sum().backward()
    learnt = dict(net.named_parameters())
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in learnt.values())


@pytest.mark.parametrize("norm", ["group", "none"])
def test_gradients(norm):
    net = seeded(width=4 / 64, groups=2, norm=norm, in_channels=1).double()
    x = image(9, channels=1).double().requires_grad_()
    assert torch.autograd.gradcheck(net, (x,))
    h = net.low(x, "conv4").detach().requires_grad_()
    assert torch.autograd.gradcheck(lambda h: net.high(h, "conv4"), (h,))


def test_a_batch_of_none():
    for norm in ("group", "none"):
        net = seeded(width=0.25, norm=norm)
        x = image(n=0).requires_grad_()
        features = net(x)
        assert features.shape == (0, 64)
        features.sum().backward()
        assert x.grad.shape == (0, 3, 28, 28)


def test_weights_lie_channels_last_and_the_layout_of_the_input_does_not_matter(net):
    weight = net.stages["block2"][0].weight
    assert weight.is_contiguous(memory_format=torch.channels_last)
    x = image()
    last = x.contiguous(memory_format=torch.channels_last)
    strided = torch.stack([x, x], dim=-1)[..., 0]
    for other in (last, strided):
        assert torch.allclose(net(other), net(x), atol=1e-5)


@pytest.mark.parametrize("norm", ["group", "batch", "none"])
def test_colour_channels_and_weights_of_a_file(tmp_path, norm):
    one = seeded(1, width=0.25, in_channels=1, norm=norm)
    one(image(n=4, channels=1))  # moves the statistics of a batch norm
    torch.save(one.eval().state_dict(), tmp_path / "net.pt")
    other = ConvNet(width=0.25, in_channels=1, norm=norm, weights=tmp_path / "net.pt").eval()
    assert torch.equal(one(image(channels=1)), other(image(channels=1)))
    with pytest.raises(ValueError, match="weights of another backbone than ConvNet"):
        ConvNet(width=0.5, in_channels=1, norm=norm, weights=tmp_path / "net.pt")


def test_the_option_file_names_every_argument_with_its_default():
    import inspect
    from pathlib import Path

    import yaml

    path = Path(__file__).parents[2] / "configs" / "backbone" / "convnet.yaml"
    values = yaml.safe_load(path.read_text())
    assert values.pop("class") == "ConvNet"
    known = inspect.signature(ConvNet).parameters
    assert values == {name: p.default for name, p in known.items()}
