"""What of a search for wrong steps stands in metrics.json as one number, and over how many."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from simlearn.analysis.errorradar.row_cell import NOT_ASKED, PLACES, UNKNOWN
from simlearn.analysis.errorradar.tally import Tally
from simlearn.report import Metric

STEP = {
    "step_accuracy": True,
    "step_within_one": True,
    "step_accuracy_first": True,
    "step_accuracy_middle": True,
    "step_accuracy_last": True,
    "step_distance": False,
    "step_parse_failures": False,
    "step_accuracy_none": True,
    "step_f1": True,
}
CATEGORY = {
    "category_accuracy": True,
    "category_macro_f1": True,
    "category_macro_precision": True,
    "category_macro_recall": True,
    "category_parse_failures": False,
    "joint_accuracy": True,
}
"""Metrics, and whether higher is better."""


def as_metrics(found: Mapping[str, Any], counts: Mapping[str, int]) -> dict[str, Metric]:
    """The metrics that are one number; those without a problem are left out.

    Args:
        found: of ``error_radar_metrics``.
        counts: of :func:`metric_counts`.
    """
    metrics = {}
    for name, better in {**STEP, **CATEGORY}.items():
        value = found[name]
        if math.isnan(value):
            continue
        ends = found.get("intervals", {}).get(name, (math.nan, math.nan))
        interval = None if any(map(math.isnan, ends)) else (float(ends[0]), float(ends[1]))
        metrics[name] = Metric(value, counts[name], interval, higher_is_better=better)
    return metrics


def metric_counts(tally: Tally) -> dict[str, int]:
    """Over how many problems each metric of ``STEP`` and ``CATEGORY`` is taken.

    Args:
        tally: of the rows.
    """
    counts = tally.counts().sum(0)
    steps = counts[:, :, 1:].sum((0, 1, 2)).tolist()  # by place, those that were asked for
    named = counts[:, :NOT_ASKED].sum((1, 2, 3)).tolist()  # by true kind, the same
    both = int(counts[:UNKNOWN, :NOT_ASKED, 1:].sum())
    special = {
        **{f"step_accuracy_{place}": steps[i] for i, place in enumerate(PLACES)},
        **dict.fromkeys(("step_f1", "step_parse_failures"), sum(steps)),
        "step_distance": sum(tally.distances.values()),
        "category_parse_failures": sum(named),
        "joint_accuracy": both,
    }
    usual = {**dict.fromkeys(STEP, sum(steps[1:])), **dict.fromkeys(CATEGORY, sum(named[:UNKNOWN]))}
    return {**usual, **special}
