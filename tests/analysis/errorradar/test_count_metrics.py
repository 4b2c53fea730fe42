"""Metrics of many tables of counts at once are those of each."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from simlearn.analysis.errorradar.count_metrics import (
    SCALARS,
    category_confusion,
    count_metrics,
    ratio,
)
from simlearn.analysis.errorradar.row_cell import UNKNOWN
from simlearn.analysis.errorradar.tally import SHAPE, Tally
from simlearn.analysis.errorradar.taxonomy import CATEGORIES
from tests.analysis.errorradar.error_rows import drawn_rows


def table(seed):
    return Tally(drawn_rows(30, seed, right_solutions=True)).counts().sum(0)


def test_leading_dimensions():
    tables = [table(seed) for seed in range(6)] + [np.zeros(SHAPE, dtype=np.int64)] * 2
    together = count_metrics(np.stack(tables).reshape(2, 4, *SHAPE))
    assert set(SCALARS) < set(together)
    for i, one in enumerate(tables):
        for name, value in count_metrics(one).items():
            np.testing.assert_array_equal(together[name].reshape(8, *value.shape)[i], value)
    assert all(np.isnan(together[name][1, 3]).all() for name in together)


def test_values_are_shares():
    rng = np.random.default_rng(0)
    found = count_metrics(rng.integers(0, 3, (200, *SHAPE)))
    for name, values in found.items():
        assert ((values >= 0) & (values <= 1)).all(), name
    accuracy, none = found["step_accuracy"], found["step_accuracy_none"]
    np.testing.assert_allclose(found["step_f1"], 2 / (1 / accuracy + 1 / none))


def test_confusion():
    rows = drawn_rows(200, 3)
    codes = [*CATEGORIES, None]
    wanted = confusion_matrix(
        [codes.index(r["gold_category"]) for r in rows],
        [codes.index(r["pred_category"]) for r in rows],
        labels=range(6),
    )[:UNKNOWN]
    np.testing.assert_array_equal(category_confusion(Tally(rows).counts().sum(0)), wanted)


@pytest.mark.filterwarnings("error")
def test_ratio():
    found = ratio(np.array([1, 0, 3]), np.array([2, 0, 3]))
    np.testing.assert_array_equal(found, [0.5, np.nan, 1])
    assert ratio(np.array(0), np.array(0), 0.0) == 0
