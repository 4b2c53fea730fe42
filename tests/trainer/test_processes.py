"""Starting, meeting and ending the other processes of a fit, without a model."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest
import torch

from simlearn.trainer import processes
from simlearn.trainer.interrupt import Interrupted, StopFlag
from simlearn.trainer.processes import Job, lead

MEET = """import json, sys
from pathlib import Path
sys.path[:] = json.loads(sys.argv[2])
from simlearn.trainer.processes import Job, follow
job = Job.read(sys.argv[1])
with follow(job) as member:
    told = [member.agree(-1), member.agree(-1)]
    config = (Path(job.config_dir) / "config.yaml").read_text()
    found = [member.rank, member.world, told, config, job.run_dir, job.resume]
    Path(job.run_dir, f"rank{job.rank}.json").write_text(json.dumps(found))
    if told[1] == 13:
        sys.exit("thirteen is no number")
    member.agree(0)
"""


def leading(folder, stop=None, **changes):
    values = {"world": 2, "device": "cpu", "config": "seed: 0\n", "run_dir": folder}
    return lead(**{**values, "resume": True, "stop": stop or StopFlag(), **changes})


def test_job_goes_round():
    job = Job(1, 2, "cpu", 4711, 99, 'a "folder"', "/tmp/ü", True)
    assert Job.read(json.dumps(asdict(job))) == job


def test_processes_meet_and_agree(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "START", MEET)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
    threads = []
    monkeypatch.setattr(torch, "set_num_threads", threads.append)
    with leading(tmp_path) as member:
        assert (member.rank, member.world) == (0, 2)
        assert torch.distributed.get_backend() == "gloo"
        assert [member.agree(v) for v in (7, 2**40)] == [7, 2**40]
        assert member.agree(0) == 0
    found = json.loads((tmp_path / "rank1.json").read_text())
    assert found == [1, 2, [7, 2**40], "seed: 0\n", str(tmp_path), True]
    assert threads == [2, 4]
    assert not torch.distributed.is_initialized()


def test_last_words_of_a_process_that_fails_on_the_way(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "START", MEET)
    text = r"^process 2 of 2 failed \(status 1\)\n(.*\n)*thirteen is no number$"
    with pytest.raises(ChildProcessError, match=text), leading(tmp_path) as member:
        assert [member.agree(v) for v in (1, 13)] == [1, 13]
        member.agree(0)
    assert not torch.distributed.is_initialized()


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("raise SystemExit('no such data')", r"process 2 of 2 failed \(status 1\)\nno such data"),
        ("import os; os.kill(os.getpid(), 9)", r"process 2 of 2 was ended by SIGKILL"),
        ("print(*range(50), sep='\\n'); raise SystemExit(3)", r"\(status 3\)\n30\n31\n.*49"),
    ],
)
def test_a_process_that_does_not_get_as_far_as_meeting(tmp_path, monkeypatch, code, text):
    monkeypatch.setattr(processes, "START", code)
    with pytest.raises(ChildProcessError, match=rf"(?s){text}$"), leading(tmp_path):
        raise AssertionError("nobody came")


def test_asked_to_stop_while_the_others_start(tmp_path, monkeypatch):
    monkeypatch.setattr(
        processes,
        "START",
        f"""
import os, pathlib, time
pathlib.Path({str(tmp_path / "id")!r}).write_text(str(os.getpid()))
time.sleep(600)""",
    )
    monkeypatch.setattr(processes, "GRACE", 0.0)
    flag = StopFlag()
    flag.signal = "SIGTERM"
    text = "stopped by SIGTERM before the first step"
    with pytest.raises(Interrupted, match=text), leading(tmp_path, flag):
        raise AssertionError("nobody came")


@pytest.mark.parametrize("error", [ValueError, pytest.param(RuntimeError, marks=pytest.mark.slow)])
def test_an_error_of_rank_0_is_told_as_it_is_and_ends_the_others(tmp_path, monkeypatch, error):
    monkeypatch.setattr(processes, "START", MEET)
    with pytest.raises(error, match="^mine$"), leading(tmp_path) as member:
        member.agree(1)
        raise error("mine")
    assert not torch.distributed.is_initialized()
