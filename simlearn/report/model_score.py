"""One model's accuracies as the figure of models takes them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from simlearn.report import drawing
from simlearn.report.shares import check_interval, check_share, check_word, share_words
from simlearn.report.wording import one_line

MOST = 16
KINDS = {
    "this": ("this run", drawing.BLUE),
    "open": ("open weights", drawing.GREEN),
    "closed": ("closed weights", drawing.ORANGE),
    "human": ("people", drawing.PURPLE),
    "baseline": ("baseline", drawing.GREY),
}
"""Words and colour of each kind of model."""
SCORES = {"step": "step accuracy", "category": "category accuracy"}
"""Headings of the two panels by field of :class:`ModelScore`."""


class ModelScore(NamedTuple):
    """Accuracies of one model as shares in [0, 1]; nan where there is none.

    Attributes:
        name: of the model.
        kind: a key of ``KINDS``.
        step: share of problems whose first wrong step is found (arXiv 2410.04509, STEP).
        step_low: lower end of its 95 % interval.
        step_high: upper end.
        category: share of problems whose kind of error is named (CATE).
        category_low: lower end of its 95 % interval.
        category_high: upper end.
        joint: share with both right.
    """

    name: str
    kind: str
    step: float = math.nan
    step_low: float = math.nan
    step_high: float = math.nan
    category: float = math.nan
    category_low: float = math.nan
    category_high: float = math.nan
    joint: float = math.nan


def check_scores(rows: Sequence[ModelScore]) -> None:
    """Refuse what cannot be drawn, naming the row.

    Raises:
        ValueError: no row or more than 16, an unknown kind, no step or category accuracy at all,
            a value outside [0, 1], half an interval, one that is upside down or without its value.
    """
    if not 1 <= len(rows) <= MOST:
        raise ValueError(f"model bars show 1 to {MOST} models, found {len(rows)}")
    for i, row in enumerate(rows):
        place = f"model bars, row {i}, {one_line(row.name, 40)!r}"
        check_word(row.kind, KINDS, place, "kind")
        for key in (*SCORES, "joint"):
            check_share(getattr(row, key), f"{place}, {key}")
        for key in SCORES:
            low, high = getattr(row, f"{key}_low"), getattr(row, f"{key}_high")
            check_interval(low, high, getattr(row, key), f"{place}, {key}")
    if not any(math.isfinite(value) for row in rows for value in (row.step, row.category)):
        raise ValueError(
            f"model bars: none of {len(rows)} models has a step or category accuracy; leave the "
            "figure out"
        )


def score_words(row: ModelScore, shown: Sequence[str]) -> str:
    """One model's values for those who cannot see the picture."""
    values = [(key, getattr(row, key), getattr(row, f"{key}_low"), getattr(row, f"{key}_high"))
              for key in shown]  # fmt: skip
    parts = [f"{key} {share_words(*numbers)}" for key, *numbers in values]
    if math.isfinite(row.joint):
        parts.append(f"both {share_words(row.joint)}")
    return f"{one_line(row.name, 40)} ({KINDS[row.kind][0]}): {', '.join(parts)}"
