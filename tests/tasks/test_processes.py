"""Two processes that train one model, against one process; stopped, killed and resumed."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
import torch
from torch import nn

import simlearn
from simlearn.config.errors import ConfigError
from simlearn.data.errors import DataError
from simlearn.runner import resume
from simlearn.tasks.training import tell_of_batch_norm
from simlearn.trainer import TrainerSettings
from simlearn.trainer.checkpoint import KEY, CheckpointError, read_checkpoint
from simlearn.trainer.csv_log import read_csv_log
from tests.tiny import TINY, command

NET = ("backbone=conv3d_small", "trainer.checkpoint_steps=1", "optimizer=sgd", "optimizer.lr=5e-2")
"""Adam's first steps are signs of gradients: rounding, which differs between CPUs, would show."""
TWO = "trainer.devices=2"
STEPS = 14

linux = pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="looks into /proc")


def words(folder, *more):
    """A run of a net without BatchNorm and without dropout."""
    return [*TINY, *NET, f"data.cache={folder / 'cache'}", f"trainer.max_steps={STEPS}", *more]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Where the drawn faces are kept."""
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    return tmp_path_factory.mktemp("processes")


@pytest.fixture(scope="module")
def alone(home):
    """The run of one process that the others are compared with."""
    simlearn.run("quickstart", words(home, f"run_dir={home / 'alone'}"))
    return home / "alone"


def last(folder):
    return read_checkpoint(folder / "checkpoints/last.ckpt")


def assert_same_run(one, two, bound=2e-5):
    """Weights and results to ``bound``, and the same rows in the log."""
    a, b = last(one), last(two)
    assert a[KEY]["step"] == b[KEY]["step"] == STEPS
    assert a[KEY]["facts"] == b[KEY]["facts"]
    assert len(a["state_dict"]) > 15
    for name, value in a["state_dict"].items():
        assert (value.double() - b["state_dict"][name].double()).abs().max() <= bound, name
    rows = [read_csv_log(folder / "metrics.csv") for folder in (one, two)]
    assert [row[:2] for row in rows[0]] == [row[:2] for row in rows[1]]
    losses = [[v for _, name, v in part if name == "train/loss"] for part in rows]
    assert len(losses[0]) == STEPS
    assert losses[0] == pytest.approx(losses[1], abs=bound)
    results = [json.loads((folder / "metrics.json").read_text()) for folder in (one, two)]
    assert results[0]["train"] == results[1]["train"]
    assert results[0]["baselines"] == results[1]["baselines"]


@pytest.mark.parametrize(
    "more",
    [
        ("loss=center",),
        pytest.param(("loss=angular", "miner=angular"), marks=pytest.mark.slow),
        pytest.param(("memory=cross_batch", "memory.size=10"), marks=pytest.mark.slow),
        pytest.param(("miner=distance_weighted",), marks=pytest.mark.slow),
        pytest.param(("loss=pml", "loss.name=ArcFaceLoss"), marks=pytest.mark.slow),
        pytest.param(
            (
                "loss=pml",
                "loss.name=TripletMarginLoss",
                "loss.arguments={triplets_per_anchor: 1}",
            ),
            marks=pytest.mark.slow,
        ),
    ],
    ids=" ".join,
)
def test_two_processes_end_as_one_for_what_keeps_or_draws_something(home, more):
    name = "".join(c for c in "-".join(more) if c.isalnum() or c == "-")
    for devices in (1, 2):
        where = f"run_dir={home / f'{name}{devices}'}"
        simlearn.run("quickstart", words(home, where, f"trainer.devices={devices}", *more))
    assert_same_run(home / f"{name}1", home / f"{name}2")


def others(folder):
    """Ids of the processes that take part in the run in ``folder`` without owning it."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().decode(errors="replace")
        except OSError:
            continue
        if "take_part" in line and f'"{folder}"' in line:
            found.append(int(path.parent.name))
    return found


def start(folder, run_dir, *more):
    """Start a run of two processes by its command line and wait until it is in mid-epoch."""
    process = subprocess.Popen(
        [*command(folder, *words(folder, TWO, f"run_dir={run_dir}", *more)[len(TINY) :])],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    end = time.monotonic() + 90
    while time.monotonic() < end and process.poll() is None:
        try:
            if last(run_dir)[KEY]["batch"] > 0:
                return process
        except CheckpointError:
            time.sleep(0.01)
    process.kill()
    raise AssertionError(f"the run ended or hung: {process.communicate()}")


def shared_folder(number):
    """The folder that another process and rank 0 share."""
    line = Path(f"/proc/{number}/cmdline").read_bytes().decode()
    job = next(part for part in line.split("\0") if '"config_dir"' in part)
    return Path(json.loads(job)["config_dir"])


def gone(folder):
    """Whether the other processes have ended, a few seconds given."""
    end = time.monotonic() + 20
    while time.monotonic() < end and others(folder):
        time.sleep(0.1)
    return others(folder) == []


def test_two_processes_end_where_one_does(home, alone, tmp_path):
    """By the command line: one folder, one report, nothing printed twice."""
    folder = tmp_path / "runs/two"
    done = subprocess.run(
        command(home, *NET, TWO, f"trainer.max_steps={STEPS}", f"run_dir={folder}"),
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert done.returncode == 0, done.stderr
    assert_same_run(alone, folder)
    assert [p.name for p in folder.parent.iterdir()] == ["two"]
    assert sorted(p.name for p in (folder / "checkpoints").iterdir()) == ["best.ckpt", "last.ckpt"]
    assert {p.name for p in folder.iterdir()} == {p.name for p in alone.iterdir()}
    for text in ("trained ", "untrained ", "pixels ", "report: "):
        assert sum(line.startswith(text) for line in done.stdout.splitlines()) == 1
    assert len(done.stdout.splitlines()) == 5
    for text in (f"training {STEPS}/{STEPS}", "untrained network 1/1", "test videos 1/1"):
        assert done.stderr.count(text) == 1
    assert "Error" not in done.stderr and "Warning" not in done.stderr
    assert "devices: 2" in (folder / "config.yaml").read_text()


def test_from_python_in_another_folder(home, alone, tmp_path, monkeypatch):
    """Rank 0 is this process; the other one finds the package and the run, and nothing is left."""
    monkeypatch.chdir(tmp_path)
    threads = torch.get_num_threads()
    report = simlearn.run("quickstart", words(home, TWO))
    assert [p.name for p in tmp_path.iterdir()] == ["outputs"]
    folders = list((tmp_path / "outputs/quickstart").iterdir())
    assert len(folders) == 1 and Path(report.report_path).parent.samefile(folders[0])
    assert_same_run(alone, folders[0])
    assert not torch.distributed.is_initialized()
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize(
    "sig", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)]
)
@linux
def test_asked_to_stop_both_do_and_both_go_on(home, tmp_path, sig):
    folder = tmp_path / "run"
    process = start(home, folder, "trainer.max_steps=4000")
    assert len(others(folder)) == 1
    shared = shared_folder(others(folder)[0])
    process.send_signal(sig)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert f"stopped by {sig.name} after step" in output and f"resume={folder}" in output
    assert "Traceback" not in output
    assert others(folder) == [] and not shared.exists()
    step = last(folder)[KEY]["step"]
    assert 0 < step < 4000 and not (folder / "metrics.json").exists()
    resume(folder, [f"trainer.max_steps={step + 3}"])
    assert last(folder)[KEY]["step"] == step + 3
    steps = [s for s, name, _ in read_csv_log(folder / "metrics.csv") if name == "train/loss"]
    assert steps == list(range(1, step + 4))


@pytest.mark.slow
@pytest.mark.parametrize("devices", [1, 2])
@linux
def test_killed_and_resumed_by_any_number(home, alone, tmp_path, devices):
    folder = tmp_path / "run"
    process = start(home, folder, f"trainer.workers={devices - 1}")
    shared = shared_folder(others(folder)[0])  # the second one is its loading process
    assert (shared / "config.yaml").is_file()
    process.kill()
    process.communicate(timeout=60)
    assert gone(folder), "the other process outlived the run"
    assert not shared.exists()
    resume(folder, [f"trainer.devices={devices}"])
    assert_same_run(alone, folder)


@pytest.mark.slow
@linux
def test_a_process_that_dies_ends_the_run(home, tmp_path):
    folder = tmp_path / "run"
    process = start(home, folder, "trainer.max_steps=100000")
    (other,) = others(folder)
    os.kill(other, signal.SIGKILL)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert output.rstrip().endswith("error: process 2 of 2 was ended by SIGKILL")


def test_more_devices_than_gpus(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    folder = tmp_path / "run"
    text = r"trainer\.devices is 3 and PyTorch sees 1 CUDA device\. Use trainer\.devices=1, or"
    with pytest.raises(ConfigError, match=text):
        simlearn.run(
            "quickstart",
            words(tmp_path, "trainer=gpu", "trainer.devices=3", f"run_dir={folder}"),
        )
    assert not folder.exists()


def test_more_devices_than_clips(home, tmp_path):
    text = r"trainer\.devices is 7 and a batch may hold only 6 clips"
    with pytest.raises(DataError, match=text):
        simlearn.run("quickstart", words(home, "trainer.devices=7", f"run_dir={tmp_path / 'run'}"))


@pytest.mark.parametrize(
    ("accelerator", "devices", "text"),
    [
        ("cpu", 2, "each of the 2 processes uses the statistics of its own part"),
        ("gpu", 4, "statistics of the whole batch, over all 4 GPUs"),
        ("cpu", 1, None),
    ],
)
def test_batch_norm_is_spoken_of(caplog, monkeypatch, accelerator, devices, text):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: accelerator == "gpu")
    settings = TrainerSettings(accelerator=accelerator, devices=devices, max_steps=1)
    tell_of_batch_norm(nn.Sequential(nn.Linear(2, 2), nn.GroupNorm(1, 2)), settings)
    assert caplog.records == []
    tell_of_batch_norm(nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)), settings)
    assert [text in r.message for r in caplog.records] == ([True] if text else [])
