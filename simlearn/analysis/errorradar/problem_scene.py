"""A figure, what can be asked about it, and the small draws that templates share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from simlearn.analysis.errorradar.exact_arithmetic import shown
from simlearn.analysis.errorradar.figure_drawing import Canvas
from simlearn.analysis.errorradar.solution_program import Pool

T = TypeVar("T")


@dataclass(frozen=True)
class Scene:
    """One drawn figure with all that can be worked out from it.

    Attributes:
        template: name of the program.
        figure: what the picture is called in the text, ``"chart"``.
        intro: the text before the question, without a value that is in the figure.
        pool: reads, formulas and sums.
        targets: names of the two or more results that may be asked for.
        paint: draws the figure.
        note: a sentence after the question.
        marks: more that the figure says, such as which parts are shaded: label -> text.
    """

    template: str
    figure: str
    intro: str
    pool: Pool
    targets: Sequence[str]
    paint: Callable[[Canvas], None]
    note: str = ""
    marks: Mapping[str, str] = field(default_factory=dict)

    def labels(self) -> dict[str, str]:
        """All true values that are in the figure: label -> value as it is written."""
        reads = self.pool.of_kind("read")
        found = {label_of(n.phrase): (n.value and shown(n.value, n.unit)) or "" for n in reads}
        return {**found, **self.marks}


Template = Callable[[np.random.Generator], Scene]
"""Draws the values of a figure; everything else follows from them."""
GrowingTemplate = Callable[[np.random.Generator, int], Scene]
"""The same for a figure of so many parts."""
PI_NOTE = " Use 3.14 for pi."


def label_of(phrase: str) -> str:
    """``"width of part A"`` for ``"the width of part A"``."""
    return phrase.removeprefix("the ")


def between(rng: np.random.Generator, least: int, most: int) -> int:
    """A whole number from ``least`` to ``most``, both possible."""
    return int(rng.integers(least, most + 1))


def pick(rng: np.random.Generator, choices: Sequence[T]) -> T:
    """One of several, each as likely."""
    return choices[int(rng.integers(len(choices)))]


def several(rng: np.random.Generator, choices: Sequence[T], n: int) -> list[T]:
    """``n`` different ones in random order."""
    return [choices[int(k)] for k in rng.permutation(len(choices))[:n]]


def coin(rng: np.random.Generator) -> bool:
    """Yes as often as no."""
    return bool(rng.random() < 0.5)
