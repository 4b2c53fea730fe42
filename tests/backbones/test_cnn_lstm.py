"""ConvNet per frame and LSTM: a loop over frames and steps, counts, cuts, causality."""

from __future__ import annotations

import inspect
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.backbones.base import count_parameters
from simlearn.backbones.cnn_lstm import CNNLSTM, ReadSteps, StepLSTM, read_steps
from simlearn.backbones.convnet import ConvNet
from tests.backbones.contract import features_at_every_cut

THIN = 0.125
CUTS = ("input", "block1", "block2", "block3", "conv4", "block4", "map", "lstm")


def clip(n=2, channels=3, frames=4, height=16, width=None):
    g = torch.Generator().manual_seed(0)
    return torch.randn(n, channels, frames, height, width or height, generator=g)


def seeded(seed=0, **arguments):
    torch.manual_seed(seed)
    return CNNLSTM(**arguments)


def sigmoid(v):
    return 1 / (1 + np.exp(-v))


def naive_lstm(x, lstm):
    """One row, layer and step at a time; x (B, C, T), torch's gates i, f, g, o."""
    rows = []
    for row in x.detach().numpy():
        steps = list(row.T)
        for tensors in lstm.all_weights:
            w_x, w_h, b_x, b_h = (w.detach().numpy() for w in tensors)
            h = c = np.zeros(w_h.shape[1])
            out = []
            for step in steps:
                i, f, g, o = np.split(w_x @ step + w_h @ h + b_x + b_h, 4)
                c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
                h = sigmoid(o) * np.tanh(c)
                out.append(h)
            steps = out
        rows.append(np.stack(steps, axis=1))
    return torch.from_numpy(np.stack(rows))


@pytest.mark.parametrize("read", ["last", "mean"])
@pytest.mark.parametrize(("layers", "frames"), [(1, 1), (1, 5), (2, 3), (3, 4)])
def test_against_convnet_and_a_loop_over_steps(read, layers, frames):
    net = seeded(width=THIN, hidden=40, layers=layers, read=read).double()
    for p in net.parameters():
        p.data.add_(0.1 * torch.randn(p.shape, generator=torch.Generator().manual_seed(p.ndim)))
    images = ConvNet(width=THIN).double()
    names = images.state_dict()
    own = {k.replace(".layer", ""): v for k, v in net.state_dict().items()}
    images.load_state_dict({k: own[k] for k in names})
    x = clip(frames=frames, height=19).double()
    each = torch.stack([images(x[:, :, t]) for t in range(frames)], dim=2)
    assert torch.allclose(net.low(x, "map"), each, atol=1e-12)
    out = naive_lstm(each, net.stages["lstm"].lstm)
    assert out.shape == (2, 5, frames)
    assert torch.allclose(net.low(x, "lstm"), out, atol=1e-12)
    wanted = out[:, :, -1] if read == "last" else out.sum(2) / frames
    assert torch.allclose(net(x), wanted, atol=1e-12)


def test_parameters_by_hand():
    found = {name: count_parameters(stage) for name, stage in CNNLSTM().stages.items()}
    assert {name: n for name, n in found.items() if n} == {
        "block1": 9 * 3 * 64 + 128,
        "block2": 9 * 64 * 64 + 128,
        "block3": 9 * 64 * 64 + 128,
        "conv4": 9 * 64 * 64 + 128,
        "lstm": 4 * 256 * (256 + 256 + 2),
    }
    assert sum(found.values()) == 639_168
    two = CNNLSTM(layers=2)
    assert count_parameters(two) == 639_168 + 4 * 256 * (256 + 256 + 2)
    assert (two.dim, two.kind, two.cuts) == (256, "clip", CUTS)


@pytest.mark.parametrize(("width", "channels", "dim"), [(0.5, 32, 50), (1e-9, 1, 1)])
def test_width_scales_every_layer(width, channels, dim):
    net = CNNLSTM(width=width, hidden=100, layers=2)
    features = 4 * channels
    stem = 27 * channels + 3 * 9 * channels**2 + 4 * 2 * channels
    lstm = 4 * dim * (features + dim + 2) + 4 * dim * (2 * dim + 2)
    assert count_parameters(net) == stem + lstm
    assert net.dim == dim and net(clip()).shape == (2, dim)


def test_first_weights():
    torch.manual_seed(0)
    lstm = StepLSTM(6, 4, 2).lstm
    for w_x, w_h, bias, second in lstm.all_weights:
        i, f, g, o = bias.detach().chunk(4)
        assert (f == 1).all() and not torch.cat([i, g, o, second.detach()]).any()
        for gate in w_h.detach().chunk(4):
            assert torch.allclose(gate @ gate.T, torch.eye(4), atol=1e-5)
        bound = (6 / (w_x.shape[1] + 4)) ** 0.5
        assert 0.8 * bound < w_x.abs().max() <= bound


@given(
    st.integers(8, 33),
    st.integers(8, 33),
    st.integers(1, 9),
    st.integers(0, 3),
    st.integers(1, 2),
    st.sampled_from(["last", "mean"]),
)
@settings(max_examples=25)
def test_every_cut_leads_to_the_same_features(height, width, frames, n, layers, read):
    net = CNNLSTM(width=THIN, layers=layers, read=read).eval()
    x = clip(n, 3, frames, height, width)
    assert features_at_every_cut(net, x).shape == (n, 32) and net.cuts == CUTS
    for cut in net.cuts:
        h = net.low(x, cut)
        assert h.shape[0] == n and h.shape[2] == frames


def test_an_empty_batch_keeps_the_graph():
    net = seeded(width=THIN)
    x = clip(0).requires_grad_()
    features = net(x)
    assert features.shape == (0, 32)
    features.sum().backward()
    assert x.grad.shape == (0, 3, 4, 16, 16)
    assert all(p.grad is not None and not p.grad.any() for p in net.stages["lstm"].parameters())


def test_a_frame_changes_nothing_before_it():
    net = seeded(width=0.25, layers=2).eval()
    x = clip(frames=6)
    for t in range(6):
        changed = x.clone()
        changed[:, :, t, 4:12, 4:12] += 2
        before, after = net.low(x, "lstm"), net.low(changed, "lstm")
        assert torch.equal(before[:, :, :t], after[:, :, :t])
        assert (before[:, :, t:] - after[:, :, t:]).abs().amax((0, 1)).min() > 1e-6


def test_the_order_of_the_frames_counts():
    x = clip(frames=5)
    for read in ("last", "mean"):
        net = seeded(width=0.25, read=read).eval()
        assert (net(x) - net(x.flip(2))).abs().max() > 1e-3


def test_no_sample_depends_on_its_batch_nor_on_training():
    net = seeded(width=0.5, layers=2).double()
    x = clip(n=3).double()
    assert torch.allclose(net(x)[1:2], net(x[1:2]), atol=1e-12)
    assert torch.equal(net.train()(x), net.eval()(x))


def test_layouts_and_half_precision_agree_with_the_plain_input():
    net = seeded(width=0.25).eval()
    x = clip()
    features = net(x)
    last = x.contiguous(memory_format=torch.channels_last_3d)
    assert torch.allclose(net(last), features, atol=1e-5)
    with torch.autocast("cpu", torch.bfloat16):
        half = net(x)
    assert torch.allclose(half.float(), features, atol=0.02)


@pytest.mark.parametrize("read", ["last", "mean"])
def test_gradients(read):
    net = seeded(width=2 / 64, hidden=64, read=read, in_channels=1).double()
    x = clip(1, 1, 3, 8).double().requires_grad_()
    assert torch.autograd.gradcheck(net, (x,))
    net = seeded(width=0.5, layers=2, read=read)
    net(clip()).pow(2).sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


def test_the_reading():
    x = torch.tensor([[[1.0, 2.0, 6.0], [0.0, 0.0, 3.0]]])
    assert torch.equal(read_steps(x, "last"), torch.tensor([[6.0, 3.0]]))
    assert torch.equal(ReadSteps("mean")(x), torch.tensor([[3.0, 1.0]]))
    assert read_steps(x[:0], "mean").shape == (0, 2)
    assert "read='mean'" in repr(ReadSteps("mean"))


def test_unknown_cuts_and_wrong_inputs():
    net = CNNLSTM(width=THIN)
    wanted = f"CNNLSTM has no cut 'read'; there are {', '.join(CUTS)}"
    for call in (net.low, net.high):
        with pytest.raises(ValueError, match=wanted):
            call(clip(), "read")
    with pytest.raises(ValueError, match=r"CNNLSTM takes \(B, C, T, H, W\), found shape \(2, 3, 8"):
        net(torch.zeros(2, 3, 8, 8))
    for h, cut in (((2, 3, 0, 8, 8), "input"), ((2, 32, 0), "map"), ((2, 32, 0), "lstm")):
        with pytest.raises(ValueError, match=r"a clip needs at least one frame, found shape \(2,"):
            net.high(torch.zeros(h), cut)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"read": "first"}, r"backbone\.read is 'first', must be one of last, mean"),
        ({"hidden": 0}, r"backbone\.hidden is 0, must be at least 1"),
        ({"layers": -1}, r"backbone\.layers is -1, must be at least 1"),
        ({"in_channels": 0}, r"backbone\.in_channels is 0, must be at least 1"),
        ({"width": 0}, r"backbone\.width is 0, must be a positive number"),
    ],
)
def test_wrong_arguments(arguments, text):
    with pytest.raises(ValueError, match=text):
        CNNLSTM(**arguments)


def test_colour_channels_and_weights_of_a_file(tmp_path):
    one = seeded(1, width=THIN, in_channels=1, layers=2)
    torch.save(one.state_dict(), tmp_path / "net.pt")
    other = CNNLSTM(width=THIN, in_channels=1, layers=2, weights=tmp_path / "net.pt")
    assert torch.equal(one(clip(channels=1)), other(clip(channels=1)))
    with pytest.raises(ValueError, match="weights of another backbone than CNNLSTM"):
        CNNLSTM(width=THIN, in_channels=1, weights=tmp_path / "net.pt")


def test_the_option_file_names_every_argument_with_its_default():
    path = Path(__file__).parents[2] / "configs" / "backbone" / "cnn_lstm.yaml"
    values = yaml.safe_load(path.read_text())
    assert values.pop("class") == "CNNLSTM"
    known = inspect.signature(CNNLSTM).parameters
    assert values == {name: p.default for name, p in known.items()}
