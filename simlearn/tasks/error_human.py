"""What people said about the same problems, and how far a model is from them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

from simlearn.analysis.errorradar.human_ratings import (
    Gold,
    HumanGap,
    HumanScores,
    human_gap,
    human_scores,
)
from simlearn.analysis.errorradar.rating_file import Rating, read_ratings
from simlearn.analysis.errorradar.record_source import RecordData
from simlearn.tasks.error_rivals import Rights


@dataclass(frozen=True)
class Human:
    """Ratings of people.

    Attributes:
        ratings: one per person and problem; of solutions that have a wrong step.
        gold: what is right, by record, of the same.
        digest: of the file, for the report.
    """

    ratings: list[Rating]
    gold: Gold
    digest: str

    def scores(self, *, draws: int, seed: int) -> HumanScores:
        """Accuracy and agreement of people."""
        return human_scores(self.ratings, self.gold, draws=draws, seed=seed)

    def gap(self, rights: Rights, *, draws: int, seed: int) -> HumanGap:
        """A model less people, on the problems that people rated."""
        return human_gap(rights, self.ratings, self.gold, draws=draws, seed=seed)


def named_values(value: Any) -> Any:
    """Data classes and named tuples as dicts, all the way down."""
    if hasattr(value, "_asdict"):
        return {key: named_values(item) for key, item in value._asdict().items()}
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: named_values(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {key: named_values(item) for key, item in value.items()}
    return value


def read_human(path: Path, data: RecordData) -> Human:
    """Read ratings and check them against the records.

    Args:
        path: CSV, TSV or JSON Lines with id, rater, step, category.
        data: the records.

    Raises:
        DataError: naming file, line and field; an id that is not in the data.
    """
    path = Path(path).expanduser()
    ratings = read_ratings(path)
    gold = {r.id: (r.error_step, r.error_category) for r in data.records()}
    human_scores(ratings, gold, draws=1)  # an unknown id is refused before anything is asked
    ratings = [rating for rating in ratings if gold[rating.id][0]]  # a wrong step is there
    gold = {key: labels for key, labels in gold.items() if labels[0]}
    digest = hashlib.blake2b(path.read_bytes(), digest_size=8).hexdigest()
    return Human(ratings, gold, digest)
