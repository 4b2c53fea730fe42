"""The metrics of the table under masks as functions of sums over problems, for the bootstrap."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from simlearn.analysis.errorradar.row_cell import NOT_ASKED, UNKNOWN, row_cell

VISUAL, OTHERS = "visual_recall", "other_recall"
MASK_METRICS: Final = (
    "step_accuracy",
    "step_within_one",
    "category_accuracy",
    "category_macro_f1",
    "joint_accuracy",
    VISUAL,
    OTHERS,
)
"""As in ``error_radar_metrics``; and recall of VIS, and of all other categories taken together."""

_K = UNKNOWN  # categories
_HIT, _SAID, _GOLD = (slice(i * _K, (i + 1) * _K) for i in range(3))
_STEP, _STEP_RIGHT, _STEP_NEAR, _BOTH, _BOTH_RIGHT = range(3 * _K, 3 * _K + 5)
COLUMNS: Final = 3 * _K + 5
"""Of what :func:`row_columns` gives."""


def row_columns(rows: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """What each problem adds to the sums of which :func:`column_metrics` makes metrics.

    Args:
        rows: Q rows as :func:`~simlearn.analysis.errorradar.metrics.error_radar_metrics` takes
            them; may be none.

    Returns:
        uint8 ``(Q, COLUMNS)`` of zeros and ones.

    Raises:
        ValueError: a row that is not as there.
    """
    cells = [row_cell(row, number)[0][:4] for number, row in enumerate(rows, 1)]
    gold, said, outcome, place = np.array(cells, dtype=np.int64).reshape(-1, 4).T
    categories = np.arange(_K)
    told = ((gold != UNKNOWN) & (said != NOT_ASKED))[:, None]
    is_gold = (gold[:, None] == categories) & told
    is_said = (said[:, None] == categories) & told
    wrong, asked = place > 0, outcome > 0
    both = told[:, 0] & asked
    found = np.zeros((len(rows), COLUMNS), dtype=np.uint8)
    found[:, _HIT], found[:, _SAID], found[:, _GOLD] = is_gold & is_said, is_said, is_gold
    found[:, _STEP], found[:, _BOTH] = wrong & asked, both
    found[:, _STEP_RIGHT] = wrong & (outcome == 4)
    found[:, _STEP_NEAR] = wrong & (outcome >= 3)
    found[:, _BOTH_RIGHT] = both & (outcome == 4) & (is_gold & is_said).any(axis=1)
    return found


def column_metrics(sums: np.ndarray) -> np.ndarray:
    """Metrics from sums over problems, each counted as often as it was drawn.

    Args:
        sums: ``(..., COLUMNS)``, not negative.

    Returns:
        ``(..., len(MASK_METRICS))`` float64 in [0, 1]; nan where there is nothing to average,
        also for the recall of categories that do not occur.
    """
    sums = np.asarray(sums, dtype=np.float64)
    hit, said, gold = sums[..., _HIT], sums[..., _SAID], sums[..., _GOLD]
    all_gold = gold.sum(-1)
    f1 = _share(2 * hit, gold + said, 0.0).mean(-1)
    return np.stack(
        [
            _share(sums[..., _STEP_RIGHT], sums[..., _STEP]),
            _share(sums[..., _STEP_NEAR], sums[..., _STEP]),
            _share(hit.sum(-1), all_gold),
            np.where(all_gold > 0, f1, math.nan),
            _share(sums[..., _BOTH_RIGHT], sums[..., _BOTH]),
            _share(hit[..., 0], gold[..., 0]),
            _share(hit[..., 1:].sum(-1), gold[..., 1:].sum(-1)),
        ],
        axis=-1,
    )


def _share(part: np.ndarray, whole: np.ndarray, empty: float = math.nan) -> np.ndarray:
    """``part / whole``, and ``empty`` where the whole is 0."""
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1.0), empty)
