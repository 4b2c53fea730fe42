"""The multi-dimensional LSTM network: counts by hand, corners, cuts, frames, a small task."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from simlearn.backbones.base import count_parameters
from simlearn.backbones.mdlstm import CORNERS, MDLSTM, Blocks, FourDirections, MeanMap, PerFrame

CUTS = ("input", "patches", "lstm1", "join1", "lstm2", "join2")
SMALL = {"hidden": (4, 6), "map_side": 2}


def clip(side=16, n=2, frames=3, channels=3, other=None, seed=0):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(n, channels, frames, side, other or side, generator=g)


def seeded(seed=0, **arguments):
    torch.manual_seed(seed)
    return MDLSTM(**{**SMALL, **arguments})


@pytest.fixture(scope="module")
def net():
    return seeded().eval()


def test_parameters_by_hand():
    net = MDLSTM()
    found = {name: count_parameters(stage) for name, stage in net.stages.items()}
    assert found == {
        "patches": 4 * 4 * 3 * 32 + 32,
        "lstm1": 4 * 5 * 32 * (32 + 32 + 32 + 1),
        "join1": 2 * 2 * 128 * 64 + 64,
        "lstm2": 4 * 5 * 64 * (64 + 64 + 64 + 1),
        "join2": 256 * 64 + 64,
        "map": 0,
    }
    assert sum(found.values()) == count_parameters(net) == 359_968
    assert (net.dim, net.kind, net.cuts) == (64 * 16, "clip", CUTS)


def test_names_and_shapes_of_the_state_dict(net):
    wanted = {
        "stages.patches.layer.conv.weight": (4, 3, 4, 4),
        "stages.patches.layer.conv.bias": (4,),
        "stages.join1.layer.conv.weight": (6, 16, 2, 2),
        "stages.join1.layer.conv.bias": (6,),
        "stages.join2.layer.conv.weight": (6, 24, 1, 1),
        "stages.join2.layer.conv.bias": (6,),
    }
    for stage, n in (("lstm1", 4), ("lstm2", 6)):
        for corner in ("top_left", "top_right", "bottom_left", "bottom_right"):
            name = f"stages.{stage}.layer.corners.{corner}"
            wanted |= {f"{name}.{w}": (5 * n, n) for w in ("w_x", "w_up", "w_left")}
            wanted[f"{name}.bias"] = (5 * n,)
    assert {name: tuple(p.shape) for name, p in net.state_dict().items()} == wanted


@pytest.mark.parametrize(
    ("side", "other", "maps"),
    [
        (32, 32, ((8, 8), (4, 4))),
        (16, 24, ((4, 6), (2, 3))),
        (13, 7, ((4, 2), (2, 1))),
        (1, 1, ((1, 1), (1, 1))),
        (36, 5, ((9, 2), (5, 1))),
    ],
)
def test_the_shape_behind_every_stage(net, side, other, maps):
    x = clip(side, other=other)
    sizes = dict(zip(CUTS[1:], ((4, 0), (16, 0), (6, 1), (24, 1), (6, 1)), strict=True))
    for cut, (channels, level) in sizes.items():
        assert net.low(x, cut).shape == (2, channels, 3, *maps[level])
    assert net(x).shape == (2, 24)


@given(
    st.integers(1, 20),
    st.integers(1, 20),
    st.integers(1, 3),
    st.integers(0, 3),
    st.sampled_from([1, 3]),
    st.lists(st.integers(1, 5), min_size=1, max_size=3),
    st.integers(1, 4),
)
@settings(max_examples=30)
def test_every_cut_leads_to_the_same_features(height, width, frames, n, channels, hidden, side):
    net = seeded(hidden=tuple(hidden), map_side=side, in_channels=channels).eval()
    x = clip(height, n=n, frames=frames, channels=channels, other=width)
    features = net(x)
    assert features.shape == (n, net.dim) == (n, hidden[-1] * side**2)
    assert torch.isfinite(features).all() and (features.abs() <= 1).all()
    assert len(net.cuts) == 2 + 2 * len(hidden)
    assert net.low(x, "input") is x
    for cut in net.cuts:
        h = net.low(x, cut)
        kept = h.clone()
        assert h.shape[0] == n
        assert torch.equal(net.high(h, cut), features)
        assert torch.equal(h, kept)


@pytest.mark.parametrize(("number", "corner"), list(enumerate(CORNERS)))
def test_what_each_corner_sees(number, corner):
    """The state at row 1, column 3 of 4x5: up to there from its own corner."""
    torch.manual_seed(0)
    layer = FourDirections(2, 3)
    x = clip(4, n=1, frames=1, channels=2, other=5)[:, :, 0].requires_grad_()
    layer(x)[:, 3 * number : 3 * number + 3, 1, 3].sum().backward()
    wanted = torch.zeros(4, 5, dtype=torch.bool)
    rows = slice(0, 2) if "top" in corner else slice(1, 4)
    columns = slice(0, 4) if "left" in corner else slice(3, 5)
    wanted[rows, columns] = True
    assert torch.equal(x.grad.abs().sum((0, 1)) > 0, wanted)


@given(st.integers(1, 6), st.integers(1, 6))
@settings(max_examples=20)
def test_turning_the_map_by_half_exchanges_the_corners(height, width):
    torch.manual_seed(0)
    layer, other = FourDirections(2, 3), FourDirections(2, 3)
    opposite = dict(zip(CORNERS, reversed(CORNERS), strict=True))
    for corner, scan in layer.corners.items():
        other.corners[opposite[corner]].load_state_dict(scan.state_dict())
    x = clip(height, frames=1, channels=2, other=width)[:, :, 0]
    turned = other(x.rot90(2, (2, 3))).rot90(2, (2, 3))
    wanted = torch.cat(layer(x).split(3, 1)[::-1], 1)
    assert torch.allclose(turned, wanted, atol=1e-6)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 4))
@settings(max_examples=30)
def test_blocks_against_a_loop(height, width, side):
    torch.manual_seed(0)
    layer = Blocks(2, 3, side)
    nn.init.normal_(layer.conv.bias)
    x = clip(height, frames=1, channels=2, other=width)[:, :, 0]
    h = layer(x)
    assert h.shape == (2, 3, -(-height // side), -(-width // side))
    for i in range(h.shape[2]):
        for j in range(h.shape[3]):
            part = x[:, :, i * side : (i + 1) * side, j * side : (j + 1) * side]
            weight = layer.conv.weight[:, :, : part.shape[2], : part.shape[3]]
            total = torch.einsum("bcij,ocij->bo", part, weight) + layer.conv.bias
            assert torch.allclose(h[:, :, i, j], total.tanh(), atol=1e-5)


def test_the_features_are_the_mean_over_the_frames(net):
    x = clip(20, frames=4)
    single = torch.stack([net(x[:, :, t : t + 1]) for t in range(4)])
    assert torch.allclose(net(x), single.mean(0), atol=1e-6)
    still = x[:, :, :1].expand(-1, -1, 5, -1, -1)
    assert torch.allclose(net(still), single[0], atol=1e-6)


@given(st.permutations(range(5)))
@settings(max_examples=15)
def test_the_order_of_the_frames_is_not_seen(order):
    net = seeded().eval()
    x = clip(12, frames=5)
    assert torch.allclose(net(x[:, :, order]), net(x), atol=1e-6)


def test_layers_of_frames():
    layer = PerFrame(nn.Conv2d(3, 2, 3, padding=1))
    x = clip(5, frames=4)
    wanted = torch.stack([layer.layer(x[:, :, t]) for t in range(4)], 2)
    assert torch.allclose(layer(x), wanted, atol=1e-6)
    h = clip(6, frames=4)
    tiles = h.unflatten(4, (2, 3)).unflatten(3, (2, 3)).mean((2, 4, 6))
    assert torch.allclose(MeanMap(2)(h), tiles.flatten(1), atol=1e-6)
    assert torch.allclose(MeanMap(1)(h), h.mean((2, 3, 4)), atol=1e-6)


def test_no_sample_depends_on_its_batch_nor_on_training():
    net = seeded().double()
    x = clip(13, n=3).double()
    assert torch.allclose(net(x)[1:2], net(x[1:2]), atol=1e-12)
    assert torch.equal(net.train()(x), net.eval()(x))


def test_the_layout_of_the_input_does_not_matter(net):
    x = clip()
    last = x.contiguous(memory_format=torch.channels_last_3d)
    strided = torch.stack([x, x], -1)[..., 0]
    for other in (last, strided):
        assert torch.allclose(net(other), net(x), atol=1e-5)


def test_a_batch_of_none(net):
    x = clip(n=0).requires_grad_()
    features = net(x)
    assert features.shape == (0, 24)
    features.sum().backward()
    assert x.grad.shape == (0, 3, 3, 16, 16)


def test_gradients():
    net = MDLSTM(hidden=(2, 1), map_side=2, patch=2, in_channels=1)
    net = net.double().requires_grad_(False)
    x = clip(7, n=1, frames=2, channels=1).double().requires_grad_()
    assert torch.autograd.gradcheck(net, (x,))


def test_every_parameter_learns():
    net = seeded()
    net(clip(n=4)).pow(2).sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


def test_it_learns_where_a_dot_is():
    """Four classes, by the quarter that a dot lies in: 40 steps of Adam halve the loss."""
    g = torch.Generator().manual_seed(0)
    x, y = 0.1 * torch.randn(32, 1, 2, 16, 16, generator=g), torch.arange(4).repeat(8)
    for k, quarter in enumerate(y.tolist()):
        row, column = torch.randint(0, 7, (2,), generator=g).tolist()
        row, column = row + 8 * (quarter // 2), column + 8 * (quarter % 2)
        x[k, :, :, row : row + 2, column : column + 2] += 2.0
    torch.manual_seed(0)
    net = MDLSTM(hidden=(8,), patch=2, map_side=1, in_channels=1)
    model = nn.Sequential(net, nn.Linear(net.dim, 4))
    adam = torch.optim.Adam(model.parameters(), lr=0.02)
    losses = []
    for _ in range(40):
        loss = F.cross_entropy(model(x), y)
        adam.zero_grad()
        loss.backward()
        adam.step()
        losses.append(loss.item())
    assert losses[0] > 1.2 and losses[-1] < losses[0] / 2


@pytest.mark.parametrize("side", [32, 64])
def test_untrained_features_tell_clips_apart(side):
    torch.manual_seed(0)
    features = MDLSTM().eval()(clip(side, n=4, frames=1))
    apart = torch.cdist(features, features).fill_diagonal_(1).min()
    assert apart > 0.1 * features.norm(dim=1).mean()


@pytest.mark.parametrize("width", [0.25, 2.0])
def test_width_scales_every_layer(width):
    net = MDLSTM(width=width)
    found = [m.weight.shape[0] for m in net.modules() if isinstance(m, nn.Conv2d)]
    assert found == [round(n * width) for n in (32, 64, 64)]
    assert net.stages["lstm2"].layer.corners["top_left"].w_x.shape == (320 * width, 64 * width)
    assert net.dim == 1024 * width and net.eval()(clip()).shape == (2, net.dim)


def test_unknown_cuts_and_wrong_inputs(net):
    wanted = "MDLSTM has no cut 'map'; there are input, patches, lstm1, join1, lstm2, join2"
    for call in (net.low, net.high):
        with pytest.raises(ValueError, match=wanted):
            call(clip(), "map")
    with pytest.raises(ValueError, match=r"MDLSTM takes \(B, C, T, H, W\), found shape \(3, 8, 8"):
        net(torch.zeros(3, 8, 8))


@pytest.mark.parametrize("name", ["patch", "map_side", "in_channels"])
@pytest.mark.parametrize("value", [0, -2])
def test_numbers_below_one(name, value):
    with pytest.raises(ValueError, match=rf"backbone\.{name} is {value}, must be at least 1"):
        MDLSTM(**{name: value})


def test_layers_that_are_none():
    with pytest.raises(ValueError, match=r"backbone\.hidden is 0, must be at least 1"):
        MDLSTM(hidden=(4, 0))
    text = r"backbone\.hidden is empty, needed: the size of at least one layer"
    with pytest.raises(ValueError, match=text):
        MDLSTM(hidden=())
    with pytest.raises(ValueError, match=r"backbone\.width is -1\.0, must be a positive number"):
        MDLSTM(width=-1.0)


def test_weights_of_a_file(tmp_path):
    one = seeded(1).eval()
    torch.save(one.state_dict(), tmp_path / "net.pt")
    other = MDLSTM(**SMALL, weights=tmp_path / "net.pt").eval()
    assert torch.equal(one(clip()), other(clip()))
    with pytest.raises(ValueError, match="weights of another backbone than MDLSTM"):
        MDLSTM(hidden=(4, 7), map_side=2, weights=tmp_path / "net.pt")


def test_the_option_file_names_every_argument_with_its_default():
    import inspect
    from pathlib import Path

    import yaml

    path = Path(__file__).parents[2] / "configs" / "backbone" / "mdlstm.yaml"
    values = yaml.safe_load(path.read_text())
    assert values.pop("class") == "MDLSTM"
    values["hidden"] = tuple(values["hidden"])
    known = inspect.signature(MDLSTM).parameters
    assert values == {name: p.default for name, p in known.items()}


def test_a_clip_without_frames_is_refused():
    with pytest.raises(ValueError, match="at least one frame"):
        MDLSTM(width=0.1)(torch.zeros(2, 3, 0, 16, 16))
