"""The accuracy of joint training, by which omega is normalised."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simlearn.data.errors import DataError
from simlearn.evaluation.incremental_figures import NORMALISERS, joint_ideal

Matrix = list[list[float | None]]
"""T rows of T accuracies, ``None`` for experiences that are still to come."""
SAME = ("classes_of_experiences", "class_order", "data_fingerprint", "measured_on")
"""What a run and the one that it takes its ceiling from must have in common."""


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


def read_ideal(ideal: str | float | None, protocol: Mapping[str, Any]) -> Ideal | None:
    """A number, or the ceiling of a finished run in a folder; ``None`` for none.

    Args:
        ideal: the configuration's ``evaluation.ideal``.
        protocol: of this run; the other one must have the same data and experiences.

    Raises:
        DataError: no finished run with a ceiling there, or one of other data or experiences.
    """
    if ideal is None:
        return None
    if isinstance(ideal, int | float):
        count = len(protocol["classes_of_experiences"])
        return Ideal([[float(ideal)] * count for _ in range(count)], f"the number {ideal:g}")
    path = Path(ideal).expanduser() / "metrics.json"
    try:
        found = json.loads(path.read_text())
        theirs, source = found["protocol"], str(found["ceiling"]["source"])
        rows = found["ceiling"]["matrix"]
        matrix: Matrix = [[None if v is None else float(v) for v in row] for row in rows]
        values = {name: theirs[name] for name in SAME}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"evaluation.ideal={ideal}: {path} is not the result of a finished run with a ceiling "
            f"({type(error).__name__}). Give the folder of one (strategy=joint), "
            "evaluation.ideal=joint, or a number"
        ) from error
    for name, there in values.items():
        here = protocol[name]
        if there != (list(here) if isinstance(here, tuple) else here):
            raise DataError(
                f"evaluation.ideal={ideal}: that run has another {name.replace('_', ' ')} "
                f"({there} there, {here} here). Use the same data, order of classes "
                "(data.order_seed or data.class_order) and experiences, or evaluation.ideal=joint"
            )
    return Ideal(matrix, f"{source}, in another run")


def no_ceiling(ideal: Ideal, sizes: Sequence[int]) -> bool:
    """Whether one of the accuracies that omegas are divided by is 0, so that there are none.

    Args:
        ideal: the ceiling.
        sizes: test images of every experience.
    """
    return any(
        float(joint_ideal(ideal.matrix, sizes=sizes, normaliser=normaliser).min()) <= 0
        for normaliser in NORMALISERS
    )
