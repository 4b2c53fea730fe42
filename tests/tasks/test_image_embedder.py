"""``simlearn.load`` of a run over experiences: images of bytes and of scaled numbers."""

from __future__ import annotations

import pytest
import torch

import simlearn
from simlearn.data.errors import DataError
from simlearn.tasks.image_embedder import ImageEmbedder
from simlearn.trainer.checkpoint import CheckpointError
from tests.tasks.incremental_case import GENERATOR, digits, make_parts, run, stream

FEW = ("evaluation.ideal=null", "evaluation.diagnostics=false", "evaluation.pictures=[]")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a run with centre loss, whose tables have grown."""
    folder = tmp_path_factory.mktemp("run")
    run(folder, *FEW, recipe="incremental_center_finetune")
    return folder


@pytest.fixture(scope="module")
def images():
    return digits(make_parts()).splits["test"].x[:7]


def test_the_weights_are_those_after_the_last_experience(finished):
    model = simlearn.load(finished)
    assert isinstance(model, ImageEmbedder) and not model.network.training
    kept = stream(finished)["state_dict"]
    assert kept["loss.centers"].shape[0] == 6
    for name, value in model.network.state_dict().items():
        assert torch.equal(value, kept[name]), name


def test_bytes_and_scaled_numbers_are_the_same(finished, images):
    model = simlearn.load(finished)
    found = model.embed(images)
    assert found.z.shape == (7, 8) and found.z.dtype == torch.float32
    assert found.y.tolist() == found.group.tolist() == [-1] * 7
    assert found.index.tolist() == list(range(7))
    scaled = (images.double() / 255 - 0.3053) / 0.3759
    for items in (scaled, scaled.float(), list(images), tuple(scaled.float())):
        assert torch.allclose(model.embed(items).z, found.z, atol=1e-5)
    with torch.no_grad():
        assert torch.equal(model(model.scale(images)), found.z)
    assert torch.allclose(model.embed(images[2:3]).z, found.z[2:3], atol=1e-6)


def test_a_network_with_frozen_layers_is_loaded_too(tmp_path, images):
    run(tmp_path, *FEW, *GENERATOR, recipe="incremental_triplet_vae")
    assert simlearn.load(tmp_path).embed(images).z.shape == (7, 8)


def test_mistakes(finished, images, tmp_path):
    model = simlearn.load(finished)
    for nothing in ([], ()):
        with pytest.raises(ValueError, match="nothing to embed"):
            model.embed(nothing)
    with pytest.raises(DataError, match=r"one\.png: this network was trained on a data set"):
        model.embed([images[0], "one.png"])
    with pytest.raises(DataError, match=r"torch\.int64: give uint8"):
        model.embed(images.long())
    with pytest.raises(ValueError, match=r"takes \(B, C, H, W\), found shape \(1, 8, 8\)"):
        model.embed(images[0])
    with pytest.raises(ValueError, match=r"config\.yaml"):
        simlearn.load(tmp_path)


def test_a_damaged_or_foreign_checkpoint(tmp_path):
    run(tmp_path, *FEW)
    path = tmp_path / "checkpoints/stream.ckpt"
    content = stream(tmp_path)
    content["state_dict"].popitem()
    torch.save(content, path)
    with pytest.raises(CheckpointError, match=r"(?s)stream\.ckpt: .*Missing key"):
        simlearn.load(tmp_path)
    path.unlink()
    with pytest.raises(CheckpointError, match="no checkpoint there"):
        simlearn.load(tmp_path)
