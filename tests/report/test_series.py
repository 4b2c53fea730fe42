from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.report import series

VALUES = st.lists(st.floats(-1e6, 1e6) | st.just(math.nan), min_size=1, max_size=80)


def test_rows_become_sorted_series_in_order_of_appearance():
    rows = [(2, "b", 1.0), (0, "a", 5.0), (1, "b", math.inf), (2, "b", 3.0), (0, "c", math.nan)]
    found = series.by_name(rows)
    assert list(found) == ["b", "a"]
    np.testing.assert_array_equal(found["b"][0], [1, 2])
    np.testing.assert_array_equal(found["b"][1], [math.nan, 3.0])
    assert series.last_value(found["b"]) == 3.0


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("train/loss", "loss"),
        ("val/loss", "loss"),
        ("val/map_at_r", "val"),
        ("train/active_share", "active"),
        ("batch/effective_rank", "rank"),
        ("val/effective_rank", "val"),
        ("lr-AdamW", "lr"),
        ("optim/learning_rate", "lr"),
        ("train/seconds", ""),
    ],
)
def test_kinds_are_told_by_name(name, kind):
    assert series.kind_of(name) == kind


def test_counts_are_no_shares_and_percent_metrics_come_alone():
    rows = [(0, "active", 17.0), (0, "active_share", 0.5), (0, "val/auc", 0.9), (0, "val/mrr", 0.4)]
    found = series.by_name(rows)
    assert series.of_kind("active", found) == ["active_share"]
    assert series.of_kind("val", found) == ["val/mrr"]
    assert series.of_kind("val", series.by_name(rows[2:3])) == ["val/auc"]
    many = series.by_name([(0, f"loss_{i}", 1.0) for i in range(9)])
    assert len(series.of_kind("loss", many)) == series.MOST_LINES


@given(VALUES, st.integers(1, 12))
def test_the_running_mean_is_the_mean_of_the_last_finite_values(values, window):
    found = series.running_mean(np.array(values), window)
    for i, mean in enumerate(found):
        last = [v for v in values[max(0, i - window + 1) : i + 1] if not math.isnan(v)]
        if last:
            assert mean == pytest.approx(sum(last) / len(last), abs=1e-4)
        else:
            assert math.isnan(mean)


@given(VALUES, st.sampled_from([2, 8, 20]))
def test_thinning_keeps_the_outline(values, most):
    steps = np.arange(len(values))
    kept_steps, kept = series.thin(steps, np.array(values), most)
    assert len(kept) <= max(most, 1)
    assert (np.diff(kept_steps) > 0).all()
    np.testing.assert_array_equal(np.array(values)[kept_steps], kept)
    finite = [v for v in values if not math.isnan(v)]
    if finite:
        assert (np.nanmin(kept), np.nanmax(kept)) == (min(finite), max(finite))


def test_the_window_grows_with_the_series():
    assert [series.window(n) for n in (0, 10, 500, 10**6)] == [1, 1, 25, 200]
