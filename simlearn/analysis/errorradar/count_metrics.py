"""The metrics of ErrorRadar as functions of counts, for many tables of counts at once."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from simlearn.analysis.errorradar.row_cell import NOT_ASKED, UNKNOWN

SCALARS: Final = (
    "step_accuracy",
    "step_within_one",
    "step_accuracy_first",
    "step_accuracy_middle",
    "step_accuracy_last",
    "step_accuracy_none",
    "step_f1",
    "step_parse_failures",
    "category_accuracy",
    "category_macro_f1",
    "category_macro_precision",
    "category_macro_recall",
    "category_parse_failures",
    "joint_accuracy",
)
"""Names of the metrics that are one number in [0, 1]."""

_WRONG = slice(1, None)  # places of rows that have a wrong step
_ASKED = slice(1, None)  # outcomes of steps that were asked for


def count_metrics(counts: np.ndarray) -> dict[str, np.ndarray]:
    """All ``SCALARS``, and precision, recall, F1 and step accuracy of every category.

    Args:
        counts: ``(..., *SHAPE)`` not negative, see :mod:`simlearn.analysis.errorradar.tally`.

    Returns:
        ``(...)`` float64 for each of ``SCALARS``, nan where there is nothing to average; and
        ``(..., 5)`` for "precision", "recall", "f1" (empty denominators give 0; nan where no row
        with a known category was asked for it) and "step_accuracy_of" (nan without a row).
    """
    return _step_metrics(counts) | _category_metrics(counts)


def category_confusion(counts: np.ndarray) -> np.ndarray:
    """``(..., 5, 6)``: gold by predicted category, the last column of replies not read.

    Args:
        counts: ``(..., *SHAPE)``.
    """
    return counts[..., :UNKNOWN, :NOT_ASKED, :, :].sum((-2, -1))


def ratio(part: np.ndarray, whole: np.ndarray, empty: float = math.nan) -> np.ndarray:
    """``part / whole``, and ``empty`` where the whole is 0; float64."""
    there = whole > 0
    return np.where(there, part / np.where(there, whole, 1), empty)


def _step_metrics(counts: np.ndarray) -> dict[str, np.ndarray]:
    """What is asked of steps; ``none`` is the accuracy on solutions without a wrong step."""
    steps = counts.sum((-4, -3))  # (..., outcome, place)
    asked, right = steps[..., _ASKED, :].sum(-2), steps[..., 4, :]
    near = steps[..., 3, _WRONG].sum(-1)
    wrong_asked, wrong_right = asked[..., _WRONG].sum(-1), right[..., _WRONG].sum(-1)
    by_place = ratio(right, asked)
    accuracy, none = ratio(wrong_right, wrong_asked), by_place[..., 0]
    return {
        "step_accuracy": accuracy,
        "step_within_one": ratio(wrong_right + near, wrong_asked),
        "step_accuracy_first": by_place[..., 1],
        "step_accuracy_middle": by_place[..., 2],
        "step_accuracy_last": by_place[..., 3],
        "step_accuracy_none": none,
        "step_f1": np.where(
            np.isnan(accuracy + none), math.nan, ratio(2 * accuracy * none, accuracy + none, 0.0)
        ),
        "step_parse_failures": ratio(steps[..., 1, :].sum(-1), asked.sum(-1)),
    }


def _category_metrics(counts: np.ndarray) -> dict[str, np.ndarray]:
    """What is asked of categories, and of both."""
    confusion = category_confusion(counts)
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    gold, said = confusion.sum(-1), confusion[..., :UNKNOWN].sum(-2)
    asked = gold.sum(-1)
    some = np.where(asked > 0, 1.0, math.nan)[..., None]
    precision, recall = ratio(hits, said, 0.0) * some, ratio(hits, gold, 0.0) * some
    f1 = ratio(2 * hits, gold + said, 0.0) * some
    told = counts[..., :NOT_ASKED, :, :].sum((-4, -2, -1))  # (..., predicted)
    known = counts[..., :UNKNOWN, :, :, :].sum(-1)  # (..., gold, predicted, outcome)
    both = np.diagonal(known[..., :UNKNOWN, 4], axis1=-2, axis2=-1).sum(-1)
    return {
        "category_accuracy": ratio(hits.sum(-1), asked),
        "category_macro_f1": f1.mean(-1),
        "category_macro_precision": precision.mean(-1),
        "category_macro_recall": recall.mean(-1),
        "category_parse_failures": ratio(told[..., UNKNOWN], told.sum(-1)),
        "joint_accuracy": ratio(both, known[..., :NOT_ASKED, _ASKED].sum((-3, -2, -1))),
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "step_accuracy_of": ratio(known[..., 4].sum(-1), known[..., _ASKED].sum((-2, -1))),
    }
