"""GoogLeNet: torchvision's network bit for bit, counts, cuts, and the smallest image."""

from __future__ import annotations

import socket

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torchvision.models import googlenet

from simlearn.backbones.base import count_parameters
from simlearn.backbones.inception import Inception, concatenated

CUTS = (
    *("input", "conv1", "maxpool1", "conv2", "conv3", "maxpool2", "inception3a", "inception3b"),
    *("maxpool3", "inception4a", "inception4b", "inception4c", "inception4d", "inception4e"),
    *("maxpool4", "inception5a", "inception5b"),
)
# channels and side behind each stage for 3x224x224, as the paper's table 1 states them
SHAPES = {
    "conv1": (64, 112),
    "maxpool1": (64, 56),
    "conv3": (192, 56),
    "maxpool2": (192, 28),
    "inception3a": (256, 28),
    "inception3b": (480, 28),
    "maxpool3": (480, 14),
    "inception4a": (512, 14),
    "inception4b": (512, 14),
    "inception4c": (512, 14),
    "inception4d": (528, 14),
    "inception4e": (832, 14),
    "maxpool4": (832, 7),
    "inception5a": (832, 7),
    "inception5b": (1024, 7),
}


def image(side=32, n=2, channels=3, other=None):
    g = torch.Generator().manual_seed(0)
    return torch.randn(n, channels, side, other or side, generator=g)


def seeded(seed=0, **arguments):
    torch.manual_seed(seed)
    return Inception(**arguments)


def disturbed(net):
    """Statistics and scales of batch norm as no fresh network has them."""
    g = torch.Generator().manual_seed(1)
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            for value in (layer.weight, layer.bias, layer.running_mean, layer.running_var):
                value.data += 0.3 * torch.rand(value.shape, generator=g)
    return net


@pytest.fixture(scope="module")
def thin():
    return disturbed(seeded(width=0.125)).eval()


@pytest.fixture(scope="module")
def full():
    """The published size, without memory for its weights."""
    with torch.device("meta"):
        return Inception()


@pytest.fixture(scope="module")
def peer():
    torch.manual_seed(1)
    return disturbed(googlenet(weights=None, aux_logits=True, init_weights=False)).eval()


@pytest.fixture(scope="module")
def file(peer, tmp_path_factory):
    """A public file: torchvision's names, with both auxiliary classifiers and the last layer."""
    path = tmp_path_factory.mktemp("googlenet") / "googlenet.pt"
    torch.save(peer.state_dict(), path)
    yield path
    path.unlink()


def before_its_last_layer(peer, x):
    """torchvision's features, seen at the door of its classifier."""
    seen = []
    handle = peer.fc.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    peer(x)
    handle.remove()
    return seen[0]


@torch.no_grad()
def test_torchvisions_file_gives_torchvisions_features(peer, file):
    net = Inception(weights=file).eval()
    ours = {k.removeprefix("stages."): v for k, v in net.state_dict().items()}
    theirs = peer.state_dict()
    left = {k.split(".")[0] for k in theirs.keys() - ours.keys()}
    assert left == {"fc", "aux1", "aux2"}
    assert all(torch.equal(v, theirs[k]) for k, v in ours.items())
    for side, other in ((15, 15), (64, 64), (47, 90)):
        x = image(side, other=other)
        assert torch.equal(net(x), before_its_last_layer(peer, x))
    # in training too: the same statistics and the same features
    x = image(64)
    net.train()
    body = [m for name, m in peer.named_children() if name in CUTS]
    wanted = nn.Sequential(*body, nn.AdaptiveAvgPool2d(1), nn.Flatten()).train()(x)
    assert torch.equal(net(x), wanted)
    assert torch.equal(net.stages["conv1"].bn.running_mean, peer.conv1.bn.running_mean)


def test_pixels_from_minus_one_to_one_are_what_the_file_expects(peer):
    """torchvision's transform_input undoes its own normalisation and nothing else."""
    x = torch.rand(2, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    mean, spread = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])[..., None, None]
    before, peer.transform_input = peer.transform_input, True
    found = peer._transform_input((x - mean) / spread)
    peer.transform_input = before
    assert torch.allclose(found, 2 * x - 1, atol=1e-6)


def test_parameters(full):
    with torch.device("meta"):
        whole = googlenet(weights=None, aux_logits=False, init_weights=False)
    assert count_parameters(full) == count_parameters(whole) - (1024 * 1000 + 1000) == 5_599_904
    assert (full.dim, full.kind) == (1024, "image")
    assert full.cuts == CUTS
    # by hand: 7x7, 1x1 and 3x3 of the stem, each with a scale and a shift per channel
    assert count_parameters(full.stages["conv1"]) == 49 * 3 * 64 + 2 * 64
    assert count_parameters(full.stages["conv3"]) == 9 * 64 * 192 + 2 * 192


def test_the_shape_behind_every_stage(full):
    x = torch.empty(2, 3, 224, 224, device="meta")
    for cut, (channels, side) in SHAPES.items():
        assert full.low(x, cut).shape == (2, channels, side, side)
    assert full(x).shape == (2, 1024)


@torch.no_grad()
@pytest.mark.parametrize(("side", "other"), [(15, 15), (16, 33), (28, 28), (64, 48)])
def test_every_cut_leads_to_the_same_features(thin, side, other):
    x = image(side, other=other)
    before, features = x.clone(), thin(x)
    assert features.shape == (2, 128) and torch.isfinite(features).all() and features.min() >= 0
    assert thin.low(x, "input") is x
    for cut in thin.cuts:
        h = thin.low(x, cut)
        kept = h.clone()
        assert torch.equal(thin.high(h, cut), features)
        assert torch.equal(h, kept)  # stored activations are used again
    assert torch.equal(x, before)


def test_unknown_cuts_and_wrong_inputs(thin):
    for call in (thin.low, thin.high):
        with pytest.raises(ValueError, match="Inception has no cut 'map'; there are input, conv1"):
            call(image(), "map")
    with pytest.raises(ValueError, match=r"Inception takes \(B, C, H, W\), found shape \(3, 32"):
        thin(torch.zeros(3, 32, 32))


@pytest.mark.parametrize(("height", "width"), [(14, 14), (14, 64), (64, 14), (1, 1)])
def test_too_small_an_image_names_the_way_out(thin, height, width):
    text = (
        f"Inception takes images of 15 px or more, found {height}x{width}: "
        "raise data.side or use backbone=inception_small"
    )
    for call in (thin, lambda x: thin.low(x, "conv1")):
        with pytest.raises(ValueError, match=text):
            call(image(height, other=width))


@pytest.mark.parametrize("width", [0.5, 0.1, 2.0])
def test_width_scales_every_branch(full, width):
    with torch.device("meta"):
        scaled = Inception(width=width)
    pairs = zip(full.named_modules(), scaled.named_modules(), strict=True)
    seen = 0
    for (name, wanted), (_, found) in pairs:
        if isinstance(wanted, nn.Conv2d):
            seen += 1
            assert found.out_channels == max(1, round(wanted.out_channels * width)), name
    assert seen == 57
    assert scaled.dim == concatenated([round(c * width) for c in (384, 192, 384, 48, 128, 128)])
    x = torch.empty(2, 3, 32, 32, device="meta")
    for name in [c for c in CUTS if c.startswith("inception")]:
        one, three, five, pool = scaled.stages[name].children()
        branches = (one, three[-1], five[-1], pool[-1])
        assert scaled.low(x, name).shape[1] == sum(b.conv.out_channels for b in branches)


def test_the_narrowest_network_still_runs():
    assert seeded(width=1e-6).eval()(image()).shape == (2, 4)
    for width in (0, -1.0, float("nan")):
        with pytest.raises(ValueError, match=rf"backbone\.width is {width}, must be a positive"):
            Inception(width=width)


@torch.no_grad()
@pytest.mark.parametrize("map_side", [1, 2, 3])
def test_the_last_map_is_averaged_in_cells(thin, map_side):
    net = seeded(width=0.125, map_side=map_side).eval()
    net.load_state_dict(thin.state_dict())
    x = image(32 * 6)  # the last map is 6x6
    last = net.low(x, "inception5b")
    cells = last.unflatten(3, (map_side, -1)).unflatten(2, (map_side, -1)).mean(dim=(3, 5))
    assert net.dim == 128 * map_side**2
    assert torch.allclose(net(x), cells.flatten(1), atol=1e-5)


@pytest.mark.parametrize("name", ["map_side", "in_channels"])
def test_counts_below_one(name):
    with pytest.raises(ValueError, match=rf"backbone\.{name} is 0, must be at least 1"):
        Inception(**{name: 0})


def test_no_rows_and_other_channels(thin):
    assert thin(image(n=0)).shape == (0, 128)
    net = seeded(width=0.125, in_channels=1).eval()
    assert net(image(channels=1)).shape == (2, 128)


def test_every_parameter_learns():
    net = seeded(width=0.125).train()
    net(image(64, n=3)).pow(2).sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


@torch.no_grad()
def test_one_image_trains_where_the_last_map_is_more_than_a_point():
    net = seeded(width=0.125).train()
    assert net.low(image(47, n=1), "inception5b").shape[2:] == (2, 2)
    assert torch.isfinite(net(image(47, n=1))).all()
    assert net.low(image(46), "inception5b").shape[2:] == (1, 1)
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        net(image(46, n=1))


@torch.no_grad()
def test_an_untrained_network_tells_inputs_apart():
    features = seeded().eval()(image(32, n=6))
    assert torch.pdist(F.normalize(features, dim=1)).min() > 0.05
    assert 0.1 < features.std() < 30  # PyTorch's own weights let it fade to 1e-5


def test_nothing_is_fetched(monkeypatch):
    def forbidden(*_, **__):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket, "socket", forbidden)
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", forbidden)
    with pytest.raises(AssertionError, match="a connection was opened"):
        socket.create_connection(("127.0.0.1", 9))
    assert Inception(width=0.125).dim == 128
