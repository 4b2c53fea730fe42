"""Every recipe's smoke run, from Python; one per task through its command line."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

import simlearn
from tests.tiny import train

RECIPES = sorted((Path(__file__).resolve().parents[2] / "recipes").glob("*.yaml"))
CARDS = {path.stem: yaml.safe_load(path.read_text())["card"] for path in RECIPES}


def test_there_are_recipes():
    assert {"quickstart", "triplet_c3d"} <= set(CARDS)


@pytest.mark.parametrize("name", sorted(CARDS))
def test_smoke(name, tmp_path):
    report = simlearn.run(
        name,
        [*CARDS[name]["smoke"], f"data.cache={tmp_path / 'cache'}", f"run_dir={tmp_path / 'run'}"],
    )
    assert report.report_path.is_file()
    assert report.recipe == name
    assert 0.0 <= report.metrics["recall_at_1"].value <= 1.0
    assert {"untrained", "pixels"} == set(report.baselines)


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
