"""Ctrl-C and SIGTERM as a wish to stop after the step that is being taken."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class Interrupted(Exception):
    """The run was asked to stop and its state is saved."""


class StopFlag:
    """Set by a signal; the second Ctrl-C stops at once."""

    def __init__(self) -> None:
        self.signal: str | None = None

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Remember the signal; a second SIGINT raises Interrupted at once."""
        if self.signal is not None and number == signal.SIGINT:
            raise Interrupted("stopped at once by a second Ctrl-C; the last checkpoint is kept")
        self.signal = signal.Signals(number).name

    def listen(self) -> dict[signal.Signals, Any]:
        """Take SIGINT and SIGTERM; gives what handled them before, nothing outside the main thread.

        Lightning puts a handler of its own before ours, which in several processes speaks to the
        others in the middle of whatever they are saying: it is taken off again this way.
        """
        if threading.current_thread() is not threading.main_thread():
            return {}
        return {s: signal.signal(s, self.handle) for s in (signal.SIGINT, signal.SIGTERM)}


@contextmanager
def stop_signals() -> Iterator[StopFlag]:
    """Turn SIGINT and SIGTERM into a flag while the block runs.

    Outside the main thread signals cannot be caught: the flag is then never set.
    """
    flag = StopFlag()
    before = flag.listen()
    try:
        yield flag
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
