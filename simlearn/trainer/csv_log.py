"""Metrics of a run as rows (step, name, value) of one CSV file that a resumed run continues."""

from __future__ import annotations

import csv
import os
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import Logger

Row = tuple[int, str, float]


def read_csv_log(path: Path) -> list[Row]:
    """Rows (step, name, value) of a log; none without a file.

    A last line without its end was cut short by a crash, and its value with it: it is left out,
    as are the header and lines that are no rows.
    """
    if not path.is_file():
        return []
    rows = []
    for line in path.read_bytes().decode("utf-8", "replace").split("\n")[:-1]:
        try:
            step, name, value = next(csv.reader([line]))
            rows.append((int(step), name, float(value)))
        except (ValueError, StopIteration, csv.Error):
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
        self._begin(kept)
        self._file = self.path.open("a", newline="", buffering=1, encoding="utf-8")
        self._writer = csv.writer(self._file)

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

    def _begin(self, kept: Sequence[Row]) -> None:
        """The header and the rows of the steps before; a crash meanwhile leaves the old file."""
        temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}.tmp")
        try:
            with temporary.open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([("step", "name", "value"), *kept])
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.path)
        finally:
            temporary.unlink(missing_ok=True)

    def finalize(self, status: str) -> None:
        """Flush."""
        self._file.flush()
