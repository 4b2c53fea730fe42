"""The metrics of ErrorRadar (arXiv 2410.04509) and what it takes to read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from simlearn.analysis.errorradar.count_metrics import SCALARS, category_confusion, count_metrics
from simlearn.analysis.errorradar.metric_intervals import OF_TYPES, metric_intervals
from simlearn.analysis.errorradar.resampling import check_draws
from simlearn.analysis.errorradar.row_cell import UNKNOWN
from simlearn.analysis.errorradar.tally import Tally
from simlearn.analysis.errorradar.taxonomy import CATEGORIES


def error_radar_metrics(
    rows: Iterable[Mapping[str, Any]] | Tally, *, draws: int = 0, seed: int = 0
) -> dict[str, Any]:
    """Steps, categories and both, over all problems and by category and type.

    A row has ``gold_step`` (from 1; 0 where no step is wrong), ``n_steps``, and may have
    ``gold_category``, ``problem_type``, ``pred_step`` and ``pred_category``. A prediction of
    ``None`` could not be read: wrong, missed for its own category, an alarm for none. Where the
    key is absent the row was not asked and counts for no metric of that sub-task; where no row was
    asked, those are nan. A predicted step outside 1..n_steps is read and wrong.

    Over rows with a wrong step: ``step_accuracy``, ``step_within_one`` (off by one step at most),
    ``step_accuracy_first``, ``_middle`` and ``_last`` (thirds, see :func:`step_place`),
    ``step_distance`` (mean of ``|pred - gold|`` where the prediction is a step that there is).
    Over rows without: ``step_accuracy_none``. ``step_f1`` is the harmonic mean of
    ``step_accuracy`` and ``step_accuracy_none`` (ProcessBench), nan unless both kinds occur. Over
    all rows asked: ``step_parse_failures``, ``category_parse_failures``. Over rows with a known
    category: ``category_accuracy``, ``category_macro_f1`` (mean of the five F1, not the F1 of the
    means), ``category_macro_precision``, ``category_macro_recall`` (empty denominators give 0),
    ``confusion`` (5 gold rows, 6 columns, the last of replies not read), ``joint_accuracy`` (step
    and category right, of those asked for both).

    Args:
        rows: read once, in flat memory; or what was counted already.
        draws: resamples of the 95 % percentile bootstrap over problems; 0 for no intervals.
        seed: of the resamples.

    Returns:
        The above; ``n`` rows, ``n_step`` of them with a wrong step, ``n_category`` with a known
        category; ``per_category`` {code: n, precision, recall, f1, step_accuracy};
        ``per_problem_type`` {type: n, step_accuracy, category_accuracy, category_macro_f1,
        joint_accuracy}, rows without type left out. With ``draws``: ``intervals`` {metric: [low,
        high]}, and ``recall_interval``, ``step_accuracy_interval``, ... in the two tables. Plain
        JSON values but for nan, which stands wherever there is nothing to average.

    Raises:
        ValueError: a row that is not as above, by its number and field; negative ``draws``.
    """
    check_draws(draws, 0)
    tally = rows if isinstance(rows, Tally) else Tally(rows)
    by_type = tally.counts()
    counts = by_type.sum(0)
    values = count_metrics(counts)
    found: dict[str, Any] = {
        "n": tally.n,
        "n_step": int(counts[..., 1:].sum()),
        "n_category": int(counts[:UNKNOWN].sum()),
        **{name: float(values[name]) for name in SCALARS},
        "step_distance": _mean_distance(tally),
        "confusion": category_confusion(counts).tolist(),
        "per_category": _by_category(counts, values),
        "per_problem_type": _by_type(tally.types, by_type),
    }
    if draws:
        metric_intervals(found, tally, draws=draws, seed=seed)
    return found


def _mean_distance(tally: Tally) -> float:
    """Mean of ``|pred - gold|``; nan without one."""
    total = sum(tally.distances.values())
    return sum(d * times for d, times in tally.distances.items()) / total if total else float("nan")


def _by_category(counts: np.ndarray, values: dict[str, np.ndarray]) -> dict[str, dict[str, Any]]:
    """The table by gold category."""
    numbers = counts[:UNKNOWN].sum((1, 2, 3))
    keys = {"precision": "precision", "recall": "recall", "f1": "f1"}
    keys["step_accuracy"] = "step_accuracy_of"
    return {
        code: {"n": int(numbers[i]), **{key: float(values[of][i]) for key, of in keys.items()}}
        for i, code in enumerate(CATEGORIES)
    }


def _by_type(types: tuple[str, ...], by_type: np.ndarray) -> dict[str, dict[str, Any]]:
    """The table by type of problem."""
    values, numbers = count_metrics(by_type), by_type.sum((1, 2, 3, 4))
    return {
        name: {
            "n": int(numbers[i]),
            **{key: float(values[key][i]) for key in (*OF_TYPES, "category_macro_f1")},
        }
        for i, name in enumerate(types)
        if name
    }
