"""Tran's network: counts, shapes, cuts, and the published pools at 16x112x112."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from simlearn.backbones.base import count_parameters
from simlearn.backbones.c3d import C3D

COUNTS = {
    "conv1": 5_248,
    "conv2": 221_312,
    "conv3a": 884_992,
    "conv3b": 1_769_728,
    "conv4a": 3_539_456,
    "conv4b": 7_078_400,
    "conv5a": 7_078_400,
    "conv5b": 7_078_400,
    "fc6": 33_558_528,
    "fc7": 16_781_312,
}
# channels, frames, height and width behind each stage for 3x16x112x112
SHAPES = {
    "conv1": (64, 16, 112, 112),
    "pool1": (64, 16, 56, 56),
    "conv2": (128, 16, 56, 56),
    "pool2": (128, 8, 28, 28),
    "conv3a": (256, 8, 28, 28),
    "conv3b": (256, 8, 28, 28),
    "pool3": (256, 4, 14, 14),
    "conv4a": (512, 4, 14, 14),
    "conv4b": (512, 4, 14, 14),
    "pool4": (512, 2, 7, 7),
    "conv5a": (512, 2, 7, 7),
    "conv5b": (512, 2, 7, 7),
    "pool5": (512, 1, 4, 4),
    "map": (8192,),
    "fc6": (4096,),
}
THIN = 1 / 64


def clip(frames=16, side=112, n=1, channels=3):
    x = torch.randn(n, channels, frames, side, side, generator=torch.Generator().manual_seed(0))
    return x.contiguous(memory_format=torch.channels_last_3d)


@pytest.fixture(scope="module")
def full():
    """The published size, without memory for its weights."""
    with torch.device("meta"):
        return C3D()


@pytest.fixture(scope="module")
def thin():
    return C3D(width=THIN).eval()


def test_every_layer_has_the_published_number_of_parameters(full):
    counts = {name: count_parameters(stage) for name, stage in full.stages.items()}
    assert {name: n for name, n in counts.items() if n} == COUNTS
    assert sum(n for name, n in counts.items() if name.startswith("conv")) == 27_655_936
    assert count_parameters(full) == 77_995_776
    assert (full.dim, full.kind) == (4096, "clip")


def test_every_convolution_is_3x3x3(full):
    layers = [m for m in full.modules() if isinstance(m, nn.Conv3d)]
    assert len(layers) == 8
    for layer in layers:
        assert layer.kernel_size == (3, 3, 3)
        assert layer.stride == layer.padding == layer.dilation == (1, 1, 1)
        assert layer.groups == 1 and layer.bias is not None
    assert not [m for m in full.modules() if "Norm" in type(m).__name__]


def test_the_shape_behind_every_stage_at_full_width(full):
    assert full.cuts == ("input", *SHAPES)
    x = torch.empty(2, 3, 16, 112, 112, device="meta")
    for cut, shape in SHAPES.items():
        assert full.low(x, cut).shape == (2, *shape)
    assert full(x).shape == (2, 4096)


def test_the_shape_behind_every_stage_at_small_width(thin):
    x = clip()
    for cut, shape in SHAPES.items():
        first = round(shape[0] * THIN)
        assert thin.low(x, cut).shape == (1, first, *shape[1:])
        if cut.startswith(("conv", "fc")):
            assert thin.low(x, cut).min() >= 0
    assert thin(x).shape == (1, 64) and thin.dim == 64


def test_at_the_published_size_it_is_made_of_plain_layers(thin):
    stages = thin.stages
    plain = nn.Sequential(
        *(stages["conv1"], nn.MaxPool3d((1, 2, 2))),
        *(stages["conv2"], nn.MaxPool3d(2)),
        *(stages["conv3a"], stages["conv3b"], nn.MaxPool3d(2)),
        *(stages["conv4a"], stages["conv4b"], nn.MaxPool3d(2)),
        *(stages["conv5a"], stages["conv5b"], nn.MaxPool3d(2, padding=(0, 1, 1))),
        nn.Flatten(),
        *(stages["fc6"], stages["fc7"]),
    ).eval()
    x = clip(n=2)
    assert torch.equal(thin(x), plain(x))
    assert torch.equal(thin.low(x, "map"), thin.low(x, "pool5").flatten(1))


@pytest.mark.parametrize(
    ("frames", "side"), [(1, 16), (16, 16), (1, 112), (2, 20), (8, 32), (3, 1), (5, 17)]
)
def test_any_length_and_size(thin, frames, side):
    x = clip(frames, side, n=2)
    features = thin(x)
    assert features.shape == (2, 64) and torch.isfinite(features).all()
    assert thin.low(x, "map").shape == (2, 128)


@pytest.mark.parametrize(("frames", "side"), [(16, 112), (1, 16)])
def test_every_cut_leads_to_the_same_features(thin, frames, side):
    x = clip(frames, side, n=2)
    before, features = x.clone(), thin(x)
    for cut in thin.cuts:
        h = thin.low(x, cut)
        kept = h.clone()
        assert torch.equal(thin.high(h, cut), features)
        assert torch.equal(h, kept)  # stored activations are used again
    assert torch.equal(x, before)


def test_unknown_cuts_and_wrong_inputs(thin):
    with pytest.raises(ValueError, match="C3D has no cut 'fc7'; there are input, conv1, pool1"):
        thin.low(clip(1, 16), "fc7")
    with pytest.raises(ValueError, match="C3D has no cut 'conv9'"):
        thin.high(clip(1, 16), "conv9")
    for call in (thin, lambda x: thin.low(x, "conv1")):
        with pytest.raises(ValueError, match=r"C3D takes \(B, C, T, H, W\), found shape \(3, 16"):
            call(torch.zeros(3, 16, 112, 112))


@pytest.mark.parametrize("width", [0.5, 0.125, 2.0])
def test_width_scales_every_layer(full, width):
    with torch.device("meta"):
        scaled = C3D(width=width)
    for name, wanted in full.stages.items():
        if name in COUNTS:
            found = scaled.stages[name][0].weight.shape
            full_size = wanted[0].weight.shape
            assert found[0] == full_size[0] * width
            assert found[1] == (3 if name == "conv1" else full_size[1] * width)
    assert scaled.dim == 4096 * width


def test_the_narrowest_network_still_runs():
    net = C3D(width=1e-6).eval()
    assert net.dim == 1 and net(clip(2, 16)).shape == (1, 1)
    with pytest.raises(ValueError, match=r"backbone\.width is 0"):
        C3D(width=0)


def test_colour_channels():
    net = C3D(width=THIN, in_channels=1).eval()
    assert net(clip(4, 16, channels=1)).shape == (1, 64)
    assert net.stages["conv1"][0].weight.shape[1] == 1


def test_dropout_only_in_training():
    net = C3D(width=THIN)
    x = clip(2, 16)
    assert [m.p for m in net.modules() if isinstance(m, nn.Dropout)] == [0.5, 0.5]
    torch.manual_seed(0)
    net.train()
    assert not torch.equal(net.low(x, "fc6"), net.low(x, "fc6"))
    assert torch.equal(net.low(x, "map"), net.low(x, "map"))
    net.eval()
    assert torch.equal(net(x), net(x))
    without = C3D(width=THIN, dropout=0.0).train()
    without.load_state_dict(net.state_dict())
    assert torch.equal(without(x), net(x))
    with pytest.raises(ValueError, match="dropout"):
        C3D(width=THIN, dropout=1.5)


def test_every_parameter_learns():
    net = C3D(width=0.125, dropout=0.0)
    net(clip(4, 32, n=4)).pow(2).sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


def test_the_weights_lie_channels_last():
    for module in C3D(width=0.125).modules():
        if isinstance(module, nn.Conv3d):
            assert module.weight.is_contiguous(memory_format=torch.channels_last_3d)


def test_weights_of_a_file(tmp_path):
    one, path = C3D(width=THIN), tmp_path / "c3d.pt"
    torch.save(one.state_dict(), path)
    other = C3D(width=THIN, weights=path)
    x = clip(2, 16)
    assert torch.equal(other.eval()(x), one.eval()(x))
    with pytest.raises(ValueError, match=r"backbone\.weights=.*no such file"):
        C3D(width=THIN, weights=tmp_path / "none.pt")


def test_an_untrained_network_tells_inputs_apart():
    """PyTorch's default weights let ten ReLU layers without a norm map all inputs to one point."""
    torch.manual_seed(0)
    network = C3D(width=0.25).eval()
    with torch.no_grad():
        z = torch.nn.functional.normalize(network(torch.randn(6, 3, 8, 32, 32)), dim=1)
    assert torch.pdist(z).min() > 0.05


def test_no_colour_channel():
    with pytest.raises(ValueError, match=r"backbone\.in_channels is 0, must be at least 1"):
        C3D(width=0.02, in_channels=0)


def test_small_frames_keep_a_map_of_4x4():
    net = C3D(width=0.02)
    for side in (16, 20, 32, 64, 112):
        assert net.low(torch.zeros(1, 3, 4, side, side), "pool5").shape[-2:] == (
            (4, 4) if side != 20 else (5, 5)
        )
