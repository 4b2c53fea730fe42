"""Bootstrap intervals of the metrics of ErrorRadar."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from simlearn.analysis.errorradar.count_metrics import SCALARS, count_metrics, ratio
from simlearn.analysis.errorradar.resampling import percentile_interval, resampled_counts
from simlearn.analysis.errorradar.row_cell import NOT_ASKED, UNKNOWN
from simlearn.analysis.errorradar.tally import Tally
from simlearn.analysis.errorradar.taxonomy import CATEGORIES
from simlearn.data.randomness import numpy_generator

OF_TYPES: Final = ("step_accuracy", "category_accuracy", "joint_accuracy")
"""Metrics that have an interval for every type of problem."""


def metric_intervals(found: dict[str, Any], tally: Tally, *, draws: int, seed: int) -> None:
    """Put 95 % percentile intervals beside the metrics.

    Problems are drawn with replacement by drawing the counts of cells, which is exact where rows
    are independent. A draw in which a metric has nothing to average does not count for it (a rare
    category or type may not be drawn). Macro means of few rows are biased down in resamples, for a
    category that is not drawn has an F1 of 0; an interval is widened to its value where it would
    leave it out. A metric that is nan has (nan, nan), and so has the recall of a category that
    does not occur.

    Args:
        found: the metrics; ``intervals``, and ``*_interval`` in the tables, are added.
        tally: that they were worked out from.
        draws: resamples.
        seed: of the resamples.
    """
    by_type = tally.counts()
    values, recalls = _resampled(by_type.sum(0), draws, seed)
    values["step_distance"] = _distances(tally, draws, seed)
    found["intervals"] = {name: _around(found[name], drawn) for name, drawn in values.items()}
    for i, code in enumerate(CATEGORIES):
        entry = found["per_category"][code]
        entry["recall_interval"] = _around(entry["recall"], recalls[:, i])
    shares = _types_resampled(by_type, draws, seed)
    for i, name in enumerate(tally.types):
        for key in OF_TYPES if name else ():
            entry = found["per_problem_type"][name]
            entry[f"{key}_interval"] = _around(entry[key], shares[key][:, i])


def _around(value: float, drawn: np.ndarray) -> list[float]:
    """The interval of resampled values, with the value inside."""
    low, high = percentile_interval(drawn)
    if math.isnan(value) or math.isnan(low):
        return [math.nan, math.nan]
    return [min(low, value), max(high, value)]


def _resampled(
    counts: np.ndarray, draws: int, seed: int
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """``(draws,)`` of each scalar, and ``(draws, 5)`` recalls, nan where a draw has no such row."""
    generator = numpy_generator(seed, "error radar", "all")
    parts: dict[str, list[np.ndarray]] = {name: [] for name in SCALARS}
    recalls = []
    for drawn in resampled_counts(counts, draws, generator):
        values = count_metrics(drawn)
        for name, column in parts.items():
            column.append(values[name])
        gold = drawn[:, :UNKNOWN, :NOT_ASKED].sum((2, 3, 4))
        recalls.append(np.where(gold > 0, values["recall"], math.nan))
    return {name: np.concatenate(column) for name, column in parts.items()}, np.concatenate(recalls)


def _distances(tally: Tally, draws: int, seed: int) -> np.ndarray:
    """``(draws,)`` mean distances; how many rows have one is drawn too."""
    steps = np.array(sorted(tally.distances), dtype=np.float64)
    counts = [tally.distances[int(step)] for step in steps]
    cells = np.array([*counts, tally.n - sum(counts)], dtype=np.int64)
    generator = numpy_generator(seed, "error radar", "distances")
    parts = resampled_counts(cells, draws, generator)
    return np.concatenate([ratio(part[:, :-1] @ steps, part[:, :-1].sum(1)) for part in parts])


def _types_resampled(by_type: np.ndarray, draws: int, seed: int) -> dict[str, np.ndarray]:
    """``(draws, types)`` of each of ``OF_TYPES``.

    Only what these need is drawn: per type whether the step (not asked, wrong, right) and the
    category are right, so 64 types cost little.
    """
    cells = _right_or_not(by_type)
    generator = numpy_generator(seed, "error radar", "types")
    parts: dict[str, list[np.ndarray]] = {key: [] for key in OF_TYPES}
    for drawn in resampled_counts(cells, draws, generator):
        step, category = drawn.sum(3), drawn.sum(2)
        parts["step_accuracy"].append(ratio(step[..., 2], step[..., 1:].sum(-1)))
        parts["category_accuracy"].append(ratio(category[..., 2], category[..., 1:].sum(-1)))
        both = drawn[..., 1:, 1:].sum((-2, -1))
        parts["joint_accuracy"].append(ratio(drawn[..., 2, 2], both))
    return {key: np.concatenate(column) for key, column in parts.items()}


def _right_or_not(by_type: np.ndarray) -> np.ndarray:
    """``(types, 3, 3)``: step by category, each 0 not counted, 1 wrong, 2 right."""
    kinds, golds, preds, outcomes, places = by_type.shape
    step = np.ones((outcomes, places), dtype=np.int64)
    step[4], step[0] = 2, 0
    step[:, 0] = 0  # no step is wrong
    category = np.ones((golds, preds), dtype=np.int64)
    category[np.diag_indices(UNKNOWN)] = 2
    category[UNKNOWN], category[:, NOT_ASKED] = 0, 0
    found = np.zeros((kinds, 3, 3), dtype=np.int64)
    for s in range(3):
        for c in range(3):
            chosen = (category == c)[:, :, None, None] & (step == s)
            found[:, s, c] = by_type[:, chosen].sum(1)
    return found
