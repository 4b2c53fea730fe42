"""Work on many requests at once: how many, in whose thread, and what ends it."""

from __future__ import annotations

import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.analysis.errorradar.request_pool import work_through
from simlearn.trainer.interrupt import StopFlag


class Gauge:
    """Counts how many calls are under way."""

    def __init__(self, seconds=0.0):
        self.seconds, self.now, self.most, self.lock = seconds, 0, 0, threading.Lock()
        self.begun = []

    def __call__(self, item):
        with self.lock:
            self.begun.append(item)
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(self.seconds)
        with self.lock:
            self.now -= 1
        return -item


@given(st.integers(0, 40), st.integers(1, 9))
@settings(max_examples=30)
def test_all_are_done_once(count, workers):
    work = Gauge()
    found = list(work_through(range(count), work, workers=workers, halt=threading.Event()))
    assert sorted(found) == [-i for i in reversed(range(count))]
    assert sorted(work.begun) == list(range(count)) and work.most <= workers


def test_items_are_taken_late_and_in_the_callers_thread():
    taken, threads = [], set()

    def items():
        for i in range(1000):
            taken.append(i)
            threads.add(threading.current_thread())
            yield i

    given_, work = 0, Gauge(0.001)
    for _ in work_through(items(), work, workers=4, halt=threading.Event()):
        given_ += 1
        assert len(taken) <= given_ + 8
    assert given_ == 1000 and threads == {threading.current_thread()} and work.most == 4


def test_halt_ends_it_and_gives_what_is_under_way():
    halt, work, found = threading.Event(), Gauge(0.05), []
    for one in work_through(range(100), work, workers=4, halt=halt):
        found.append(one)
        halt.set()
    assert sorted(found) == sorted(-i for i in work.begun) and 4 <= len(found) <= 8


def test_the_stop_flag_ends_it_while_all_wait():
    stop, halt, work = StopFlag(), threading.Event(), Gauge(0.4)
    timer = threading.Timer(0.1, setattr, (stop, "signal", "SIGTERM"))
    timer.start()
    found = list(work_through(range(100), work, workers=3, halt=halt, stop=stop))
    assert sorted(found) == [-2, -1, 0] and halt.is_set()
    assert list(work_through(range(9), work, workers=3, halt=threading.Event(), stop=stop)) == []


def test_data_errors_of_the_source_come_last():
    def items():
        yield from range(3)
        raise ValueError("row 4")

    found = []
    with pytest.raises(ValueError, match="row 4"):
        for one in work_through(items(), Gauge(0.05), workers=8, halt=threading.Event()):
            found.append(one)
    assert sorted(found) == [-2, -1, 0]


def test_errors_of_the_work_and_other_errors_of_the_source_come_at_once():
    abandoned = []

    def work(item):
        if item == 2:
            raise RuntimeError("a bug")
        return item

    with pytest.raises(RuntimeError, match="a bug"):
        list(work_through(range(9), work, workers=2, halt=threading.Event()))

    def items():
        yield 1
        raise KeyboardInterrupt

    options = {"workers": 2, "halt": threading.Event(), "abandon": lambda: abandoned.append(1)}
    with pytest.raises(KeyboardInterrupt):
        list(work_through(items(), Gauge(0.05), **options))
    assert abandoned == [1]


def test_a_caller_that_wants_no_more():
    before, released, halt = threading.active_count(), threading.Event(), threading.Event()

    def work(item):
        return item if item == 0 else released.wait(30)

    results = work_through(range(9), work, workers=4, halt=halt, abandon=released.set)
    assert next(results) == 0
    results.close()
    assert halt.is_set() and released.is_set() and threading.active_count() == before
