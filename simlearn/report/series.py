"""Logged values as series: sorted, thinned, smoothed, and told apart by their names."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np

from simlearn.report.wording import is_percent

Series = tuple[np.ndarray, np.ndarray]  # steps (N,) int64 ascending, values (N,) float64, nan = gap
MOST_POINTS = 1200
MOST_LINES = 5


def by_name(rows: Iterable[tuple[int, str, float]]) -> dict[str, Series]:
    """Sort rows (step, name, value) into one series per name, in the order names first appear.

    Of two rows of one step the later is kept. Values that are not finite become gaps; a name
    without any finite value is left out.
    """
    found: dict[str, dict[int, float]] = {}
    for step, name, value in rows:
        found.setdefault(name, {})[int(step)] = float(value)
    out = {}
    for name, points in found.items():
        steps = sorted(points)
        values = np.array([points[step] for step in steps], dtype=np.float64)
        values[~np.isfinite(values)] = np.nan
        if np.isfinite(values).any():
            out[name] = (np.array(steps, dtype=np.int64), values)
    return out


def of_kind(kind: str, series: dict[str, Series]) -> list[str]:
    """Names of one kind (see :func:`kind_of`), at most five; percent metrics first choice.

    Where a validation metric is a percent metric the others are left out, for they do not share
    its axis; a count of active tuples is no share and left out too.
    """
    names = [name for name in series if kind_of(name) == kind]
    if kind == "val" and any(map(is_percent, names)):
        names = [name for name in names if is_percent(name)]
    if kind == "active":
        names = [name for name in names if np.nanmin(series[name][1]) >= 0]
        names = [name for name in names if np.nanmax(series[name][1]) <= 1]
    return names[:MOST_LINES]


def kind_of(name: str) -> str:
    """Tell "loss", "val", "rank", "active" or "lr" from a logged name; empty for none of them."""
    last = name.rsplit("/", 1)[-1].lower()
    if "loss" in last:
        return "loss"
    if name.startswith("val"):
        return "val"
    if "effective_rank" in last:
        return "rank"
    if "active" in last:
        return "active"
    return "lr" if last.startswith(("lr", "learning_rate")) or name.startswith("lr") else ""


def last_value(series: Series) -> float:
    """Return the last finite value."""
    values = series[1]
    return float(values[np.isfinite(values)][-1])


def window(points: int) -> int:
    """How many logged steps the running mean takes: a twentieth of them, at most 200."""
    return max(1, min(points // 20, 200))


def running_mean(values: np.ndarray, window: int) -> np.ndarray:
    """Mean of the last ``window`` finite values up to each place, fewer at the start.

    Args:
        values: (N,) float; nan and inf are left out of every mean.
        window: at least 1.

    Returns:
        (N,) float64, nan where the window holds no finite value.
    """
    good = np.isfinite(values)
    total = np.concatenate([[0.0], np.cumsum(np.where(good, values, 0.0), dtype=np.float64)])
    count = np.concatenate([[0], np.cumsum(good)])
    end = np.arange(1, len(values) + 1)
    start = np.maximum(end - window, 0)
    n = count[end] - count[start]
    return np.where(n > 0, (total[end] - total[start]) / np.maximum(n, 1), np.nan)


def thin(steps: np.ndarray, values: np.ndarray, most: int = MOST_POINTS) -> Series:
    """At most ``most`` points with the same outline: each bin's lowest and highest value.

    Args:
        steps: (N,) ascending.
        values: (N,) float; nan survives only in bins that hold nothing else.
        most: an even number of points to keep.
    """
    if len(values) <= most:
        return steps, values
    edges = np.linspace(0, len(values), most // 2 + 1).astype(np.int64)
    low, high = (np.where(np.isnan(values), fill, values) for fill in (np.inf, -np.inf))
    keep: list[int] = []
    for begin, end in pairwise(edges):
        keep += sorted({begin + low[begin:end].argmin(), begin + high[begin:end].argmax()})
    return steps[keep], values[keep]
