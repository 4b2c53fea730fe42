"""Shares, differences and intervals as the tables of wrong steps write them; nothing is "-"."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any


def known(value: Any) -> bool:
    """Whether there is a number."""
    return value is not None and not math.isnan(value)


def percent(value: Any) -> str:
    """A share in percent."""
    return f"{100 * value:.1f}" if known(value) else "-"


def plain(value: float) -> str:
    """A number that is no share."""
    return f"{value:.3f}" if known(value) else "-"


def signed(value: float) -> str:
    """A difference of shares in points."""
    return f"{100 * value:+.1f}" if known(value) else "-"


def with_interval(value: Any, ends: Any) -> str:
    """A share with its interval."""
    if ends is None or not all(map(known, ends)) or not known(value):
        return percent(value)
    return f"{100 * value:.1f} [{100 * ends[0]:.1f}, {100 * ends[1]:.1f}]"


def between_points(ends: Sequence[float]) -> str:
    """Both ends of an interval in points."""
    return f"{signed(ends[0])} to {signed(ends[1])}" if all(map(known, ends)) else "-"
