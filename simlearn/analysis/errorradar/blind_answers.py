"""What answers without looking would score: the scale that metrics are read on."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import numpy as np

from simlearn.analysis.errorradar.count_metrics import SCALARS
from simlearn.analysis.errorradar.metrics import error_radar_metrics
from simlearn.analysis.errorradar.row_cell import PLACES, row_cell, step_place
from simlearn.analysis.errorradar.tally import Tally
from simlearn.analysis.errorradar.taxonomy import CATEGORIES

_KEYS: Final = (*SCALARS, "step_distance")


class _Gold(NamedTuple):
    """The labels of a row."""

    step: int
    n_steps: int
    category: str | None


def label_baselines(rows: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """The numbers of :func:`error_radar_metrics` for four ways to answer blindly; nothing is drawn.

    - "majority": always the most frequent gold category and the most frequent gold step (of those
      from 1; it may be beyond the end of a short solution and is wrong there). Of equally frequent
      ones the first category in the paper's order and the lowest step.
    - "uniform": a category and a step 1..n_steps, each drawn uniformly and on its own. Exact
      expectations of all metrics, of the macro means too (not those of an expected confusion).
    - "first step", "last step": that step, and no category (nan).

    No baseline says that no step is wrong.

    Args:
        rows: with gold labels as for :func:`error_radar_metrics`; predictions are not looked at.
            Read once; held are the different labels with their counts.

    Returns:
        Baseline -> metric -> value, of the metrics that are one number; nan where nothing is to be
        averaged.

    Raises:
        ValueError: a row that is not as it must be, by its number and field.
    """
    golds = _count(rows)
    steps = Counter[int]()
    kinds = Counter[str]()
    for gold, times in golds.items():
        if gold.step:
            steps[gold.step] += times
        if gold.category is not None:
            kinds[gold.category] += times
    step = min(steps, key=lambda s: (-steps[s], s), default=1)
    category = max(CATEGORIES, key=lambda code: kinds[code])  # the first of equal ones
    return {
        "majority": _scores({g: (step, category) for g in golds}, golds),
        "uniform": _uniform(golds),
        "first step": _scores({g: (1, None) for g in golds}, golds),
        "last step": _scores({g: (g.n_steps, None) for g in golds}, golds),
    }


def _count(rows: Iterable[Mapping[str, Any]]) -> Counter[_Gold]:
    """How often each combination of labels occurs."""
    found: Counter[_Gold] = Counter()
    for number, row in enumerate(rows, 1):
        (kind, _, _, _, _), _ = row_cell(_labels(row), number)
        code = CATEGORIES[kind] if kind < len(CATEGORIES) else None
        found[_Gold(int(row["gold_step"]), int(row["n_steps"]), code)] += 1
    return found


def _labels(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """The row without predictions and type."""
    if not isinstance(row, Mapping):
        return row
    return {key: row[key] for key in ("gold_step", "n_steps", "gold_category") if key in row}


def _scores(
    answers: Mapping[_Gold, tuple[int, str | None]], golds: Counter[_Gold]
) -> dict[str, float]:
    """Metrics of fixed answers (step, category or none)."""
    tally = Tally()
    for gold, (step, category) in answers.items():
        row: dict[str, Any] = {
            "gold_step": gold.step,
            "n_steps": gold.n_steps,
            "gold_category": gold.category,
            "pred_step": step,
        }
        if category is not None:
            row["pred_category"] = category
        tally.add(row, golds[gold])
    found = error_radar_metrics(tally)
    return {key: found[key] for key in _KEYS}


def _uniform(golds: Counter[_Gold]) -> dict[str, float]:
    """Expectations for uniform answers."""
    wrong = {gold: times for gold, times in golds.items() if gold.step}
    right = sum(times for gold, times in golds.items() if not gold.step)
    kinds = Counter[str]()
    for gold, times in wrong.items():
        if gold.category is not None:
            kinds[gold.category] += times
    known = {gold: times for gold, times in wrong.items() if gold.category is not None}
    accuracy = _mean(wrong, lambda g: 1 / g.n_steps)
    found = {
        "step_accuracy": accuracy,
        "step_within_one": _mean(
            wrong, lambda g: (1 + (g.step > 1) + (g.step < g.n_steps)) / g.n_steps
        ),
        "step_accuracy_none": 0.0 if right else math.nan,
        "step_f1": 0.0 if right and wrong else math.nan,
        "step_parse_failures": 0.0 if golds else math.nan,
        "step_distance": _mean(wrong, _distance),
        "category_accuracy": 1 / len(CATEGORIES) if known else math.nan,
        **_macro(kinds),
        "category_parse_failures": 0.0 if golds else math.nan,
        "joint_accuracy": _mean(known, lambda g: 1 / g.n_steps / len(CATEGORIES)),
    }
    for place, name in enumerate(PLACES[1:], 1):
        own = {g: times for g, times in wrong.items() if step_place(g.step, g.n_steps) == place}
        found[f"step_accuracy_{name}"] = _mean(own, lambda g: 1 / g.n_steps)
    return {key: found[key] for key in _KEYS}


def _mean(golds: Mapping[_Gold, int], value: Any) -> float:
    """Mean of a function of labels; nan without a row."""
    total = sum(golds.values())
    return math.fsum(value(g) * times for g, times in golds.items()) / total if total else math.nan


def _distance(gold: _Gold) -> float:
    """Mean distance of a uniform step: 0..step-1 on one side, 1..n_steps-step on the other."""
    before, after = gold.step - 1, gold.n_steps - gold.step
    return (before * (before + 1) + after * (after + 1)) / 2 / gold.n_steps


def _macro(kinds: Counter[str]) -> dict[str, float]:
    """Expected macro means when each of N rows is given one of C categories uniformly.

    M ~ Bin(N, 1/C) rows get a category, and of M rows a share n_c / N are its own on average. So
    its precision is n_c / N unless M = 0, its recall 1/C if it occurs, and its F1 the mean of
    2 M (n_c / N) / (n_c + M) over M.
    """
    from scipy.stats import binom

    total, size = sum(kinds.values()), len(CATEGORIES)
    names = ("category_macro_f1", "category_macro_precision", "category_macro_recall")
    if not total:
        return dict.fromkeys(names, math.nan)
    times = np.arange(1, total + 1)
    weight = binom.pmf(times, total, 1 / size)
    f1 = [float(weight @ (2 * times * (n / total) / (n + times))) for n in kinds.values()]
    precision = 1 - (1 - 1 / size) ** total
    return dict(zip(names, (sum(f1) / size, precision / size, len(kinds) / size**2), strict=True))
