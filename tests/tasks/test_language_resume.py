"""A small model whose training is killed or stopped and goes on ends bit-identical."""

from __future__ import annotations

import signal
import subprocess
import time

import pytest
import torch
from safetensors.torch import load_file

from simlearn.analysis import lessons
from simlearn.runner import resume
from simlearn.trainer.checkpoint import KEY, CheckpointError, read_checkpoint
from simlearn.trainer.csv_log import read_csv_log
from tests.tasks.language_case import run, small_words, written
from tests.tiny import command

LAST = 40
STEPS = ("model.encoder_steps=6", f"trainer.max_steps={LAST}")
"""The second lesson is long, so that a slow machine still sends its signal in the middle."""


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    return small_words(tmp_path_factory.mktemp("vqa"))


@pytest.fixture(scope="module")
def whole(words, tmp_path_factory):
    """A run that nothing happened to."""
    folder = tmp_path_factory.mktemp("whole")
    run(folder, *words, *STEPS)
    return folder


def assert_same_run(one, two):
    a, b = (load_file(f / "model/model.safetensors") for f in (one, two))
    assert a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)
    found = [written(f) for f in (one, two)]
    for part in ("test", "baselines", "train", "protocol", "recipe", "seed"):
        assert found[0][part] == found[1][part], part
    for lesson in ("encoder", "answers"):
        logs = [read_csv_log(f / "logs" / lesson / "metrics.csv") for f in (one, two)]
        assert logs[0] == logs[1] and logs[0]
    assert [p.name for p in (two / "checkpoints").iterdir()] == ["lessons.ckpt"]


@pytest.mark.parametrize(
    "sig", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)]
)
def test_a_signal_in_the_middle_of_a_lesson(whole, words, tmp_path, sig):
    """By the real command line; whatever had been saved, the end is the same."""
    folder = tmp_path / "run"
    begun = [*words, *STEPS, "trainer.checkpoint_steps=1", f"run_dir={folder}"]
    process = subprocess.Popen(
        command(tmp_path, "recipe=tiny_mllm", *begun, recipe=None),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    path, end = folder / "checkpoints/lesson.ckpt", time.monotonic() + 100
    place = (-1, -1)
    while place < (1, 5):
        if time.monotonic() > end or process.poll() is not None:
            process.kill()
            raise AssertionError(f"ended or hung before its place: {process.communicate()}")
        time.sleep(0.01)
        try:
            header = read_checkpoint(path)[KEY]
        except CheckpointError:
            continue
        place = (header["facts"]["lesson"], header["step"])
    process.send_signal(sig)
    output, _ = process.communicate(timeout=100)
    assert place < (1, LAST) and not (folder / "metrics.json").exists()
    if sig == signal.SIGKILL:
        assert process.returncode == -sig
    else:
        assert process.returncode == 130 and "stopped by SIGTERM" in output
        assert f"go on with: python -m simlearn.train resume={folder}" in output
    assert resume(folder, ["trainer.checkpoint_steps=0"]) is not None
    assert_same_run(whole, folder)
    assert resume(folder) is None


def test_a_report_is_written_again_without_any_training(whole, monkeypatch, tmp_path):
    """Killed after the last lesson and before metrics.json."""
    found = written(whole)
    (whole / "metrics.json").unlink()
    monkeypatch.setattr(lessons, "fit_stage", lambda *_, **__: pytest.fail("something was trained"))
    assert resume(whole) is not None
    again = written(whole)
    assert all(found[k] == again[k] for k in found if k != "seconds")
