"""``simlearn.load``: the network of a run embeds new pictures as the run itself did."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest
import torch
from safetensors import safe_open

import simlearn
from simlearn.data.errors import DataError
from simlearn.evaluation import Embeddings
from simlearn.runner import resume
from tests.tiny import TINY


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    words = [*TINY, "trainer.max_steps=3", f"data.root={folder / 'tree'}"]
    simlearn.run("quickstart", [*words, f"data.cache={folder}", f"run_dir={folder / 'run'}"])
    return folder


def names(folder):
    with safe_open(folder / "run/embeddings.safetensors", "pt") as file:
        return list(json.loads(file.metadata()["group"]).values())


def test_folders_of_frames_are_embedded_as_in_the_run(finished):
    model = simlearn.load(finished / "run")
    folders = [finished / "tree/aligned_images_DB" / name for name in names(finished)]
    found = model.embed(folders)
    saved = Embeddings.load(finished / "run/embeddings.safetensors")
    assert len(found) == len(saved) == 6
    assert torch.allclose(found.z, saved.z, atol=1e-6)
    assert found.y.tolist() == [-1] * 6


def test_one_image_and_tensors(finished):
    model = simlearn.load(finished / "run")
    image = sorted((finished / "tree/aligned_images_DB").rglob("*.jpg"))[0]
    assert model.embed([image]).z.shape == (1, 128)
    x = torch.randn(2, 3, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(model.embed(x).z, model.embed([x[0], x[1]]).z, atol=1e-6)


def test_mistakes(finished, tmp_path):
    model = simlearn.load(finished / "run")
    with pytest.raises(DataError, match="no such file or folder"):
        model.embed([tmp_path / "nowhere"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no image"):
        model.embed([tmp_path / "empty"])
    with pytest.raises(ValueError, match="nothing to embed"):
        model.embed([])
    with pytest.raises(ValueError, match=r"config\.yaml"):
        simlearn.load(tmp_path)


def test_the_file_of_first_weights_is_not_needed_again(finished, tmp_path):
    weights = shutil.copy(finished / "run/checkpoints/last.ckpt", tmp_path / "first.ckpt")
    words = [*TINY, "trainer.max_steps=3", f"data.root={finished / 'tree'}"]
    run_dir = tmp_path / "run"
    words += [f"data.cache={finished}", f"run_dir={run_dir}", f"backbone.weights={weights}"]
    first = simlearn.run("quickstart", words)
    (tmp_path / "first.ckpt").unlink()
    simlearn.load(run_dir)
    (run_dir / "metrics.json").unlink()
    again = resume(run_dir)
    assert again is not None
    assert again.metrics == first.metrics and again.baselines == first.baselines


def test_an_untrained_network_can_be_loaded(finished, tmp_path):
    words = [*TINY, "trainer.max_epochs=0", f"data.root={finished / 'tree'}"]
    words += [f"data.cache={finished}", f"run_dir={tmp_path / 'run'}"]
    report = simlearn.run("quickstart", words)
    assert report.metrics == report.baselines["untrained"]
    assert simlearn.load(tmp_path / "run").embed(torch.randn(1, 3, 4, 16, 16)).z.shape == (1, 128)


def test_paths_for_a_network_of_boxed_faces(finished):
    model = simlearn.load(finished / "run")
    model.source = replace(model.source, images="frame")
    with pytest.raises(ValueError, match=r"data\.images=frame.*give tensors"):
        model.embed([finished / "tree/frame_images_DB"])
