"""Faces that arrive one experience after another: clips, and still images of them, end to end."""

from __future__ import annotations

import json

import pytest
import torch

import simlearn
from simlearn.config.errors import ConfigError

COMMON = (
    "data.identities=4",
    "data.videos=3",
    "data.video_frames=6",
    "data.image_side=32",
    "data.base_classes=2",
    "data.classes_per_experience=2",
    "data.clips_per_video=2",
    "sampler.classes_per_batch=2",
    "sampler.samples_per_class=2",
    "head.hidden=8",
    "head.dim=4",
    "trainer=cpu",
    "trainer.max_steps=2",
    "trainer.log_every=1",
    "evaluation.ideal=null",
    "evaluation.bootstrap=20",
    "evaluation.pictures=[2]",
    "logger.tensorboard=false",
)
CLIPS = ("backbone=conv3d_small", "data.frames=3", "data.stride=1", "data.side=16")
STILLS = ("backbone=convnet", "data.frames=1", "data.side=16", "data.still_images=true")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Runs a recipe on drawn faces that are drawn once."""
    home = tmp_path_factory.mktemp("incremental")

    def run(name, *words):
        places = (f"data.cache={home / 'cache'}", f"run_dir={home / name}")
        data = "data=synthetic_faces_classes"
        given = [data, *COMMON, *places, "backbone.width=0.1", *words]
        simlearn.run("incremental_triplet_finetune", given)
        return home / name

    return run


@pytest.mark.parametrize(("name", "words"), [("clips", CLIPS), ("stills", STILLS)])
def test_two_experiences(run, name, words):
    augmented = ("data.flip=true", "data.shift=1", "data.rotations=true")
    folder = run(name, *words, "backbone.in_channels=3", *augmented)
    metrics = json.loads((folder / "metrics.json").read_text())
    matrix = metrics["accuracy_matrix"]
    assert len(matrix) == 2 and matrix[0][1] is None
    assert all(0 <= value <= 1 for row in matrix for value in row if value is not None)
    assert metrics["protocol"]["still_images"] == (name == "stills")
    assert metrics["train"]["steps"] == 4
    assert metrics["test"]["ncm_all"]["n"] == 4 * 2  # people, one test video of each, two clips
    model = simlearn.load(folder)
    shape = (2, 3, 3, 16, 16) if name == "clips" else (2, 3, 16, 16)
    items = torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(0))
    assert model.embed(items.to(torch.uint8)).z.shape == (2, 4)


def test_videos_as_classes_are_no_data_for_metric_learning(tmp_path):
    words = ["data=synthetic_faces_classes", f"run_dir={tmp_path / 'run'}", "trainer=cpu"]
    with pytest.raises(ConfigError, match=r"data \(SyntheticFacesClasses\) does not belong"):
        simlearn.run("quickstart", words)
