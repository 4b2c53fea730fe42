"""Progress with time left: one line that moves on a terminal, a line now and then in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

import pytorch_lightning as pl


def clock(seconds: float) -> str:
    """``75`` seconds as ``1:15``, an hour and more as ``h:mm:ss``."""
    minutes, s = divmod(max(0, round(seconds)), 60)
    hours, m = divmod(minutes, 60)
    return f"{hours}:{m:02d}:{s:02d}" if hours else f"{m}:{s:02d}"


class ProgressLine:
    """Prints how far a piece of work is.

    Args:
        stream: where to; standard error by default.
        seconds: shortest time between two lines where the stream is no terminal.
        final: whether the end of the work gets a line that stays; not for what comes again and
            again.

    Attributes:
        prefix: stands before every line, for a piece of work that belongs to a larger one.
    """

    prefix = ""

    def __init__(
        self, stream: TextIO | None = None, seconds: float = 15.0, *, final: bool = True
    ) -> None:
        self.stream, self.final = stream or sys.stderr, final
        self.terminal = self.stream.isatty()
        self.pause = 0.1 if self.terminal else seconds
        self._what, self._begun, self._first, self._printed = "", 0.0, 0, 0.0
        self._done = 0

    def __call__(
        self, what: str, done: int, total: int, note: Callable[[], str] | None = None
    ) -> None:
        """Report ``done`` of ``total``; the time left comes from the speed since the first call.

        ``note`` gives what to add; it is asked only when the line is printed.
        """
        now = time.monotonic()
        if what != self._what or done < self._done:
            self._what, self._begun, self._first = what, now, done
            self._printed = now if not self.terminal else 0.0
        self._done = done
        if now - self._printed < self.pause and not (self.final and done >= total):
            return
        self._printed = now
        elapsed, moved = now - self._begun, done - self._first
        left = (
            f", {clock(elapsed / moved * (total - done))} left"
            if moved > 0 and done < total
            else ""
        )
        more = "" if note is None else f", {note()}"
        text = f"{self.prefix}{what} {done}/{total}, {clock(elapsed)}{left}{more}"
        if self.terminal:
            end = "\n" if self.final and done >= total else ""
            self.stream.write(f"\r\x1b[2K{text}{end}")
        else:
            self.stream.write(text + "\n")
        self.stream.flush()


class TrainingProgress(pl.Callback):
    """Shows the step, the loss and the time left of a fit.

    Args:
        line: where to show it.
        label: what is being done (``"training"``).
    """

    def __init__(self, line: ProgressLine, label: str = "training") -> None:
        self.line, self.label, self.total = line, label, 0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock."""
        self.total = int(trainer.estimated_stepping_batches)
        self.line(self.label, trainer.global_step, self.total)

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Report one step."""
        self.line(
            self.label,
            trainer.global_step,
            self.total,
            lambda: f"epoch {trainer.current_epoch + 1}, loss {float(outputs['loss']):.4f}",
        )
