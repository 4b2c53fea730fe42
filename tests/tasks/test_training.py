"""Where a fit begins, what it refuses to go on with, and which weights are evaluated."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
import torch

from simlearn.data.video_source import data_fingerprint
from simlearn.tasks.metric import open_data
from simlearn.tasks.training import (
    StartingPoint,
    checkpoint_facts,
    fit,
    load_best,
    starting_point,
)
from simlearn.trainer.checkpoint import KEY, CheckpointError, read_checkpoint
from simlearn.trainer.csv_log import read_csv_log
from simlearn.trainer.progress import ProgressLine


@pytest.fixture
def finished(tiny_run, run):
    """A copy of the checkpoints of a finished run in a run of its own."""
    shutil.copytree(tiny_run.run_dir / "checkpoints", run.checkpoints)
    return run


def test_a_new_run_begins_at_the_beginning(finished, run):
    assert starting_point(finished) == StartingPoint(None, 0, 0, 0)


def test_a_resumed_run_begins_where_its_last_checkpoint_says(finished):
    found = starting_point(replace(finished, resume=True))
    header = read_checkpoint(finished.checkpoints / "last.ckpt")[KEY]
    assert found == StartingPoint(finished.checkpoints / "last.ckpt", 3, 0, 9)
    assert (header["epoch"], header["batch"], header["step"]) == (3, 0, 9)


def test_killed_before_its_first_checkpoint_a_run_begins_anew(run):
    assert starting_point(replace(run, resume=True)) == StartingPoint()


def test_a_damaged_checkpoint_is_named(finished):
    path = finished.checkpoints / "last.ckpt"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match=r"last\.ckpt: damaged"):
        starting_point(replace(finished, resume=True))


def test_facts_of_a_checkpoint(parts, data):
    facts = checkpoint_facts(parts.learner(0), data)
    assert set(facts) == {"model", "data", "training identities"}
    assert facts["training identities"] == data_fingerprint(data.data.splits["train"])
    assert facts["data"] == data.data.fingerprint
    assert facts["model"]["head.linear.weight"] == f"(128, {parts.backbone.dim})"


def test_the_best_weights_are_loaded(finished, parts):
    learner = parts.learner(0)
    assert load_best(learner, finished.run_dir) == "best.ckpt"
    wanted = read_checkpoint(finished.checkpoints / "best.ckpt")["state_dict"]
    assert len(wanted) > 10
    assert all(torch.equal(v, wanted[k]) for k, v in learner.state_dict().items())


def test_without_a_best_the_last_are_loaded(finished, parts):
    (finished.checkpoints / "best.ckpt").unlink()
    learner = parts.learner(0)
    assert load_best(learner, finished.run_dir) == "last.ckpt"
    wanted = read_checkpoint(finished.checkpoints / "last.ckpt")["state_dict"]
    assert all(torch.equal(v, wanted[k]) for k, v in learner.state_dict().items())


def test_no_checkpoint_and_one_of_another_model(finished, make_parts, tmp_path):
    other = make_parts("trainer.max_steps=9", "head.dim=7").learner(0)
    before = {k: v.clone() for k, v in other.state_dict().items()}
    with pytest.raises(
        CheckpointError, match=r"another model \(head\.linear\.bias: \(128,\) there"
    ):
        load_best(other, finished.run_dir)
    assert all(torch.equal(v, before[k]) for k, v in other.state_dict().items())
    with pytest.raises(CheckpointError, match="no checkpoint there"):
        load_best(other, tmp_path / "empty")


def test_a_fit_tells_what_it_did_and_leaves_the_last_weights(run, parts, data):
    learner = parts.learner(0)
    facts = fit(learner, data, parts, run, StartingPoint(), ProgressLine())
    assert facts == {
        "steps": 9,
        "batches_per_epoch": 4,
        "empty_batches": 0,
        "collapse_warnings": facts["collapse_warnings"],
        "identities_with_fewer_clips_than_K": 0,
        "training_clips": 18,
    }
    last = read_checkpoint(run.checkpoints / "last.ckpt")
    assert all(torch.equal(v, last["state_dict"][k]) for k, v in learner.state_dict().items())
    assert last[KEY]["facts"] == checkpoint_facts(learner, data)
    names = {name for _, name, _ in read_csv_log(run.run_dir / "metrics.csv")}
    assert {"train/loss", "train/lr", "train/effective_rank", "val/map_at_r"} <= names


def test_a_resumed_fit_drops_the_rows_after_its_checkpoint(finished, make_parts):
    """They were logged after the last save and are logged again."""
    resumed = replace(finished, resume=True)
    start, parts = starting_point(resumed), make_parts("trainer.max_steps=11")
    log = finished.run_dir / "metrics.csv"
    log.write_text("step,name,value\n9,kept,1.0\n10,gone,2.0\n")
    opened = open_data(parts, resumed, start, ProgressLine())
    facts = fit(parts.learner(0), opened, parts, resumed, start, ProgressLine())
    rows = read_csv_log(log)
    assert facts["steps"] == 11
    assert rows[0] == (9, "kept", 1.0)
    assert {step for step, _, _ in rows[1:]} == {10, 11}
    assert "gone" not in {name for _, name, _ in rows}


def test_other_data_or_another_model_are_refused_before_a_step(finished, make_parts, data):
    resumed = replace(finished, resume=True)
    start = starting_point(resumed)
    before = {p.name: p.read_bytes() for p in finished.checkpoints.iterdir()}
    parts = make_parts("trainer.max_steps=20")
    fewer = make_parts("trainer.max_steps=20", "data.split={train: 4, val: 3, test: 3}")
    shorter = make_parts("trainer.max_steps=20", "data.max_frames=7")
    for learner_parts, opened, message in (
        (make_parts("trainer.max_steps=20", "head.dim=7"), data, "another model"),
        (parts, open_data(fewer, resumed, start, ProgressLine()), "another training identities"),
        (parts, open_data(shorter, resumed, start, ProgressLine()), "another data"),
    ):
        learner = learner_parts.learner(0)
        with pytest.raises(CheckpointError, match=rf"last\.ckpt: was written with {message}"):
            fit(learner, opened, learner_parts, resumed, start, ProgressLine())
    assert before == {p.name: p.read_bytes() for p in finished.checkpoints.iterdir()}
    assert not (finished.run_dir / "metrics.csv").exists()
