"""A fresh process measures what the call takes, and no child outlives its limits."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
CHILD = """
import sys, time
sys.path.insert(0, {folder!r})
from fresh import Job, serve
held = []
def call():
    {call}
print("a library talks")
serve(Job(call, lambda result: {{"size": float(result or 0)}}, lambda: None), repeats=3)
print("and after it")
"""


@pytest.fixture
def fresh(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import fresh

    return fresh


def command(tmp_path, call):
    path = tmp_path / "child.py"
    path.write_text(CHILD.format(folder=str(BENCHMARKS), call=call))
    return [sys.executable, str(path)]


class Clock:
    """perf_counter of a machine where the calls take the given seconds."""

    def __init__(self, *taken):
        self.now, self.taken, self.ticks = 0.0, list(taken), 0

    def __call__(self):
        self.ticks += 1
        if self.ticks % 2 == 0:
            self.now += self.taken.pop(0)
        return self.now


def measured(fresh, monkeypatch, *taken, **how):
    monkeypatch.setattr(fresh.time, "perf_counter", Clock(*taken))
    calls = []
    job = fresh.Job(
        call=lambda: calls.append("call") or len(calls),
        values=lambda result: {"last": float(result)},
        warm_up=lambda: calls.append("warm up"),
    )
    return fresh.measure(job, **how), calls


def test_first_call_of_a_fast_job_is_a_warm_up(fresh, monkeypatch):
    found, calls = measured(fresh, monkeypatch, 2.0, 1.0, 0.5, 0.75, repeats=3)
    assert found["first_seconds"] == 2.0 and found["warm"]
    assert found["seconds"] == [1.0, 0.5, 0.75]
    assert calls == ["warm up", "call", "call", "call", "call"]
    assert found["values"] == {"last": 5.0}
    assert found["outcome"] == "measured"


def test_first_call_of_a_slow_job_counts(fresh, monkeypatch):
    found, calls = measured(fresh, monkeypatch, 5.5, repeats=3, budget=10.0)
    assert found["seconds"] == [5.5] and not found["warm"]
    assert calls == ["warm up", "call"]


def test_budget_ends_the_repeats(fresh, monkeypatch):
    found, _ = measured(fresh, monkeypatch, 4.0, 4.0, 4.0, 4.0, repeats=9, budget=10.0)
    assert found["seconds"] == [4.0, 4.0, 4.0]


def test_no_repeats_is_refused(fresh):
    with pytest.raises(ValueError, match="repeats is 0, must be at least 1"):
        fresh.measure(fresh.Job(int, lambda r: {}, int), repeats=0)


def test_events_stand_around_each_call(fresh):
    events = []
    job = fresh.Job(lambda: events.append("in"), lambda r: {}, lambda: events.append("warm up"))
    fresh.measure(job, repeats=1, say=lambda e: events.append(e["event"]))
    assert events == ["warm up", "call", "in", "called", "call", "in", "called"]


def test_a_result_is_dropped_before_the_next_call(fresh):
    alive, most = [], []

    class Result:
        def __init__(self):
            alive.append(self.__class__)
            most.append(len(alive))

        def __del__(self):
            alive.pop()

    fresh.measure(fresh.Job(Result, lambda r: {}, int), repeats=4)
    assert max(most) == 1 and len(most) == 5


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="peaks need Linux")
def test_peak_is_that_of_the_call_and_not_of_the_parent(fresh, tmp_path):
    ballast = bytearray(os.urandom(1) * (250 << 20))  # a child would inherit it as its ru_maxrss
    found = fresh.run_fresh(command(tmp_path, "return len(bytearray(64 << 20))"), fresh.Limits())
    assert len(ballast) == 250 << 20
    assert found["peak_source"] == "VmHWM"
    assert 60 << 20 < found["peak_bytes"] < 80 << 20
    assert found["values"] == {"size": float(64 << 20)}
    assert len(found["seconds"]) == 3 and found["wall_seconds"] > sum(found["seconds"])


def test_a_slow_call_is_entered_as_that(fresh, tmp_path):
    limits = fresh.Limits(call_seconds=0.3)
    found = fresh.run_fresh(command(tmp_path, "time.sleep(100)"), limits)
    assert found["outcome"] == "over 0.3 s"
    assert "seconds" not in found


def test_a_large_call_is_entered_as_that(fresh, tmp_path):
    limits = fresh.Limits(memory_bytes=2e8)
    greedy = "held.append(bytearray(300 << 20)); time.sleep(100)"
    assert fresh.run_fresh(command(tmp_path, greedy), limits)["outcome"] == "over 0.2 GB"


def test_limits_passed_between_two_looks(fresh):
    limits = fresh.Limits(call_seconds=2.0, memory_bytes=1000)
    entry = {
        "outcome": "measured",
        "before_bytes": 400,
        "peak_bytes": 500,
        "first_seconds": 1.5,
        "seconds": [1.0],
    }
    assert fresh._within(entry, limits) == entry
    assert fresh._within({**entry, "peak_bytes": 700}, limits) == {"outcome": "over 1e-06 GB"}
    assert fresh._within({**entry, "first_seconds": 2.5}, limits) == {"outcome": "over 2 s"}


def test_an_allocation_that_is_refused_is_over_the_limit(fresh, tmp_path):
    found = fresh.run_fresh(command(tmp_path, "return len(bytearray(1 << 60))"), fresh.Limits())
    assert found["outcome"] == "over 8 GB"
    assert fresh.refused_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory: you"))
    assert fresh.refused_memory(RuntimeError("std::bad_alloc"))
    assert not fresh.refused_memory(RuntimeError("shapes differ"))


def test_default_limits_have_the_documented_names(fresh):
    limits = fresh.Limits()
    assert (limits.over_time, limits.over_memory) == ("over 60 s", "over 8 GB")


def test_a_failure_is_no_limit(fresh, tmp_path):
    with pytest.raises(fresh.FreshError, match=r"exit status 1: (.|\n)*ValueError: no such thing"):
        fresh.run_fresh(command(tmp_path, "raise ValueError('no such thing')"), fresh.Limits())
    with pytest.raises(fresh.FreshError, match="exit status 3: nothing on its standard error"):
        fresh.run_fresh([sys.executable, "-c", "raise SystemExit(3)"], fresh.Limits())


def test_a_child_that_never_calls_is_ended(fresh):
    waits = [sys.executable, "-c", "import time; time.sleep(100)"]
    with pytest.raises(fresh.FreshError, match=r"no call within 0\.2 s"):
        fresh.run_fresh(waits, fresh.Limits(setup_seconds=0.2))


def test_environment_reaches_the_child(fresh, tmp_path):
    call = "import os; return int(os.environ['LENT'])"
    found = fresh.run_fresh(command(tmp_path, call), fresh.Limits(), environment={"LENT": "7"})
    assert found["values"] == {"size": 7.0}


def test_resident_memory_of_a_process_that_is_gone(fresh):
    assert fresh.resident_bytes() > 1 << 20
    assert fresh.resident_bytes(2**22 + 5) == 0
