"""Your own worked solutions, or those of a data set, as one data option."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import numpy as np

from simlearn.analysis.errorradar.column_map import FIELDS, check_fields
from simlearn.analysis.errorradar.column_map_file import load_column_map
from simlearn.analysis.errorradar.record import Record
from simlearn.analysis.errorradar.record_source import RecordData, RecordSource
from simlearn.analysis.errorradar.records import Correct, read_records
from simlearn.data.errors import DataError
from simlearn.data.randomness import numpy_generator

if TYPE_CHECKING:
    from simlearn.data.video_source import Report

MARK_BYTES = 8
"""What is kept of every record between the two passes."""


@dataclass(frozen=True, kw_only=True)
class ErrorRecords(RecordSource):
    """Records of a file or of a data set's folder (arXiv 2410.04509, section 3).

    The data are read twice: a first pass checks every row, counts and takes fingerprints, the
    next ones give the records. Neither holds them: 8 bytes of each record are kept.

    Args:
        path: file or folder, as ``read_records`` takes it.
        map: name of a shipped map of columns, or the path of one.
        columns: our field -> the file's key, instead of the map's.
        root: folder that figures are relative to; ``None`` for the file's own.
        split: of a folder with several.
        n: how many are drawn, each at most once and in file order; ``None``, or more than there
            are, for all. A smaller ``n`` gives a part of what a larger one gives.
        seed: of the draw.
        correct: "drop" leaves out records in which no step is wrong.

    Raises:
        ValueError: a number below 1, an unknown field or another word.
    """

    path: Path
    map: str = "simlearn"
    columns: Mapping[str, str] = field(default_factory=dict)
    root: Path | None = None
    split: str | None = None
    n: int | None = None
    seed: int = 0
    correct: Correct = "drop"

    def __post_init__(self) -> None:
        if self.n is not None and self.n < 1:
            raise ValueError(f"data.n is {self.n}, must be at least 1")
        if self.correct not in get_args(Correct):
            raise ValueError(f'data.correct is {self.correct!r}, must be "drop" or "keep"')
        check_fields("data.columns", self.columns, FIELDS)

    def open(self, folder: Path, *, report: Report | None = None) -> RecordData:
        """Check every row, count, and draw.

        Args:
            folder: not used, nothing is written.
            report: called once, when the first pass is through.

        Returns:
            Its ``records`` raise a ``DataError`` when the file has changed since. With
            ``correct="keep"`` ``none_allowed`` tells of the whole file, so that a draw of it is
            asked with the same words.

        Raises:
            DataError: as for ``read_records``; or no record is left.
        """
        marks, right, kept_right = bytearray(), 0, False
        for record in self._read("keep"):
            if self.correct == "keep" or record.error_step:
                marks += record_mark(record)
                kept_right |= not record.error_step
            else:
                right += 1
        total = len(marks) // MARK_BYTES
        if not total:
            raise DataError(f"{self.path}: {_nothing(right)}")
        chosen = self._choose(total)
        if report is not None:
            report("reading records", total, total)
        n = int(chosen.sum())
        kept = np.frombuffer(bytes(marks), f"V{MARK_BYTES}")[chosen]

        def records() -> Iterator[Record]:
            return self._again(chosen, kept)

        return RecordData(
            records=records,
            n=n,
            fingerprint=hashlib.blake2b(kept.tobytes(), digest_size=8).hexdigest(),
            facts={
                "data": "error_records",
                "file": self.path.name or self.path.resolve().name,
                **({} if self.split is None else {"split": self.split}),
                "map": load_column_map(self.map).name,
                "n": n,
                "seed": self.seed,
                "correct": self.correct,
            },
            notes=self._notes(right, total),
            none_allowed=self.correct == "keep" and kept_right,
        )

    def few(self, n: int) -> ErrorRecords:
        """The same records, at most ``n`` of them.

        Raises:
            ValueError: ``n`` is below 1.
        """
        return replace(self, n=n if self.n is None else min(n, self.n))

    def _read(self, correct: Correct) -> Iterator[Record]:
        """All records, none drawn."""
        return read_records(
            self.path,
            self.columns,
            map=self.map,
            root=self.root,
            split=self.split,
            correct=correct,
        )

    def _choose(self, total: int) -> np.ndarray:
        """Which records are drawn: bool ``(total,)``."""
        chosen = np.ones(total, dtype=bool)
        if self.n is not None and self.n < total:
            order = numpy_generator(self.seed, "error records").permutation(total)
            chosen[order[self.n :]] = False
        return chosen

    def _again(self, chosen: np.ndarray, kept: np.ndarray) -> Iterator[Record]:
        """The drawn records, read anew, and as they were."""
        row, place = -1, 0
        for row, record in enumerate(self._read(self.correct)):
            if row < len(chosen) and chosen[row]:
                if record_mark(record) != kept[place].tobytes():
                    raise self._changed()
                place += 1
                yield record
        if row + 1 != len(chosen):
            raise self._changed()

    def _changed(self) -> DataError:
        """The error for data that were written to."""
        return DataError(
            f"{self.path}: has changed since it was opened; leave it as it is while it is used, or "
            "start again"
        )

    def _notes(self, right: int, total: int) -> tuple[str, ...]:
        """What was left out, and a draw that could not be had."""
        notes = []
        if right:
            notes.append(
                f"{right} of {right + total} records have no wrong step and are left out "
                "(data.correct=keep asks them too)."
            )
        if self.n is not None and self.n > total:
            notes.append(f"{self.n} records were asked for, there are {total}.")
        return tuple(notes)


def record_mark(record: Record) -> bytes:
    """8 bytes that depend on a record's id, texts and labels, not on its figure."""
    texts = [
        record.id,
        record.question,
        record.steps,
        record.error_step,
        record.error_category,
        record.problem_type,
        record.correct_answer,
        record.student_answer,
    ]
    return hashlib.blake2b(json.dumps(texts).encode(), digest_size=MARK_BYTES).digest()


def _nothing(right: int) -> str:
    """Why no record is left, and the way out."""
    if not right:
        return "holds no record; check the file"
    return f"none of the {right} records has a wrong step; set data.correct=keep to ask about them"
