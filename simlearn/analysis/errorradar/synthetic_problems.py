"""Drawn problems with a known error as a data option."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from simlearn.analysis.errorradar.error_records import record_mark
from simlearn.analysis.errorradar.problem_shares import Shares
from simlearn.analysis.errorradar.problems import GENERATOR_VERSION, generate_problems
from simlearn.analysis.errorradar.record import Record
from simlearn.analysis.errorradar.record_source import RecordData, RecordSource
from simlearn.data.errors import DataError

if TYPE_CHECKING:
    from simlearn.data.video_source import Report


@dataclass(frozen=True, kw_only=True)
class SyntheticProblems(RecordSource):
    """Problems that are drawn once and then read like any others.

    Args:
        n: how many, at least 1.
        seed: of the drawing.
        shares: ``"paper"`` for errors and problems in the paper's shares (arXiv 2410.04509),
            ``"uniform"`` for as many of each.
        root: where they are put; ``None`` for ``problems`` below the run's folder.

    Raises:
        ValueError: a number below 1 or another word.
    """

    n: int = 500
    seed: int = 0
    shares: Shares = "paper"
    root: Path | None = None

    def __post_init__(self) -> None:
        if self.n < 1:
            raise ValueError(f"data.n is {self.n}, must be at least 1")
        if self.shares not in get_args(Shares):
            raise ValueError(f'data.shares is {self.shares!r}, must be "paper" or "uniform"')

    def open(self, folder: Path, *, report: Report | None = None) -> RecordData:
        """Draw the problems if they are not there yet.

        Args:
            folder: of the run.
            report: called with ("drawing problems", done, n).

        Raises:
            DataError: the place holds problems of other settings, or they were changed by hand.
        """
        path = generate_problems(
            Path(folder) / "problems" if self.root is None else self.root,
            n=self.n,
            seed=self.seed,
            shares=self.shares,
            progress=None if report is None else lambda a, b: report("drawing problems", a, b),
        )

        def records() -> Iterator[Record]:
            from simlearn.analysis.errorradar.records import read_records

            return read_records(path)

        digest, count = hashlib.blake2b(digest_size=8), 0
        for record in records():
            digest.update(record_mark(record))
            count += 1
        if count != self.n:
            raise DataError(
                f"{path}: holds {count} problems and {self.n} were drawn, so it was changed; "
                f"delete {path.parent} to have them drawn again"
            )
        return RecordData(
            records=records,
            n=count,
            fingerprint=digest.hexdigest(),
            facts={
                "data": "error_problems",
                "generator_version": GENERATOR_VERSION,
                "n": self.n,
                "seed": self.seed,
                "shares": self.shares,
            },
        )

    def few(self, n: int) -> SyntheticProblems:
        """At most ``n`` problems of the same kind.

        Fewer are another set, so they are put below the run's folder even where ``root`` is set.

        Raises:
            ValueError: ``n`` is below 1.
        """
        return self if n >= self.n else replace(self, n=n, root=None)
