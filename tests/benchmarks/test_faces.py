"""The paper's table: equal budgets, names of runs, one value per identity, and resumption."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch.nn import functional as F

from simlearn.evaluation import Embeddings, nshot_svm, retrieval_metrics

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    names = ("faces", "faces_settings", "faces_values", "jobs", "readme_faces")
    return SimpleNamespace(**{name: importlib.import_module(name) for name in names})


def test_every_recipe_has_the_same_budget(bench):
    settings = bench.faces_settings
    assert len(settings.RECIPES) == 6 and settings.TUNING_SEED not in settings.SEEDS
    for recipe in settings.RECIPES:
        trials = settings.trials(recipe)
        assert len(trials) == len(set(trials)) == 8
        assert {rate for rate, _ in trials} == set(settings.RATES)


def test_recipes_differ_in_network_loss_rate_and_margin_alone(bench):
    faces, settings = bench.faces, bench.faces_settings
    own = ("recipe=", "backbone", "optimizer.lr=", "loss.margin=")
    commands = [faces.drawn_job(r, 0, 0.5, 1e-3, 0.2, 8).command for r in settings.RECIPES]
    shared = {tuple(w for w in c if not w.startswith(own)) for c in commands}
    assert len(shared) == 1 and len(set(map(tuple, commands))) == 6


def test_another_command_is_another_run(bench):
    faces = bench.faces
    base = ("triplet_c3d", 0, 0.5, 1e-3, 0.2, 8)
    changes = [(0, "triplet_lstm2d"), (1, 1), (2, 0.0), (3, 3e-3), (4, 0.5), (5, 9)]
    names = {faces.drawn_job(*base).name}
    for place, value in changes:
        names.add(faces.drawn_job(*base[:place], value, *base[place + 1 :]).name)
    assert len(names) == 1 + len(changes)
    assert faces.drawn_job(*base).name == faces.drawn_job(*base).name


def test_the_best_trial_is_chosen_and_the_first_of_equal_ones(bench):
    def row(recipe, rate, value):
        test = {"map_at_r": {"value": value}}
        return {"recipe": recipe, "rate": rate, "margin": 0.2, "test": test}

    rows = [row("a", 1, 0.3), row("a", 2, 0.4), row("a", 3, 0.4), row("b", 1, 0.1)]
    assert bench.faces.choose(rows) == {"a": (2, 0.2), "b": (1, 0.2)}


def embeddings(people=5, videos=4):
    g = torch.Generator().manual_seed(0)
    y = torch.arange(people).repeat_interleave(videos)
    z = torch.randn(people, 8, generator=g)[y] + 1.2 * torch.randn(len(y), 8, generator=g)
    rows = torch.arange(len(y))
    return Embeddings(F.normalize(z, dim=1), y, rows, rows)


def test_values_of_identities_average_to_the_runs_numbers(bench, tmp_path):
    videos = embeddings()
    people = {"y": json.dumps({str(i): name for i, name in enumerate("EDCBA")})}
    for name in ("embeddings", "embeddings_shuffled", "embeddings_repeated"):
        videos.save(tmp_path / f"{name}.safetensors", people)
    values = bench.faces_values.per_identity(tmp_path, seed=3)
    wanted = retrieval_metrics(videos.z, videos.y)
    shots = nshot_svm(videos.z, videos.y, videos.group, n=2, draws=20, seed=3)
    for name, number in (
        ("recall_at_1", wanted["recall_at_1"]),
        ("nshot_2_linear", shots["accuracy"]),
    ):
        assert list(values[name]) == list("EDCBA")
        assert sum(values[name].values()) / 5 == pytest.approx(number, abs=1e-5)
    assert values["shuffled"] == values["repeated"]
    assert values["shuffled"] == values["recall_at_1"]


def test_a_finished_run_is_read_and_not_run_again(bench, tmp_path, monkeypatch):
    faces = bench.faces
    job = faces.drawn_job("triplet_c3d", 0, 0.5, 1e-3, 0.2, 8)
    folder = tmp_path / "runs" / job.name
    folder.mkdir(parents=True)
    content = {
        "test": {},
        "baselines": {},
        "train": {"steps": 8, "parameters": 5},
        "seconds": {},
        "protocol": {},
    }
    (folder / "metrics.json").write_text(json.dumps(content))
    (folder / "environment.json").write_text(json.dumps({"git": {"commit": "abc"}}))
    monkeypatch.setattr(bench.jobs.subprocess, "run", lambda *a, **k: pytest.fail("was run again"))
    row = faces.execute(job, tmp_path)
    assert (row["recipe"], row["steps"], row["folder"]) == ("triplet_c3d", 8, folder)
    assert row["code"] == "abc"


@pytest.mark.parametrize("begun", [False, True])
def test_a_run_begins_or_goes_on_and_a_failure_names_its_log(bench, tmp_path, monkeypatch, begun):
    faces, seen = bench.faces, []
    job = faces.drawn_job("triplet_c3d", 0, 0.5, 1e-3, 0.2, 8)
    folder = tmp_path / "runs" / job.name
    if begun:  # killed before its first checkpoint
        folder.mkdir(parents=True)
        (folder / "config.yaml").touch()
        (folder / "untrained.safetensors").touch()

    def run(command, **_):
        seen.append(command)
        return SimpleNamespace(returncode=1)

    monkeypatch.setattr(bench.jobs.subprocess, "run", run)
    with pytest.raises(RuntimeError, match=r"triplet_c3d_seed0.* failed; .*\.txt say why"):
        faces.execute(job, tmp_path)
    assert (f"resume={folder}" in seen[0]) == begun
    assert ("recipe=triplet_c3d" in seen[0]) != begun


def test_words_of_the_tables(bench):
    readme = bench.readme_faces
    assert readme.share_of_seeds([0.5, 0.7, 0.6]) == "60.0 [50.0, 70.0]"
    assert readme.recipe_words("triplet_lstm2d") == "triplet, 2-D LSTM, clips"
    found = {"difference": 0.012, "interval": [-0.03, 0.05], "verdict": "undecided"}
    found["smallest"] = 0.04
    assert readme.points(found) == "+1.2 [-3.0, +5.0]"
    assert readme.verdict(found) == "undecided (would have shown 4.0)"
    assert readme.verdict({"verdict": "seen on synthetic"}) == "seen on synthetic"
