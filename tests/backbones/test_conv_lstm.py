"""ConvLSTM: a loop over pixels, torch.nn.LSTM at one point, counts, cuts, causality, motion."""

from __future__ import annotations

import inspect
import math
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from simlearn.backbones.base import count_parameters
from simlearn.backbones.conv_lstm import ConvLSTM2D, ConvLSTMLayer, LastMap, conv_lstm
from tests.backbones.contract import features_at_every_cut

THIN = 0.125


def clip(n=2, channels=3, frames=4, height=16, width=None, seed=0):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(n, channels, frames, height, width or height, generator=g)


def weights(channels, n, k, peep=None, j=None, seed=0):
    """w_x, w_h, bias and peepholes of any values, in float64."""
    g = torch.Generator().manual_seed(seed)
    shapes = [(4 * n, channels, k, k), (4 * n, n, j or k, j or k), (4 * n,)]
    drawn = [torch.randn(s, generator=g, dtype=torch.float64) / 2 for s in shapes]
    return [*drawn, None if peep is None else torch.randn(3, n, *peep, generator=g).double()]


def seeded(seed=0, **arguments):
    torch.manual_seed(seed)
    return ConvLSTM2D(**arguments)


def sigmoid(v):
    return 1 / (1 + math.exp(-v))


def at(image, kernel, row, column):
    """The convolution with zero padding at one pixel, tap by tap."""
    (channels, height, width), reach = image.shape, kernel.shape[-1] // 2
    total = 0.0
    for channel in range(channels):
        for r in range(-reach, reach + 1):
            for s in range(-reach, reach + 1):
                if 0 <= row + r < height and 0 <= column + s < width:
                    weight = kernel[channel, reach + r, reach + s]
                    total += weight * image[channel, row + r, column + s]
    return total


def naive(x, w_x, w_h, bias, peep):
    """The equations of Shi et al. 2015, one clip, step, channel and pixel at a time."""
    x, w_x, w_h, bias = (v.detach().numpy() for v in (x, w_x, w_h, bias))
    batch, _, frames, height, width = x.shape
    n = w_h.shape[1]
    p = np.zeros((3, n, height, width))
    if peep is not None:
        p += peep.detach().numpy()
    out = np.zeros((batch, n, frames, height, width))

    for b in range(batch):
        h, c = np.zeros((n, height, width)), np.zeros((n, height, width))
        for t in range(frames):
            new_h, new_c = np.zeros_like(h), np.zeros_like(c)
            for channel in range(n):
                for place in np.ndindex(height, width):
                    here = (channel, *place)
                    i, f, o, g = (
                        at(x[b, :, t], w_x[gate], *place) + at(h, w_h[gate], *place) + bias[gate]
                        for gate in range(channel, 4 * n, n)
                    )
                    i = sigmoid(i + p[0][here] * c[here])
                    f = sigmoid(f + p[1][here] * c[here])
                    new_c[here] = f * c[here] + i * math.tanh(g)
                    o = sigmoid(o + p[2][here] * new_c[here])
                    new_h[here] = o * math.tanh(new_c[here])
            h, c = new_h, new_c
            out[b, :, t] = h
    return torch.from_numpy(out)


@pytest.mark.parametrize("peep", [None, (1, 1), (3, 4)])
@pytest.mark.parametrize(("k", "j"), [(1, 1), (3, 3), (3, 5)])
def test_against_a_loop_over_pixels(peep, k, j):
    arguments = weights(2, 3, k, peep, j)
    x = clip(2, 2, 3, 3, 4).double()
    found = conv_lstm(x, *arguments)
    assert found.shape == (2, 3, 3, 3, 4) and found.abs().max() < 1
    assert torch.allclose(found, naive(x, *arguments), atol=1e-12)


@pytest.mark.parametrize("peepholes", [False, True])
def test_layers_and_the_reading_against_the_loop(peepholes):
    net = seeded(width=1 / 16, hidden=(48, 32), peepholes=peepholes, map_side=2).double()
    for p in net.parameters():
        p.data.add_(0.1 * torch.randn(p.shape, generator=torch.Generator().manual_seed(p.ndim)))
    x = clip(frames=3).double()
    h = net.low(x, "conv2")
    for name, n in (("lstm1", 3), ("lstm2", 2)):
        layer = net.stages[name]
        h = naive(h, layer.w_x, layer.w_h, layer.bias, layer.peep)
        assert h.shape == (2, n, 3, 4, 4)
        assert torch.allclose(net.low(x, name), h, atol=1e-12)
    last = h[:, :, -1].unflatten(3, (2, 2)).unflatten(2, (2, 2)).mean((3, 5)).flatten(1)
    assert torch.allclose(net(x), last, atol=1e-12)


@pytest.mark.parametrize("frames", [1, 6])
def test_torch_lstm_where_map_and_kernel_are_one_point(frames):
    n, channels = 5, 3
    w_x, w_h, bias, _ = weights(channels, n, 1)
    lstm = nn.LSTM(channels, n, batch_first=True).double()
    order = torch.arange(4 * n).view(4, n)[[0, 1, 3, 2]].flatten()  # torch has i, f, g, o
    with torch.no_grad():
        lstm.weight_ih_l0.copy_(w_x[order, :, 0, 0])
        lstm.weight_hh_l0.copy_(w_h[order, :, 0, 0])
        lstm.bias_ih_l0.copy_(bias[order])
        lstm.bias_hh_l0.zero_()
    x = clip(4, channels, frames, 1).double()
    found = conv_lstm(x, w_x, w_h, bias)[..., 0, 0].transpose(1, 2)
    assert torch.allclose(found, lstm(x[..., 0, 0].transpose(1, 2))[0], atol=1e-12)


def test_peepholes_of_zero_or_shared_over_the_map():
    x = clip(2, 2, 4, 5).double()
    *plain, peep = weights(2, 3, 3, (1, 1))
    none = conv_lstm(x, *plain, torch.zeros(3, 3, 1, 1))
    assert torch.allclose(none, conv_lstm(x, *plain), atol=1e-14)
    shared = conv_lstm(x, *plain, peep)
    assert torch.allclose(shared, conv_lstm(x, *plain, peep.expand(3, 3, 5, 5)), atol=1e-14)
    assert (shared - conv_lstm(x, *plain)).abs().max() > 0.01


@pytest.mark.parametrize("peep", [None, (1, 1), (2, 3)])
def test_gradients(peep):
    arguments = [v for v in weights(2, 2, 3, peep) if v is not None]
    inputs = [v.requires_grad_() for v in (clip(1, 2, 3, 2, 3).double(), *arguments)]
    assert torch.autograd.gradcheck(conv_lstm, inputs)


@pytest.mark.parametrize("peepholes", [False, True])
@pytest.mark.parametrize("frames", [1, 3])
def test_every_parameter_has_a_gradient_at_any_length(peepholes, frames):
    net = seeded(width=THIN, peepholes=peepholes)
    net(clip(frames=frames)).pow(2).sum().backward()
    assert all(p.grad is not None for p in net.parameters())
    moved = {name for name, p in net.named_parameters() if p.grad.abs().sum() > 0}
    missing = {name for name, _ in net.named_parameters()} - moved
    # at one step there is no earlier state to weigh
    assert missing == ({"stages.lstm1.w_h", "stages.lstm2.w_h"} if frames == 1 else set())


def test_parameters_by_hand():
    """A layer as ndrplz/ConvLSTM_pytorch counts it: 4 n ((C + n) k² + 1)."""
    for channels, n, k in ((16, 32, 3), (3, 5, 1), (7, 2, 5)):
        count = 4 * n * ((channels + n) * k**2 + 1)
        assert count_parameters(ConvLSTMLayer(channels, n, k, False, 1.0)) == count
        assert count_parameters(ConvLSTMLayer(channels, n, k, True, 1.0)) == count + 3 * n
    found = {name: count_parameters(stage) for name, stage in ConvLSTM2D().stages.items()}
    assert found == {
        "conv1": 27 * 32 + 64,
        "conv2": 9 * 32 * 64 + 128,
        "lstm1": 4 * 64 * (128 * 9 + 1),
        "lstm2": 4 * 64 * (128 * 9 + 1),
        "map": 0,
    }
    assert sum(found.values()) == 609_824


@pytest.mark.parametrize(("width", "sizes"), [(0.5, (16, 32, 20, 5)), (1e-9, (1, 1, 1, 1))])
def test_width_scales_every_layer(width, sizes):
    net = ConvLSTM2D(width=width, hidden=(40, 10), kernel=5, map_side=3)
    one, two, three, four = sizes
    found = [count_parameters(stage) for stage in net.stages.values()]
    assert found == [
        29 * one,
        9 * one * two + 2 * two,
        4 * three * ((two + three) * 25 + 1),
        4 * four * ((three + four) * 25 + 1),
        0,
    ]
    assert net.dim == 9 * four and net(clip(frames=2)).shape == (2, net.dim)


@pytest.mark.parametrize("forget_bias", [1.0, 0.0, 2.5])
def test_first_weights(forget_bias):
    torch.manual_seed(0)
    layer = ConvLSTMLayer(6, 4, 3, True, forget_bias)
    i, f, o, g = layer.bias.detach().chunk(4)
    assert (f == forget_bias).all() and not torch.cat([i, o, g]).any() and not layer.peep.any()
    for gate in layer.w_h.detach().chunk(4):
        assert torch.allclose(gate.flatten(1) @ gate.flatten(1).T, torch.eye(4), atol=1e-5)
    bound = math.sqrt(6 / ((6 + 4) * 9))
    assert 0.9 * bound < layer.w_x.abs().max() <= bound
    assert "6, 4, kernel=3, peepholes=True" in repr(layer)


@given(
    st.integers(8, 33),
    st.integers(8, 33),
    st.integers(1, 9),
    st.integers(0, 3),
    st.sampled_from([(24,), (16, 8), (8, 16, 8)]),
    st.booleans(),
)
@settings(max_examples=25)
def test_every_cut_leads_to_the_same_features(height, width, frames, n, hidden, peepholes):
    net = ConvLSTM2D(width=THIN, hidden=hidden, peepholes=peepholes, map_side=2).eval()
    x = clip(n, 3, frames, height, width)
    assert features_at_every_cut(net, x).shape == (n, hidden[-1] // 8 * 4)
    names = [f"lstm{number + 1}" for number in range(len(hidden))]
    assert net.cuts == ("input", "conv1", "conv2", *names)
    for cut in net.cuts:
        h = net.low(x, cut)
        assert h.shape[0] == n and h.shape[2] == frames


def test_the_shape_behind_every_stage():
    net = ConvLSTM2D().eval()
    shapes = {"conv1": (32, 17, 9), "conv2": (64, 9, 5), "lstm1": (64, 9, 5), "lstm2": (64, 9, 5)}
    for cut, (channels, height, width) in shapes.items():
        found = net.low(clip(1, frames=2, height=33, width=18), cut)
        assert found.shape == (1, channels, 2, height, width)
    assert (net.dim, net.kind) == (1024, "clip")


def test_an_empty_batch_keeps_the_graph():
    net = seeded(width=THIN)
    x = clip(0).requires_grad_()
    features = net(x)
    assert features.shape == (0, net.dim) == (0, 128)
    features.sum().backward()
    assert x.grad.shape == (0, 3, 4, 16, 16)


def test_a_frame_changes_nothing_before_it():
    net = seeded(width=0.25).eval()
    x = clip(frames=6)
    for t in range(6):
        changed = x.clone()
        changed[:, :, t] += 1
        for cut in ("lstm1", "lstm2"):
            before, after = net.low(x, cut), net.low(changed, cut)
            assert torch.equal(before[:, :, :t], after[:, :, :t])
            assert (before[:, :, t:] - after[:, :, t:]).abs().amax((0, 1, 3, 4)).min() > 1e-6


def test_no_sample_depends_on_its_batch_nor_on_training():
    net = seeded(width=0.5).double()
    x = clip(n=3).double()
    assert torch.allclose(net(x)[1:2], net(x[1:2]), atol=1e-12)
    assert torch.allclose(net(x.flip(0)), net(x).flip(0), atol=1e-12)
    assert torch.equal(net.train()(x), net.eval()(x))


@pytest.mark.parametrize("scale", [0.0, 1e-6, 1e6])
def test_any_scale_of_the_input_gives_finite_features_and_gradients(scale):
    net = seeded(width=THIN)
    x = (scale * clip()).requires_grad_()
    features = net(x)
    features.sum().backward()
    assert features.abs().max() < 1 and torch.isfinite(x.grad).all()
    assert all(torch.isfinite(p.grad).all() for p in net.parameters())


@pytest.mark.parametrize("peepholes", [False, True])
def test_layouts_and_half_precision_agree_with_the_plain_input(peepholes):
    net = seeded(width=0.25, peepholes=peepholes).eval()
    x = clip()
    features = net(x)
    last = x.contiguous(memory_format=torch.channels_last_3d)
    assert torch.allclose(net(last), features, atol=1e-5)
    with torch.autocast("cpu", torch.bfloat16):
        half = net(x)
    half.float().sum().backward()
    assert torch.allclose(half.float(), features, atol=0.02)
    assert all(torch.isfinite(p.grad).all() for p in net.parameters())


def test_the_last_map():
    x = clip(2, 3, 2, 4)
    assert torch.equal(LastMap(4)(x), x[:, :, 1].flatten(1))
    assert torch.allclose(LastMap(1)(x), x[:, :, 1].mean((2, 3)), atol=1e-6)
    doubled = x[:, :, 1].repeat_interleave(2, 2).repeat_interleave(2, 3).flatten(1)
    assert torch.equal(LastMap(8)(x), doubled)


def test_unknown_cuts_and_wrong_inputs():
    net = ConvLSTM2D(width=THIN)
    for call in (net.low, net.high):
        with pytest.raises(
            ValueError,
            match="ConvLSTM2D has no cut 'map'; there are input, conv1, conv2, lstm1, lstm2",
        ):
            call(clip(), "map")
    with pytest.raises(ValueError, match=r"ConvLSTM2D takes \(B, C, T, H, W\), found shape \(3, 4"):
        net(torch.zeros(3, 4, 16, 16))
    for cut in net.cuts:
        channels = {"input": 3, "conv1": 4}.get(cut, 8)
        with pytest.raises(ValueError, match="a clip needs at least one frame, found shape"):
            net.high(torch.zeros(2, channels, 0, 8, 8), cut)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"hidden": ()}, r"backbone\.hidden is \(\), must be one or more channels, each at least"),
        ({"hidden": (8, 0)}, r"backbone\.hidden is \(8, 0\), must be one or more channels"),
        ({"kernel": 2}, r"backbone\.kernel is 2, must be odd and at least 1"),
        ({"kernel": -1}, r"backbone\.kernel is -1, must be odd and at least 1"),
        ({"map_side": 0}, r"backbone\.map_side is 0, must be at least 1"),
        ({"in_channels": 0}, r"backbone\.in_channels is 0, must be at least 1"),
        ({"width": -1.0}, r"backbone\.width is -1\.0, must be a positive number"),
    ],
)
def test_wrong_arguments(arguments, text):
    with pytest.raises(ValueError, match=text):
        ConvLSTM2D(**arguments)


@pytest.mark.parametrize("peepholes", [False, True])
def test_colour_channels_and_weights_of_a_file(tmp_path, peepholes):
    options = {"width": THIN, "in_channels": 1, "peepholes": peepholes}
    one = seeded(1, **options)
    torch.save(one.state_dict(), tmp_path / "net.pt")
    other = ConvLSTM2D(**options, weights=tmp_path / "net.pt")
    assert torch.equal(one(clip(channels=1)), other(clip(channels=1)))
    with pytest.raises(ValueError, match="weights of another backbone than ConvLSTM2D"):
        ConvLSTM2D(width=THIN, in_channels=1, peepholes=not peepholes, weights=tmp_path / "net.pt")


def test_the_option_file_names_every_argument_with_its_default():
    path = Path(__file__).parents[2] / "configs" / "backbone" / "lstm2d.yaml"
    values = yaml.safe_load(path.read_text())
    assert values.pop("class") == "ConvLSTM2D"
    values["hidden"] = tuple(values["hidden"])
    known = inspect.signature(ConvLSTM2D).parameters
    assert values == {name: p.default for name, p in known.items()}


def moving_blobs(n, g, frames=5, side=12):
    """A blob at any place of a ring that moves 2 px a frame, left (0) or right (1)."""
    y = torch.randint(2, (n,), generator=g)
    start = torch.rand(n, 2, generator=g) * side
    t = torch.arange(frames)
    columns = start[:, :1] + 2.0 * (2 * y[:, None] - 1) * t  # (n, T)
    pixel = torch.arange(side)

    def distance(centre):
        d = (pixel - centre[..., None]) % side
        return torch.minimum(d, side - d)

    rows = distance(start[:, 1])[:, None, :, None]
    x = torch.exp(-(rows**2 + distance(columns)[:, :, None, :] ** 2) / 4)
    return x[:, None], y


def test_it_learns_which_way_a_blob_moves():
    """No single frame tells: the place is uniform. Played backwards, every answer turns round."""
    g = torch.Generator().manual_seed(0)
    net = seeded(width=0.25, hidden=(64,), map_side=1, in_channels=1)
    head = nn.Linear(net.dim, 2)
    optimizer = torch.optim.Adam([*net.parameters(), *head.parameters()], lr=1e-2)
    x, y = moving_blobs(256, g)
    with torch.no_grad():
        assert (head(net(x)).argmax(1) == y).double().mean() < 0.75
    for _ in range(200):
        x, y = moving_blobs(32, g)
        optimizer.zero_grad()
        F.cross_entropy(head(net(x)), y).backward()
        optimizer.step()
    x, y = moving_blobs(256, g)
    with torch.no_grad():
        assert torch.equal(head(net(x)).argmax(1), y)
        assert torch.equal(head(net(x.flip(2))).argmax(1), 1 - y)
