"""Sums over problems give the same metrics as the rows do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.analysis.errorradar.mask_counts import (
    COLUMNS,
    MASK_METRICS,
    column_metrics,
    row_columns,
)
from tests.analysis.errorradar.masked_rows import answered, golds, naive_metrics

BOTH = ("pred_step", "pred_category")


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 40), st.integers(0, 10**6), st.sampled_from([BOTH, BOTH[:1], BOTH[1:], ()]))
def test_metrics_of_resampled_rows(count, seed, ask):
    rows = answered(golds(count, seed), skill=0.4, seed=seed, ask=ask)
    columns = row_columns(rows)
    assert columns.shape == (count, COLUMNS) and set(np.unique(columns)) <= {0, 1}
    np.testing.assert_allclose(
        column_metrics(columns.sum(0, dtype=int)), naive_metrics(rows), rtol=1e-12
    )
    if count:
        drawn = np.random.default_rng(seed).integers(count, size=count)
        times = np.bincount(drawn, minlength=count)
        np.testing.assert_allclose(
            column_metrics(times @ columns), naive_metrics([rows[i] for i in drawn]), rtol=1e-12
        )


def test_many_sums_at_once_are_each_by_itself():
    rows = answered(golds(30), skill=0.5, seed=1)
    columns = row_columns(rows)
    times = np.random.default_rng(0).integers(0, 4, (2, 3, 30))
    found = column_metrics(times @ columns)
    assert found.shape == (2, 3, len(MASK_METRICS))
    for i in range(2):
        for j in range(3):
            np.testing.assert_array_equal(found[i, j], column_metrics(times[i, j] @ columns))


def test_a_worked_table():
    """Section 3.4 of our notes: 8 problems, accuracy 0.5, macro-F1 0.3467."""
    gold = ["VIS", "CAL", "CAL", "REAS", "REAS", "REAS", "KNOW", "MIS"]
    said = ["CAL", "CAL", "CAL", "REAS", "CAL", "MIS", "REAS", "MIS"]
    rows = [
        {"gold_step": 2, "n_steps": 3, "pred_step": s, "gold_category": a, "pred_category": b}
        for a, b, s in zip(gold, said, [2, 2, 1, 2, None, 9, 3, 1], strict=True)
    ]
    found = dict(zip(MASK_METRICS, column_metrics(row_columns(rows).sum(0)), strict=True))
    assert found["category_accuracy"] == 0.5 and found["step_accuracy"] == 3 / 8
    assert found["category_macro_f1"] == pytest.approx(0.3467, abs=5e-5)
    assert found["step_within_one"] == 6 / 8 and found["joint_accuracy"] == 2 / 8
    assert found["visual_recall"] == 0 and found["other_recall"] == 4 / 7


def test_no_problem_has_no_metric_and_a_bad_row_is_named():
    assert np.isnan(column_metrics(row_columns([]).sum(0))).all()
    with pytest.raises(ValueError, match="row 2: no gold_step"):
        row_columns([*answered(golds(1), skill=1, seed=0), {"n_steps": 3}])
