"""A run that is killed or asked to stop, and resumed, ends bit-identical to one that was not."""

from __future__ import annotations

import json
import signal
import subprocess
import time

import pytest
import torch

import simlearn
from simlearn.runner import resume
from simlearn.trainer.checkpoint import KEY, AtomicCheckpointIO, CheckpointError, read_checkpoint
from simlearn.trainer.csv_log import read_csv_log
from tests.tiny import TINY, command, train

LAST = 150
STEPS = f"trainer.max_steps={LAST}"


def wait_for_step(process, path, step):
    """Wait until the run has written a checkpoint of at least ``step`` steps, mid-epoch."""
    end = time.monotonic() + 90
    while time.monotonic() < end and process.poll() is None:
        try:
            state = read_checkpoint(path)[KEY]
        except CheckpointError:
            state = {"step": -1, "batch": 0}
        if state["step"] >= step and state["batch"] > 0:
            return state
        time.sleep(0.01)
    process.kill()
    raise AssertionError(f"the run ended or hung before step {step}: {process.communicate()}")


def interrupt(folder, sig, *words):
    """Start a run, send ``sig`` after step 7, and give what it printed and its exit code."""
    process = subprocess.Popen(
        command(folder, STEPS, f"run_dir={folder / 'run'}", "trainer.checkpoint_steps=1", *words),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    state = wait_for_step(process, folder / "run/checkpoints/last.ckpt", 7)
    process.send_signal(sig)
    output, _ = process.communicate(timeout=90)
    assert state["step"] < LAST
    return output, process.returncode


def assert_same_run(one, two):
    """Same weights, optimiser, schedule, log and results, bit for bit."""
    a, b = (read_checkpoint(folder / "checkpoints/last.ckpt") for folder in (one, two))
    assert a[KEY]["step"] == b[KEY]["step"] == LAST
    assert len(a["state_dict"]) > 20
    for name, value in a["state_dict"].items():
        assert torch.equal(value, b["state_dict"][name]), name
    moments = a["optimizer_states"][0]["state"]
    assert len(moments) > 10
    for number, state in moments.items():
        for name, value in state.items():
            assert torch.equal(value, b["optimizer_states"][0]["state"][number][name])
    assert a["lr_schedulers"] == b["lr_schedulers"]
    assert read_csv_log(one / "metrics.csv") == read_csv_log(two / "metrics.csv")
    results = [json.loads((folder / "metrics.json").read_text()) for folder in (one, two)]
    assert results[0]["test"] == results[1]["test"]
    assert results[0]["train"] == results[1]["train"]


@pytest.mark.parametrize("workers", [0, 2])
def test_killed_in_the_middle_of_an_epoch(tmp_path, workers):
    workers_ = f"trainer.workers={workers}"
    train(tmp_path, STEPS, workers_, f"run_dir={tmp_path / 'whole'}", "trainer.checkpoint_steps=1")
    _, code = interrupt(tmp_path, signal.SIGKILL, workers_)
    assert code == -signal.SIGKILL
    assert not (tmp_path / "run/metrics.json").exists()
    train(tmp_path, f"resume={tmp_path / 'run'}", recipe=None)
    assert_same_run(tmp_path / "whole", tmp_path / "run")


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_stop(tmp_path, sig):
    output, code = interrupt(tmp_path, sig)
    assert code == 130
    assert f"stopped by {sig.name} after step" in output
    assert f"resume={tmp_path / 'run'}" in output
    train(tmp_path, STEPS, f"run_dir={tmp_path / 'whole'}")
    train(tmp_path, f"resume={tmp_path / 'run'}", "trainer.checkpoint_steps=0", recipe=None)
    assert_same_run(tmp_path / "whole", tmp_path / "run")


def test_finished_run_is_not_run_again(tmp_path):
    train(tmp_path, "trainer.max_steps=2", f"run_dir={tmp_path / 'run'}")
    before = (tmp_path / "run/metrics.json").stat().st_mtime_ns
    output = train(tmp_path, f"resume={tmp_path / 'run'}", recipe=None)
    assert "this run is finished" in output
    assert (tmp_path / "run/metrics.json").stat().st_mtime_ns == before


def test_resumed_from_every_checkpoint(tmp_path, monkeypatch):
    """Mid-epoch, last batch, epoch's end: whichever checkpoint is left, the end is the same."""
    folder, kept = tmp_path / "run", []
    write = AtomicCheckpointIO.save_checkpoint

    def keep(self, checkpoint, path, storage_options=None):
        write(self, checkpoint, path, storage_options)
        if path.name == "last.ckpt":
            kept.append((checkpoint[KEY]["step"], path.read_bytes()))

    overrides = [*TINY, f"data.cache={tmp_path / 'cache'}", f"run_dir={folder}"]
    with monkeypatch.context() as patched:
        patched.setattr(AtomicCheckpointIO, "save_checkpoint", keep)
        simlearn.run(
            "quickstart", [*overrides, "trainer.max_steps=9", "trainer.checkpoint_steps=1"]
        )
    assert [step for step, _ in kept] == [1, 2, 3, 4, 5, 6, 7, 8, 9, 9]
    last = folder / "checkpoints/last.ckpt"
    wanted = read_checkpoint(last)["state_dict"]
    for step, content in kept[:-1]:
        (folder / "metrics.json").unlink()
        (folder / "checkpoints/best.ckpt").unlink(missing_ok=True)
        last.write_bytes(content)
        resume(folder, ["trainer.checkpoint_steps=0"])
        state = read_checkpoint(last)["state_dict"]
        assert all(torch.equal(value, state[name]) for name, value in wanted.items()), step
