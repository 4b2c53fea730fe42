"""The accuracy of joint training, by which omega is normalised."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simlearn.data.errors import DataError

Matrix = list[list[float | None]]
"""T rows of T accuracies, ``None`` for experiences that are still to come."""


@dataclass(frozen=True)
class Ideal:
    """What a network reaches that sees the images of all classes seen so far at once.

    Attributes:
        matrix: its accuracies, as :func:`accuracy_rows` gives them.
        source: where they come from, in words.
    """

    matrix: Matrix
    source: str


def accuracy_rows(results: Sequence[Mapping[str, Any]]) -> Matrix:
    """``ncm`` on the classes of experience k after experience t; ``None`` for k > t."""
    count = len(results)
    return [[*row["ncm"], *[None] * (count - 1 - t)] for t, row in enumerate(results)]


def ideal_of_results(results: Sequence[Mapping[str, Any]]) -> Ideal:
    """From the results of a joint strategy over all experiences."""
    return Ideal(accuracy_rows(results), "joint training of the same network and loss")


def read_ideal(ideal: str | float | None, count: int) -> Ideal | None:
    """A number, or the ceiling of a finished run in a folder; ``None`` for none.

    Args:
        ideal: the configuration's ``evaluation.ideal``.
        count: experiences of this run.

    Raises:
        DataError: no finished run with a ceiling there, or one with another number of experiences.
    """
    if ideal is None:
        return None
    if isinstance(ideal, int | float):
        return Ideal([[float(ideal)] * count for _ in range(count)], f"the number {ideal:g}")
    path = Path(ideal).expanduser() / "metrics.json"
    try:
        rows = json.loads(path.read_text())["ceiling"]["matrix"]
        matrix: Matrix = [[None if v is None else float(v) for v in row] for row in rows]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"evaluation.ideal={ideal}: {path} is not the result of a finished run with a ceiling "
            f"({type(error).__name__}). Give the folder of one (strategy=joint), "
            "evaluation.ideal=joint, or a number"
        ) from error
    if len(matrix) != count:
        raise DataError(
            f"evaluation.ideal={ideal}: that run has {len(matrix)} experiences, this one {count}. "
            "Use the same data.base_classes and data.classes_per_experience"
        )
    return Ideal(matrix, "joint training in another run")
