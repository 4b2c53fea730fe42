"""Every recipe's smoke run, from Python; one per task through its command line."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from omegaconf import OmegaConf

import simlearn
from simlearn.config.compose import compose
from simlearn.runner import targets
from tests.tiny import train

RECIPES = sorted((Path(__file__).resolve().parents[2] / "recipes").glob("*.yaml"))
LOSSES = {"triplet": "TripletLoss", "contrastive": "ContrastiveLoss"}
BACKBONES = {
    "inception": "Inception",
    "c3d": "C3D",
    "lstm2d": "ConvLSTM2D",
    "inception_resnet": "InceptionResnetV1",
}
CARDS = {path.stem: yaml.safe_load(path.read_text())["card"] for path in RECIPES}


def test_there_are_recipes():
    paper = {f"{loss}_{net}" for loss in LOSSES for net in ("inception", "c3d", "lstm2d")}
    assert {"quickstart", "triplet_inception_resnet"} | paper <= set(CARDS)


def composed(name):
    """What a recipe says of YouTube Faces."""
    return OmegaConf.to_container(compose([f"recipe={name}", "data.root=x"], targets()).config)


def test_the_recipes_of_the_paper_differ_in_loss_and_backbone_alone():
    base = composed("triplet_c3d")
    names = [name for name in CARDS if CARDS[name]["paper"] == "huo2020"]
    assert len(names) == 6
    for name in [*names, "triplet_inception_resnet"]:
        config = composed(name)
        assert config.keys() == base.keys()
        differing = {key for key in base if config[key] != base[key]}
        assert differing <= {"loss", "backbone"}
        loss, backbone = name.split("_", 1)
        assert ("loss" in differing) == (loss == "contrastive")
        assert ("backbone" in differing) == (backbone != "c3d")
        assert config["loss"]["class"] == LOSSES[loss]
        assert config["backbone"]["class"] == BACKBONES[backbone]


@pytest.mark.parametrize("name", sorted(CARDS))
def test_smoke(name, tmp_path):
    report = simlearn.run(
        name,
        [*CARDS[name]["smoke"], f"data.cache={tmp_path / 'cache'}", f"run_dir={tmp_path / 'run'}"],
    )
    assert report.report_path.is_file()
    assert report.recipe == name
    assert 0.0 <= report.metrics["recall_at_1"].value <= 1.0
    controls = {"frames shuffled", "one frame repeated"}
    clips = name.endswith(("c3d", "lstm2d"))
    assert set(report.baselines) == {"untrained", "pixels"} | (controls if clips else set())
    if name != "quickstart":
        heads = ("linear", "rbf", "nearest_mean")
        for key in [f"nshot_{n}_{head}_accuracy" for n in (1, 2, "clips_5") for head in heads]:
            assert 0.0 <= report.metrics[key].value <= 1.0
        assert 0.0 <= report.metrics["verification_accuracy"].value <= 1.0
        assert (tmp_path / "run" / "pairs.csv").is_file()


def test_command_line(tmp_path):
    words = [f"run_dir={tmp_path / 'run'}", "trainer.max_steps=2"]
    output = train(tmp_path, *words)
    assert f"report: {tmp_path / 'run/report.html'}\n" in output
    for line in ("trained", "untrained", "pixels"):
        assert f"\n{line}" in output


def test_sweep(tmp_path):
    words = [
        "-m",
        "loss.margin=0.1,0.3",
        "trainer.max_steps=1",
        f"run_dir={tmp_path}/${{loss.margin}}",
    ]
    output = train(tmp_path, *words)
    assert "run 1 of 2" in output and "run 2 of 2" in output
    for margin in ("0.1", "0.3"):
        config = yaml.safe_load((tmp_path / margin / "config.yaml").read_text())
        assert config["loss"]["margin"] == float(margin)
