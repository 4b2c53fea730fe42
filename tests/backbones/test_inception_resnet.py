"""facenet-pytorch's network bit for bit, its files, cuts, and the smallest image."""

from __future__ import annotations

import socket
import sys

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from simlearn.backbones.base import count_parameters
from simlearn.backbones.inception_resnet import InceptionResnetV1
from tests.backbones.contract import features_at_every_cut

pytest.importorskip("facenet_pytorch", reason="the extra `faces` is not installed")
from facenet_pytorch import InceptionResnetV1 as Facenet

# channels and side behind each stage for 3x160x160
SHAPES = {
    "conv2d_1a": (32, 79, 79),
    "conv2d_2a": (32, 77, 77),
    "conv2d_2b": (64, 77, 77),
    "maxpool_3a": (64, 38, 38),
    "conv2d_3b": (80, 38, 38),
    "conv2d_4a": (192, 36, 36),
    "conv2d_4b": (256, 17, 17),
    "repeat_1": (256, 17, 17),
    "mixed_6a": (896, 8, 8),
    "repeat_2": (896, 8, 8),
    "mixed_7a": (1792, 3, 3),
    "repeat_3": (1792, 3, 3),
    "block8": (1792, 3, 3),
    "avgpool_1a": (1792,),
    "dropout": (1792,),
    "last_linear": (512,),
}


def image(side=75, n=2, channels=3, other=None):
    g = torch.Generator().manual_seed(0)
    return torch.randn(n, channels, side, other or side, generator=g)


def disturbed(net):
    """Statistics and scales of batch norm as no fresh network has them."""
    g = torch.Generator().manual_seed(1)
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d | nn.BatchNorm1d):
            for value in (layer.weight, layer.bias, layer.running_mean, layer.running_var):
                value.data += 0.3 * torch.rand(value.shape, generator=g)
    return net


@pytest.fixture(scope="module")
def peer():
    """As the public files are made: with the classifier of 8,631 people."""
    torch.manual_seed(1)
    return disturbed(Facenet(pretrained=None, num_classes=8631, classify=True)).eval()


@pytest.fixture(scope="module")
def net(peer, tmp_path_factory):
    path = tmp_path_factory.mktemp("facenet") / "vggface2.pt"
    state = peer.state_dict()
    assert state["logits.weight"].shape == (8631, 512)
    torch.save(state, path)
    network = InceptionResnetV1(weights=path).eval()
    path.unlink()
    return network


@pytest.fixture(scope="module")
def empty():
    """Without memory for its weights."""
    with torch.device("meta"):
        return InceptionResnetV1()


@torch.no_grad()
def test_facenets_file_gives_facenets_features(net, peer):
    ours = {k.removeprefix("stages."): v for k, v in net.state_dict().items()}
    theirs = peer.state_dict()
    assert theirs.keys() - ours.keys() == {"logits.weight", "logits.bias"}
    assert ours.keys() <= theirs.keys() and len(ours) == 714
    assert all(torch.equal(v, theirs[k]) for k, v in ours.items())
    peer.classify = False
    for side, other in ((75, 75), (80, 91)):
        x = image(side, other=other)
        features = net(x)
        assert torch.equal(F.normalize(features, p=2, dim=1), peer(x))
        assert (features.norm(dim=1) - 1).abs().min() > 0.1  # not yet normalised
        assert features.min() < 0 < features.max()
    peer.classify = True
    assert torch.equal(peer.logits(features), peer(x))


def test_parameters(empty):
    with torch.device("meta"):
        assert count_parameters(Facenet(pretrained=None)) == count_parameters(empty)
    assert count_parameters(empty) == 23_482_624
    assert (empty.dim, empty.kind) == (512, "image")


def test_the_shape_behind_every_stage(empty):
    assert empty.cuts == ("input", *SHAPES)
    assert list(empty.stages) == [*SHAPES, "last_bn"]
    x = torch.empty(2, 3, 160, 160, device="meta")
    for cut, shape in SHAPES.items():
        assert empty.low(x, cut).shape == (2, *shape)
    assert empty(x).shape == (2, 512)


@torch.no_grad()
def test_every_cut_leads_to_the_same_features(net):
    x = image(76, other=75)
    features_at_every_cut(net, x)


def test_unknown_cuts_and_wrong_inputs(empty):
    text = "InceptionResnetV1 has no cut 'last_bn'; there are input, conv2d_1a"
    for call in (empty.low, empty.high):
        with pytest.raises(ValueError, match=text):
            call(image(), "last_bn")
    text = r"InceptionResnetV1 takes \(B, C, H, W\), found shape \(3, 75, 75\)"
    with pytest.raises(ValueError, match=text):
        empty(torch.zeros(3, 75, 75))


@pytest.mark.parametrize(("height", "width"), [(74, 74), (160, 74), (74, 160), (32, 32)])
def test_too_small_an_image_names_the_side(empty, height, width):
    text = (
        f"InceptionResnetV1 takes images of 75 px or more, found {height}x{width}: "
        r"set data\.side=75 or more \(its public files expect 160\)"
    )
    for call in (empty, lambda x: empty.low(x, "conv2d_1a")):
        with pytest.raises(ValueError, match=text):
            call(torch.empty(2, 3, height, width, device="meta"))


@torch.no_grad()
def test_no_rows(net):
    assert net(image(n=0)).shape == (0, 512)


def test_colour_channels():
    with torch.device("meta"):
        grey = InceptionResnetV1(in_channels=1)
    assert grey.stages["conv2d_1a"].conv.weight.shape == (32, 1, 3, 3)
    assert grey(torch.empty(2, 1, 75, 75, device="meta")).shape == (2, 512)
    assert count_parameters(grey) == 23_482_624 - 2 * 9 * 32
    with pytest.raises(ValueError, match=r"backbone\.in_channels is 0, must be at least 1"):
        InceptionResnetV1(in_channels=0)


@torch.no_grad()
def test_dropout_only_in_training(net):
    layers = [m.p for m in net.modules() if isinstance(m, nn.Dropout)]
    assert layers == [0.6]
    pooled = net.low(image(), "avgpool_1a")
    dropout = net.stages["dropout"]
    assert torch.equal(dropout(pooled), pooled)
    dropout.train()
    torch.manual_seed(0)
    found = dropout(torch.ones(4, 1792))
    dropout.eval()
    assert abs(float((found == 0).double().mean()) - 0.6) < 0.05
    with torch.device("meta"):
        assert InceptionResnetV1(dropout=0.0).stages["dropout"].p == 0.0
    for wrong in (-0.1, 1.5, float("nan")):
        with pytest.raises(ValueError, match=rf"backbone\.dropout is {wrong}, must be from 0"):
            InceptionResnetV1(dropout=wrong)


def test_training_reaches_every_parameter_and_tells_inputs_apart():
    torch.manual_seed(0)
    fresh = InceptionResnetV1(dropout=0.0)
    with torch.no_grad():
        z = F.normalize(fresh.eval()(image(n=4)), dim=1)
    assert torch.pdist(z).min() > 0.05
    weights = torch.randn(512, generator=torch.Generator().manual_seed(1))
    (fresh.train()(image(n=3)) @ weights).pow(2).sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in fresh.parameters())


def test_without_facenet_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "facenet_pytorch", None)
    monkeypatch.setitem(sys.modules, "facenet_pytorch.models.inception_resnet_v1", None)
    text = r"^backbone=inception_resnet needs facenet-pytorch: pip install 'simlearn\[faces\]'$"
    with pytest.raises(ValueError, match=text):
        InceptionResnetV1()


def test_nothing_is_fetched(monkeypatch):
    def forbidden(*_, **__):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket, "socket", forbidden)
    with pytest.raises(AssertionError, match="a connection was opened"):
        socket.create_connection(("127.0.0.1", 9))
    with torch.device("meta"):
        assert InceptionResnetV1().dim == 512
