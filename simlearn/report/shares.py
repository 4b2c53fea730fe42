"""Shares, their intervals and words in figures: what is refused, how they read."""

from __future__ import annotations

import math
from collections.abc import Iterable

from simlearn.data.exclusions import closest
from simlearn.report import panels
from simlearn.report.wording import one_line

ROUNDING = 1e-9  # by how much a mean of shares may leave its range


def check_word(word: str, words: Iterable[str], place: str, what: str) -> None:
    """Refuse a word that is none of those there are, with the closest one.

    Args:
        word: that was given; may be hostile.
        words: those there are.
        place: names the row in the text of the error.
        what: name of the field.

    Raises:
        ValueError: it is none of them.
    """
    there = list(words)
    if word in there:
        return
    shown = one_line(str(word), 40)
    near = closest(shown, there)
    hint = f"; did you mean {near!r}?" if near else ""
    raise ValueError(f"{place}: {what} {shown!r} is none of {', '.join(there)}{hint}")


def check_share(value: float, place: str, *, lowest: float = 0.0) -> None:
    """Refuse what is neither nan nor a share.

    Args:
        value: in [``lowest``, 1], or nan where there is none.
        place: names the row and the field in the text of the error.
        lowest: 0; -1 for a difference of two shares, -2 for one of two differences.

    Raises:
        ValueError: an infinite value or one outside the range.
    """
    if math.isnan(value) or lowest - ROUNDING <= value <= max(1.0, -lowest) + ROUNDING:
        return
    what = "share" if lowest == 0 else "difference of shares"
    raise ValueError(
        f"{place}: {value:g} is no {what} in [{lowest:g}, {max(1.0, -lowest):g}]; give shares, "
        "not percent"
    )


def check_interval(
    low: float, high: float, value: float, place: str, *, lowest: float = 0.0
) -> None:
    """Refuse an interval that cannot be drawn beside its value; nan twice is none.

    Raises:
        ValueError: an end that is no share, half an interval, one that is upside down, or one
            without a value.
    """
    for end in (low, high):
        check_share(end, place, lowest=lowest)
    if math.isnan(low) != math.isnan(high) or low > high:
        raise ValueError(f"{place}: [{low:g}, {high:g}] is no interval")
    if math.isnan(value) and math.isfinite(low):
        raise ValueError(f"{place}: the interval [{low:g}, {high:g}] has no value; give it too")


def share_words(value: float, low: float = math.nan, high: float = math.nan) -> str:
    """Write a share and its interval, "55.1 % (50.2 to 60.0 %)"; "no value" for nan."""
    if math.isnan(value):
        return "no value"
    own, first, last = (panels.percent(max(v, 0.0)) for v in (value, low, high))
    return own if math.isnan(low) else f"{own} ({first.removesuffix(' %')} to {last})"
