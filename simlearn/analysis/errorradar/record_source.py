"""Problems with a known error, as a configuration names them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from simlearn.analysis.errorradar.record import Record

if TYPE_CHECKING:
    from simlearn.data.video_source import Report


@dataclass(frozen=True)
class RecordData:
    """Opened records; they are read again on every pass and never held together.

    Attributes:
        records: gives a fresh iterator over the N records, always in the same order.
        n: how many there are.
        fingerprint: 16 hex digits of ids, texts and labels (not of the pictures' bytes).
        facts: what makes numbers comparable (``{"data": "error_problems", "n": 500, ...}``).
        notes: sentences that a reader must see, such as what was left out.
        none_allowed: whether there are records without a wrong step.
    """

    records: Callable[[], Iterator[Record]]
    n: int
    fingerprint: str
    facts: Mapping[str, object]
    notes: tuple[str, ...] = ()
    none_allowed: bool = False


class RecordSource(ABC):
    """What all data options of worked solutions have in common."""

    @abstractmethod
    def open(self, folder: Path, *, report: Report | None = None) -> RecordData:
        """Read, check or draw the records.

        Args:
            folder: of the run; drawn problems are put below it where no other place is given.
            report: called with (what, done, total).

        Raises:
            DataError: naming file, row and field and the way out.
        """

    @abstractmethod
    def few(self, n: int) -> RecordSource:
        """The same source with at most ``n`` records, for a quick look."""
