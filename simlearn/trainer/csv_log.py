"""Metrics of a run as rows (step, name, value) of one CSV file that a resumed run continues."""

from __future__ import annotations

import csv
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import Logger

Row = tuple[int, str, float]


def read_csv_log(path: Path) -> list[Row]:
    """Rows (step, name, value) of a log; a last line cut short by a crash is left out."""
    if not path.is_file():
        return []
    rows = []
    with path.open(newline="") as file:
        for fields in csv.reader(file):
            try:
                step, name, value = fields
                rows.append((int(step), name, float(value)))
            except ValueError:  # the header, or the end of a file that was being written
                continue
    return rows


class CSVLog(Logger):
    """Appends to ``folder/metrics.csv``.

    Args:
        folder: run folder.
        after: rows of later steps are dropped first: a resumed run writes them again.
    """

    def __init__(self, folder: Path, *, after: int | None = None) -> None:
        super().__init__()
        self.path = folder / "metrics.csv"
        kept = [] if after is None else [r for r in read_csv_log(self.path) if r[0] <= after]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("w", newline="", buffering=1)
        self._writer = csv.writer(self._file)
        self._writer.writerow(["step", "name", "value"])
        self._writer.writerows(kept)

    @property
    def name(self) -> str:
        """The file's stem."""
        return "metrics"

    @property
    def version(self) -> str:
        """There is one file per run."""
        return ""

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Append one row per value."""
        self._writer.writerows([(step, name, repr(float(v))) for name, v in metrics.items()])

    def log_hyperparams(
        self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any
    ) -> None:
        """The configuration stands in config.yaml."""

    def finalize(self, status: str) -> None:
        """Flush."""
        self._file.flush()
