"""A stream that is killed, asked to stop or fails anywhere, and goes on, ends bit-identical."""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import time

import pytest
import torch
from pytorch_lightning.utilities.exceptions import SIGTERMException
from torch import Tensor

import simlearn
from simlearn.continual.measures import Measures
from simlearn.runner import resume
from simlearn.train import main
from simlearn.trainer.checkpoint import KEY, CheckpointError, read_checkpoint
from simlearn.trainer.csv_log import read_csv_log
from tests.tasks.incremental_case import GENERATOR, WORDS, run, stream, written
from tests.tiny import command, train

VAE = "incremental_triplet_vae"
FEW = (
    *("evaluation.ideal=null", "evaluation.diagnostics=false", "evaluation.pictures=[]"),
    *(*GENERATOR, "strategy.bank=30", "strategy.prototype_samples=30"),
)
TIMES = {"seconds", "seconds_per_experience"}


def same(one, two):
    """Nested containers are equal, tensors bit for bit; durations may differ."""
    if isinstance(one, Tensor):
        return isinstance(two, Tensor) and one.dtype == two.dtype and torch.equal(one, two)
    if isinstance(one, dict):
        keys = one.keys() - TIMES
        return keys == two.keys() - TIMES and all(same(one[k], two[k]) for k in keys)
    if isinstance(one, list | tuple):
        return len(one) == len(two) and all(map(same, one, two))
    return one == two or (one != one and two != two)


def assert_same_run(one, two):
    """Same weights, strategy, results of every experience, report and logs."""
    a, b = stream(one), stream(two)
    assert len(a["state_dict"]) > 10 and len(a["results"]) == 3
    for part in ("state_dict", "strategy", "results"):
        assert same(a[part], b[part]), part
    found = [written(folder) for folder in (one, two)]
    for part in ("accuracy_matrix", "test", "baselines", "train", "protocol", "experiences"):
        assert same(found[0][part], found[1][part]), part
    logs = [
        [read_csv_log(f / f"logs/experience_{n}/metrics.csv") for n in (1, 2, 3)]
        for f in (one, two)
    ]
    assert logs[0] == logs[1] and all(logs[0])
    assert not (two / "checkpoints/experience.ckpt").exists()


def wait_for(process, path, experience, step):
    """Wait until a checkpoint inside an experience of at least ``step`` steps is there."""
    end = time.monotonic() + 100
    while time.monotonic() < end and process.poll() is None:
        try:
            header = read_checkpoint(path)[KEY]
        except CheckpointError:
            header = {"facts": {}, "step": -1}
        if header["facts"].get("experience") == experience and header["step"] >= step:
            return header["step"]
        time.sleep(0.01)
    process.kill()
    raise AssertionError(f"the run ended or hung before its place: {process.communicate()}")


LAST = 60
"""Steps of an experience: many, so that a slow machine still sends its signal in the middle."""
STEPS = f"trainer.max_steps={LAST}"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that nothing happened to."""
    folder = tmp_path_factory.mktemp("whole")
    run(folder, *FEW, STEPS, recipe=VAE)
    return folder


@pytest.mark.parametrize(("sig", "experience"), [(signal.SIGKILL, 2), (signal.SIGTERM, 1)])
def test_a_signal_in_the_middle_of_a_training(whole, tmp_path, sig, experience):
    folder = tmp_path / "run"
    words = [f"recipe={VAE}", *WORDS, *FEW, STEPS, "trainer.checkpoint_steps=1"]
    process = subprocess.Popen(
        command(tmp_path, *words, f"run_dir={folder}", recipe=None),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    step = wait_for(process, folder / "checkpoints/experience.ckpt", experience, 5)
    process.send_signal(sig)
    output, _ = process.communicate(timeout=100)
    assert step < LAST and not (folder / "metrics.json").exists()
    assert len(stream(folder)["results"]) == experience
    if sig == signal.SIGKILL:
        assert process.returncode == -sig
        output = train(tmp_path, f"resume={folder}", "trainer.checkpoint_steps=0", recipe=None)
        assert "Traceback" not in output
    else:
        assert process.returncode == 130
        assert "stopped by SIGTERM" in output
        assert f"go on with: python -m simlearn.train resume={folder}" in output
        assert resume(folder) is not None
    assert_same_run(whole, folder)


@pytest.mark.parametrize("strategy", ["icarl", "ewc", "ebll", "joint"])
def test_a_failure_after_every_experience(tmp_path, monkeypatch, strategy):
    words = [f"strategy={strategy}", "strategy.steps=8"][: 1 + (strategy == "ebll")]
    words += ["evaluation.ideal=null", "evaluation.pictures=[3]", "loss=center"]
    run(tmp_path / "whole", *words)
    with monkeypatch.context() as patched:
        fail_in(patched, at=(2, 4))  # in experience 2, and in experience 3 when it is run again
        with pytest.raises(RuntimeError, match="power cut"):
            run(tmp_path / "cut", *words)
        assert len(stream(tmp_path / "cut")["results"]) == 1
        with pytest.raises(RuntimeError, match="power cut"):
            resume(tmp_path / "cut")
        assert len(stream(tmp_path / "cut")["results"]) == 2
        assert resume(tmp_path / "cut") is not None
    assert_same_run_but_logs(tmp_path / "whole", tmp_path / "cut")


def fail_in(patched, at):
    """Measuring fails at the given calls, counted from 1 over all runs."""
    measure, calls = Measures.__call__, []

    def failing(self, *args):
        calls.append(1)
        if len(calls) in at:
            raise RuntimeError("power cut")
        return measure(self, *args)

    patched.setattr(Measures, "__call__", failing)


def assert_same_run_but_logs(one, two):
    a, b = stream(one), stream(two)
    for part in ("state_dict", "strategy", "results"):
        assert same(a[part], b[part]), part
    assert same(written(one)["test"], written(two)["test"])


@pytest.mark.parametrize("call", [1, 3, 4])
def test_a_failure_in_the_ceiling_or_right_after_it(tmp_path, monkeypatch, call):
    words = ("evaluation.diagnostics=false", "evaluation.pictures=[]")
    run(tmp_path / "whole", *words)
    with monkeypatch.context() as patched:
        fail_in(patched, at=(call,))
        with pytest.raises(RuntimeError, match="power cut"):
            run(tmp_path / "cut", *words)
        assert not (tmp_path / "cut/metrics.json").exists()
        kept = tmp_path / "cut/joint/checkpoints/stream.ckpt"
        assert kept.exists() == (call > 1)
        before = kept.read_bytes() if call == 4 else b""
        assert resume(tmp_path / "cut") is not None
        if before:  # a ceiling that is complete is not trained again
            assert kept.read_bytes() == before
    assert_same_run(tmp_path / "whole", tmp_path / "cut")
    one, two = (written(tmp_path / name)["ceiling"] for name in ("whole", "cut"))
    assert one == two
    assert same(stream(tmp_path / "whole/joint"), stream(tmp_path / "cut/joint"))


@pytest.mark.parametrize(
    ("error", "said"), [(KeyboardInterrupt, "stopped;"), (SIGTERMException, "stopped by SIGTERM;")]
)
def test_a_stop_outside_our_own_hands_says_how_to_go_on(error, said, tmp_path, monkeypatch, capsys):
    """Ctrl-C while measuring, and Lightning's own way to leave."""

    def pressed(self, *args):
        raise error

    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    monkeypatch.setattr(Measures, "__call__", pressed)
    folder = tmp_path / "run"
    assert main(["recipe=incremental_triplet_finetune", *WORDS, f"run_dir={folder}"]) == 130
    told = capsys.readouterr().err
    assert f"\n{said} go on with: python -m simlearn.train resume={folder}" in told


def test_a_finished_run_is_not_run_again(tmp_path):
    run(tmp_path / "run", *FEW[:3])
    before = (tmp_path / "run/metrics.json").stat().st_mtime_ns
    assert resume(tmp_path / "run") is None
    assert (tmp_path / "run/metrics.json").stat().st_mtime_ns == before


def test_a_report_is_written_again_without_any_training(tmp_path, monkeypatch):
    """Killed after the last experience and before metrics.json."""
    run(tmp_path / "run", *FEW[:3])
    found = json.loads((tmp_path / "run/metrics.json").read_text())
    (tmp_path / "run/metrics.json").unlink()

    def trained(*_args, **_kwargs):
        raise AssertionError("something was trained")

    monkeypatch.setattr("simlearn.continual.loop.fit_experience", trained)
    assert resume(tmp_path / "run") is not None
    again = json.loads((tmp_path / "run/metrics.json").read_text())
    assert same(found, again)
    assert simlearn.load(tmp_path / "run") is not None
