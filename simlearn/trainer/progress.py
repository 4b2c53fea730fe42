"""Progress with time left: one line that moves on a terminal, a line now and then in a log."""

from __future__ import annotations

import sys
import time
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
    """

    def __init__(self, stream: TextIO | None = None, seconds: float = 15.0) -> None:
        self.stream = stream or sys.stderr
        self.terminal = self.stream.isatty()
        self.pause = 0.1 if self.terminal else seconds
        self._what, self._begun, self._first, self._printed = "", 0.0, 0, 0.0
        self._done = 0

    def __call__(self, what: str, done: int, total: int, note: str = "") -> None:
        """Report ``done`` of ``total``; the time left comes from the speed since the first call."""
        now = time.monotonic()
        if what != self._what or done < self._done:
            self._what, self._begun, self._first = what, now, done
            self._printed = now if not self.terminal else 0.0
        self._done = done
        if now - self._printed < self.pause and done < total:
            return
        self._printed = now
        elapsed, moved = now - self._begun, done - self._first
        left = (
            f", {clock(elapsed / moved * (total - done))} left"
            if moved > 0 and done < total
            else ""
        )
        text = f"{what} {done}/{total}, {clock(elapsed)}{left}{note and ', ' + note}"
        if self.terminal:
            end = "\n" if done >= total else ""
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
        self.line, self.label = line, label

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock."""
        self.line(self.label, trainer.global_step, int(trainer.estimated_stepping_batches))

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Report one step."""
        total = int(trainer.estimated_stepping_batches)
        if trainer.global_step % 5 == 0 or trainer.global_step == total:
            loss = float(outputs["loss"])
            self.line(
                self.label,
                trainer.global_step,
                total,
                f"epoch {trainer.current_epoch + 1}, loss {loss:.4f}",
            )
