"""Where the figures of a training go."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pytorch_lightning.loggers import Logger, TensorBoardLogger

from simlearn.trainer.csv_log import CSVLog


@dataclass(frozen=True, kw_only=True)
class Logs:
    """The CSV log that every run keeps, and TensorBoard events.

    Args:
        tensorboard: also write events, under ``tensorboard/`` of the run folder.
    """

    tensorboard: bool = True

    def build(self, run_dir: Path, *, after: int | None = None) -> list[Logger]:
        """Loggers of one run; those of a resumed one leave out steps later than ``after``."""
        loggers: list[Logger] = [CSVLog(run_dir, after=after)]
        if self.tensorboard:
            purge = None if after is None else after + 1
            loggers.append(
                TensorBoardLogger(run_dir, name="tensorboard", version="", purge_step=purge)
            )
        return loggers
