"""Weights come back from every kind of file, or not at all and with a reason."""

from __future__ import annotations

import pickle

import pytest
import torch

from simlearn.backbones.c3d import C3D
from simlearn.backbones.conv3d import Conv3DNet
from simlearn.backbones.convnet import ConvNet
from simlearn.backbones.head import LinearHead
from simlearn.backbones.inception import Inception
from simlearn.backbones.inception_small import InceptionSmall
from simlearn.backbones.weights import CLASSIFIERS, load_weights, match_names, read_state_dict

WIDTH = 1 / 64


class Harmful:
    """Would write a file if it were unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def c3d(seed, width=WIDTH):
    torch.manual_seed(seed)
    return C3D(width=width)


def small(seed):
    torch.manual_seed(seed)
    return Conv3DNet(width=0.125)


def googlenet(seed):
    torch.manual_seed(seed)
    return Inception(width=1 / 32)


def inception_small(seed):
    torch.manual_seed(seed)
    return InceptionSmall(width=0.125, norm="batch")


def bare(backbone):
    """``stages.conv1.conv.weight`` as public files of GoogLeNet call it: ``conv1.conv.weight``."""
    return {k.removeprefix("stages."): v for k, v in backbone.state_dict().items()}


def equal(one, other):
    return all(torch.equal(v, other.state_dict()[k]) for k, v in one.state_dict().items())


def public_names(backbone):
    """``stages.conv1.0.weight`` as public files call it: ``conv1.weight``."""
    return {
        f"{name.split('.')[1]}.{name.split('.')[-1]}": tensor
        for name, tensor in backbone.state_dict().items()
    }


def saved(tmp_path, content):
    torch.save(content, tmp_path / "weights.pt")
    return tmp_path / "weights.pt"


ALL = [c3d, small, googlenet, inception_small]


@pytest.mark.parametrize("make", ALL)
def test_a_state_dict_comes_back(tmp_path, make):
    one, other = make(1), make(2)
    assert not equal(one, other)
    load_weights(other, saved(tmp_path, one.state_dict()))
    assert equal(one, other)


@pytest.mark.parametrize("make", ALL)
def test_a_checkpoint_with_a_head_and_other_content(tmp_path, make):
    one, other = make(1), make(2)
    state = {f"backbone.{k}": v for k, v in one.state_dict().items()}
    state |= {f"head.{k}": v for k, v in LinearHead(one.dim, 4).state_dict().items()}
    content = {
        "epoch": 3,
        "global_step": 17,
        "state_dict": state,
        "optimizer_states": [{"state": {0: {"step": torch.tensor(3.0)}}}],
        "hyper_parameters": {"margin": 0.2},
    }
    load_weights(other, saved(tmp_path, content))
    assert equal(one, other)


@pytest.mark.parametrize("nested", [False, True])
def test_a_public_c3d_file_without_its_last_layer(tmp_path, nested):
    one, other = c3d(1), c3d(2)
    state = public_names(one)
    assert {"conv1.weight", "conv3b.bias", "fc6.weight", "fc7.bias"} <= state.keys()
    assert len(state) == 20
    state |= {"fc8.weight": torch.zeros(487, one.dim), "fc8.bias": torch.zeros(487)}
    load_weights(other, saved(tmp_path, {"state_dict": state} if nested else state))
    assert equal(one, other)


def test_names_are_matched():
    wanted = {"stages.conv1.0.weight": torch.zeros(1), "stages.fc6.0.bias": torch.zeros(1)}
    a, b = torch.ones(1), torch.ones(2)
    ours = {"stages.conv1.0.weight": a, "stages.fc6.0.bias": b}
    assert match_names(ours, wanted) == ours
    assert match_names({f"backbone.{k}": v for k, v in ours.items()}, wanted) == ours
    public = {"conv1.weight": a, "fc6.bias": b, "fc8.bias": b, "optimizer": a}
    assert match_names(public, wanted) == ours
    assert match_names({"other": a}, wanted) == {}
    assert match_names({}, wanted) == {}


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("make", ALL)
def test_a_file_without_stages_in_its_names(tmp_path, make, nested):
    one, other = make(1), make(2)
    state = bare(one)
    for layer in ("fc", "fc8", "aux1.fc2", "aux2.conv.bn", "logits"):
        state |= {f"{layer}.weight": torch.zeros(8631, 512), f"{layer}.bias": torch.zeros(8631)}
        assert layer.split(".")[0] in CLASSIFIERS
    load_weights(other, saved(tmp_path, {"state_dict": state} if nested else state))
    assert equal(one, other)


@pytest.mark.parametrize("make", ALL)
@pytest.mark.parametrize(
    "name", ["fc6b.weight", "fcx.weight", "logit.bias", "auxiliary.weight", "stages.fc.weight"]
)
def test_other_layers_are_not_left_out(tmp_path, make, name):
    state = {**bare(make(1)), name: torch.zeros(3)}
    assert f"{name} is not known" in refused(make(2), saved(tmp_path, state))


def test_one_layer_missing_in_a_file_without_stages(tmp_path):
    state = {k: v for k, v in bare(googlenet(1)).items() if not k.startswith("inception4b.branch2")}
    text = refused(googlenet(2), saved(tmp_path, state))
    assert "stages.inception4b.branch2.0.conv.weight is missing" in text
    assert " and 7 more" in text  # of 2 x 5 values; the two counts of batches may be missing


@pytest.mark.parametrize("make", [googlenet, inception_small])
@pytest.mark.parametrize("prefix", ["", "stages.", "backbone.stages."])
def test_the_count_of_batches_may_be_missing(tmp_path, make, prefix):
    one, other = make(1), make(2)
    x = torch.randn(3, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    for seen, net in ((2, one), (1, other)):
        for _ in range(seen):
            net.train()(x)
    state = bare(one)
    dropped = [k for k in state if k.endswith("num_batches_tracked")]
    assert len(dropped) > 30
    load_weights(other, saved(tmp_path, {prefix + k: state[k] for k in state.keys() - dropped}))
    assert torch.equal(one.eval()(x), other.eval()(x))
    assert all(int(bare(other)[k]) == 1 for k in dropped)  # its own, as before
    load_weights(other, saved(tmp_path, {prefix + k: v for k, v in state.items()}))
    assert equal(one, other) and all(int(bare(other)[k]) == 2 for k in dropped)


def test_only_the_count_of_batches_may_be_missing(tmp_path):
    state = {k: v for k, v in bare(googlenet(1)).items() if "running_var" not in k}
    text = refused(googlenet(2), saved(tmp_path, state))
    assert "stages.conv1.bn.running_var is missing" in text and " and 54 more" in text


def test_files_of_one_network_in_another(tmp_path):
    thin, deep = c3d(1), googlenet(1)
    text = refused(deep, saved(tmp_path, public_names(thin)))
    assert "weights of another backbone than Inception" in text
    text = refused(thin, saved(tmp_path, bare(deep)))
    assert "weights of another backbone than C3D" in text
    text = refused(inception_small(1), saved(tmp_path, bare(deep)))
    assert "weights of another backbone than InceptionSmall" in text


def test_bare_names_are_matched():
    wanted = {"stages.a.conv.weight": torch.zeros(1), "stages.a.bn.bias": torch.zeros(1)}
    a, b = torch.ones(1), torch.ones(2)
    public = {"a.conv.weight": a, "a.bn.bias": b, "fc.weight": b, "aux1.conv.weight": a, "new": a}
    assert match_names(public, wanted) == {
        "stages.a.conv.weight": a,
        "stages.a.bn.bias": b,
        "new": a,
    }
    # a layer of ours that is called like a classifier is ours
    named = {"stages.fc.weight": torch.zeros(1)}
    assert match_names({"fc.weight": a, "fc.bias": b}, named) == {"stages.fc.weight": a}


def test_the_device_order_and_precision_of_the_file_do_not_matter(tmp_path):
    one, other = small(1), small(2)
    load_weights(other, saved(tmp_path, {k: v.double() for k, v in one.state_dict().items()}))
    assert equal(one, other)
    assert all(p.dtype == torch.float32 for p in other.parameters())
    conv = other.stages["conv1"][0].weight
    assert conv.is_contiguous(memory_format=torch.channels_last_3d)


def refused(backbone, path):
    """The text of the error; the backbone must be as it was."""
    before = {k: v.clone() for k, v in backbone.state_dict().items()}
    with pytest.raises(ValueError, match=r"^backbone\.weights=") as caught:
        load_weights(backbone, path)
    for name, value in backbone.state_dict().items():
        assert torch.equal(value, before[name])
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_another_backbone(tmp_path):
    path = saved(tmp_path, small(1).state_dict())
    text = refused(c3d(2), path)
    assert "weights of another backbone than C3D" in text
    assert "stages.conv1.0.bias is missing" in text
    assert "Choose the backbone and width they were trained with" in text
    public = saved(tmp_path, public_names(c3d(1)))
    assert "weights of another backbone than Conv3DNet" in refused(small(2), public)


def test_another_width_names_both_shapes_and_counts_the_rest(tmp_path):
    text = refused(c3d(2), saved(tmp_path, c3d(1, width=2 / 64).state_dict()))
    wanted = "stages.conv1.0.weight has shape (2, 3, 3, 3, 3), needed (1, 3, 3, 3, 3)"
    assert wanted in text and "and 17 more" in text


@pytest.mark.parametrize("make", ["plain", "backbone.", "public"])
def test_one_layer_missing(tmp_path, make):
    state = public_names(c3d(1)) if make == "public" else c3d(1).state_dict()
    prefix = make if make == "backbone." else ""
    state = {prefix + k: v for k, v in state.items() if "fc7" not in k}
    text = refused(c3d(2), saved(tmp_path, state))
    assert "stages.fc7.0.weight is missing; stages.fc7.0.bias is missing)" in text


def test_one_layer_too_many(tmp_path):
    state = {**c3d(1).state_dict(), "stages.fc9.0.weight": torch.zeros(2)}
    assert "stages.fc9.0.weight is not known" in refused(c3d(2), saved(tmp_path, state))


def test_missing_file_and_folder(tmp_path):
    assert "no such file" in refused(small(1), tmp_path / "none.pt")
    assert "not a file of plain tensors (IsADirectoryError)" in refused(small(1), tmp_path)


@pytest.mark.parametrize("data", [b"", b"hello", b"PK\x03\x04 half a zip", bytes(5000)])
def test_garbage(tmp_path, data):
    path = tmp_path / "weights.pt"
    path.write_bytes(data)
    assert "not a file of plain tensors" in refused(small(1), path)


def test_a_file_cut_short(tmp_path):
    path = saved(tmp_path, small(1).state_dict())
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    assert "not a file of plain tensors" in refused(small(2), path)


@pytest.mark.parametrize("how", ["torch", "pickle"])
def test_a_pickled_object_is_not_run(tmp_path, how):
    target, path = tmp_path / "harmed", tmp_path / "weights.pt"
    content = {"state_dict": small(1).state_dict(), "extra": Harmful(target)}
    if how == "torch":
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps(content, protocol=2))
    assert "not a file of plain tensors" in refused(small(2), path)
    assert not target.exists()


@pytest.mark.parametrize(
    "content",
    [
        {},
        [],
        3,
        torch.zeros(2),
        {"state_dict": {}},
        {"state_dict": torch.zeros(2)},
        {"state_dict": [torch.zeros(2)]},
        {"state_dict": None},
        {0: torch.zeros(2)},
        {"weights": [1.0, 2.0]},
        {"model": {"conv1.weight": torch.zeros(2)}},
    ],
)
def test_a_file_of_something_else(tmp_path, content):
    assert "holds no tensors by name" in refused(small(1), saved(tmp_path, content))


def test_only_tensors_with_names_are_read(tmp_path):
    content = {"a": torch.ones(2), 3: torch.ones(2), "b": 7, "c": [torch.ones(1)]}
    state = read_state_dict(saved(tmp_path, content))
    assert list(state) == ["a"] and torch.equal(state["a"], torch.ones(2))


def test_names_of_data_parallel_are_taken(tmp_path):
    net = ConvNet(width=0.1)
    state = {f"module.{k}": v for k, v in net.state_dict().items()}
    torch.save(state, tmp_path / "w.pt")
    other = ConvNet(width=0.1, weights=tmp_path / "w.pt")
    for name, value in net.state_dict().items():
        assert torch.equal(value, other.state_dict()[name])
