"""Seconds by phase."""

from __future__ import annotations

import time

import pytest

from simlearn.trainer.stopwatch import Stopwatch


def test_times_each_phase():
    watch = Stopwatch()
    with watch("one"):
        time.sleep(0.02)
    with watch("two"):
        pass
    assert list(watch.seconds) == ["one", "two"]
    assert 0.02 <= watch.seconds["one"] < 5
    assert 0 <= watch.seconds["two"] < watch.seconds["one"]


def test_a_phase_that_fails_is_not_counted():
    watch = Stopwatch()
    with pytest.raises(KeyError), watch("one"):
        raise KeyError("x")
    assert watch.seconds == {}
