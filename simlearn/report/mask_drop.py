"""What one metric loses under a mask of neurons, as the figure of masks takes it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from simlearn.report import panels
from simlearn.report.masked_scores import in_order
from simlearn.report.shares import check_interval, check_share, check_word
from simlearn.report.wording import one_line

METRICS = {
    "step_accuracy": (("step", "accuracy"), "step accuracy"),
    "category_accuracy": (("category", "accuracy"), "category accuracy"),
    "visual_recall": (("recall", "of VIS"), "recall of visual perception errors"),
    "other_recall": (("recall of", "other kinds"), "recall of the other kinds"),
}
"""Words below the bars (two lines) and in the text for each metric."""


class MaskDrop(NamedTuple):
    """Fall of one metric under one mask, in shares; positive means that it got worse.

    Attributes:
        group: whose neurons are masked ("union", "image").
        metric: a key of ``METRICS``.
        drop: unmasked less masked, in [-1, 1]; nan where there is none.
        random_drop: the same, mean over random masks with as many neurons; nan without one.
        low: lower end of the 95 % interval of ``drop - random_drop``; nan where there is none.
        high: upper end.
    """

    group: str
    metric: str
    drop: float
    random_drop: float = math.nan
    low: float = math.nan
    high: float = math.nan

    @property
    def excess(self) -> float:
        """How much more the mask costs than random ones."""
        return self.drop - self.random_drop


def points(share: float) -> str:
    """Write a difference of shares in percentage points with its sign, "\u22123.4"; "-" for nan."""
    if math.isnan(share):
        return "-"
    text = f"{100 * share:.1f}"
    return "0.0" if float(text) == 0 else text.replace("-", "\u2212")


def check_drops(rows: Sequence[MaskDrop]) -> None:
    """Refuse what cannot be drawn, naming the row.

    Raises:
        ValueError: no row, more than 7 groups, an unknown metric, two rows of one bar, no value at
            all, a value that is no difference of shares, half an interval, one that is upside down
            or without an excess.
    """
    if not rows:
        raise ValueError("mask bars need at least one row, found 0")
    for i, row in enumerate(rows):
        place = f"mask bars, row {i}, {one_line(row.group, 40)!r}"
        check_word(row.metric, METRICS, place, "metric")
        if row[:2] in [other[:2] for other in rows[:i]]:
            raise ValueError(f"{place}: two rows of {row.metric}; give one")
        check_share(row.drop, f"{place}, {row.metric}, drop", lowest=-1)
        check_share(row.random_drop, f"{place}, {row.metric}, random_drop", lowest=-1)
        check_interval(row.low, row.high, row.excess, f"{place}, {row.metric}, excess", lowest=-2)
    if not any(math.isfinite(row.drop) for row in rows):
        raise ValueError(f"mask bars: none of {len(rows)} rows has a value; leave the figure out")
    panels.group_looks(in_order(row.group for row in rows))


def mask_words(row: MaskDrop) -> str:
    """One pair of bars for those who cannot see them."""
    words = f"{METRICS[row.metric][1]} {points(row.drop)}"
    if math.isnan(row.drop):
        return f"{METRICS[row.metric][1]} no value"
    if math.isfinite(row.random_drop):
        words += f" (random masks {points(row.random_drop)}, difference {points(row.excess)}"
        if math.isfinite(row.low):
            words += f", {points(row.low)} to {points(row.high)}"
        words += ")"
    return words
