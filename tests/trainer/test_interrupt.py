"""Ctrl-C and SIGTERM become a flag; handlers come back as they were."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from simlearn.trainer.interrupt import Interrupted, StopFlag, stop_signals


def handlers():
    return [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)]


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_sets_the_flag_and_nothing_else(sig):
    before = handlers()
    with stop_signals() as flag:
        assert flag.signal is None
        os.kill(os.getpid(), sig)
        assert flag.signal == sig.name
    assert handlers() == before


def test_the_second_ctrl_c_stops_at_once():
    before = handlers()
    with pytest.raises(Interrupted, match="second Ctrl-C"), stop_signals() as flag:
        os.kill(os.getpid(), signal.SIGINT)
        assert flag.signal == "SIGINT"
        os.kill(os.getpid(), signal.SIGINT)
    assert handlers() == before


def test_a_second_sigterm_is_patient():
    """A scheduler repeats it; the step that is being taken is still finished and saved."""
    with stop_signals() as flag:
        for _ in range(3):
            os.kill(os.getpid(), signal.SIGTERM)
        assert flag.signal == "SIGTERM"
        with pytest.raises(Interrupted, match="second Ctrl-C"):
            os.kill(os.getpid(), signal.SIGINT)


def test_handlers_are_restored_after_an_exception():
    before = handlers()
    with pytest.raises(ValueError, match="broken"), stop_signals():
        assert handlers() != before
        raise ValueError("broken")
    assert handlers() == before


def test_blocks_inside_each_other():
    with stop_signals() as outer:
        with stop_signals() as inner:
            os.kill(os.getpid(), signal.SIGTERM)
        assert (outer.signal, inner.signal) == (None, "SIGTERM")
        os.kill(os.getpid(), signal.SIGINT)
        assert outer.signal == "SIGINT"


def test_another_thread_gets_a_flag_that_is_never_set():
    found, before = [], handlers()

    def work():
        with stop_signals() as flag:
            found.append((flag.signal, handlers() == before))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [(None, True)]


def test_a_handler_that_python_does_not_know_is_replaced_by_the_default(monkeypatch):
    """``signal.signal`` answers None for a handler of a C library and does not take it back."""
    given = []
    monkeypatch.setattr(signal, "signal", lambda number, handler: given.append(handler))
    with stop_signals():
        assert len(given) == 2
    assert given[2:] == [signal.SIG_DFL] * 2


def test_the_flag_alone():
    flag = StopFlag()
    flag.handle(signal.SIGTERM, None)
    assert flag.signal == "SIGTERM"
