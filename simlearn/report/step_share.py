"""How often the wrong step is found among some problems, as the figure of steps takes it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from simlearn.report.shares import check_interval, check_share, check_word, share_words
from simlearn.report.wording import number, one_line

MOST = 6  # bars of a panel
PANELS = {"position": "by place of the first wrong step", "length": "by number of steps"}
"""Headings of the two panels."""


class StepShare(NamedTuple):
    """Share of problems whose first wrong step is found, for one bar; nan where there is none.

    Attributes:
        panel: "position" or "length".
        name: of the bar, such as "first third".
        n: how many problems.
        accuracy: in [0, 1].
        low: lower end of its 95 % interval.
        high: upper end.
        chance: what picking a step blindly gives: mean over the problems of 1 / number of steps.
    """

    panel: str
    name: str
    n: int
    accuracy: float
    low: float = math.nan
    high: float = math.nan
    chance: float = math.nan


def check_steps(rows: Sequence[StepShare]) -> None:
    """Refuse what cannot be drawn, naming the row.

    Raises:
        ValueError: no row, more than 6 of a panel, an unknown panel, two rows of one bar, a
            negative n, no value at all, a value outside [0, 1], half an interval, one that is
            upside down or without its value.
    """
    if not rows:
        raise ValueError("step positions need at least one row, found 0")
    for i, row in enumerate(rows):
        place = f"step positions, row {i}, {one_line(row.name, 40)!r}"
        check_word(row.panel, PANELS, place, "panel")
        if row[:2] in [other[:2] for other in rows[:i]]:
            raise ValueError(f"{place}: two rows of panel {row.panel!r} have this name; give one")
        if row.n < 0:
            raise ValueError(f"{place}: n is {row.n}, must be 0 or more")
        check_share(row.accuracy, f"{place}, accuracy")
        check_share(row.chance, f"{place}, chance")
        check_interval(row.low, row.high, row.accuracy, place)
    for key in PANELS:
        if (count := sum(row.panel == key for row in rows)) > MOST:
            raise ValueError(f"step positions: {count} rows of panel {key!r}, at most {MOST} fit")
    if not any(math.isfinite(row.accuracy) for row in rows):
        raise ValueError(
            f"step positions: none of {len(rows)} rows has a value; leave the figure out"
        )


def step_words(row: StepShare) -> str:
    """One bar for those who cannot see it."""
    words = f"{one_line(row.name, 40)} {share_words(row.accuracy, row.low, row.high)}"
    chance = f", chance {share_words(row.chance)}" if math.isfinite(row.chance) else ""
    return f"{words} (n = {number(row.n)}{chance})"
