"""Intervals: the law of resampled rows, around the values, narrower with more rows."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings

from simlearn.analysis.errorradar.count_metrics import SCALARS
from simlearn.analysis.errorradar.metrics import error_radar_metrics
from simlearn.analysis.errorradar.taxonomy import CATEGORIES
from tests.analysis.errorradar.error_rows import drawn_rows, many_rows, row

TABLES = {
    "per_category": ("recall",),
    "per_problem_type": ("step_accuracy", "category_accuracy", "joint_accuracy"),
}


def pairs(found):
    """(path, value, interval) of everything that has an interval."""
    for name, interval in found["intervals"].items():
        yield name, found[name], interval
    for table, keys in TABLES.items():
        for entry, values in found[table].items():
            for key in keys:
                yield f"{table}/{entry}/{key}", values[key], values[f"{key}_interval"]


def test_the_law_is_that_of_resampled_rows():
    rows = drawn_rows(120, 1, right_solutions=True)
    found = error_radar_metrics(rows, draws=4000)
    rng, naive = np.random.default_rng(5), {}
    for _ in range(1200):
        one = error_radar_metrics([rows[i] for i in rng.integers(0, len(rows), len(rows))])
        for name in (*SCALARS, "step_distance"):
            naive.setdefault(name, []).append(one[name])
        for table, keys in TABLES.items():
            for entry, values in one[table].items():
                for key in keys:
                    naive.setdefault(f"{table}/{entry}/{key}", []).append(values[key])
    seen = 0
    for path, _, interval in pairs(found):
        wanted = np.nanquantile(naive[path], (0.025, 0.975))
        width = wanted[1] - wanted[0]
        assert interval == pytest.approx(wanted, abs=0.13 * width + 1e-12), path
        seen += 1
    assert seen == len(SCALARS) + 1 + 5 + 3 * 4


@settings(deadline=None, max_examples=60)
@given(many_rows(1))
def test_intervals_hold_their_values_or_are_nan(rows):
    for path, value, (low, high) in pairs(error_radar_metrics(rows, draws=30)):
        if math.isnan(value):
            assert math.isnan(low) and math.isnan(high), path
        elif not math.isnan(low):
            assert low <= value <= high, path
        else:
            assert path.startswith("per_category") and value == 0


def test_intervals_shrink_with_the_root_of_the_rows():
    rows = drawn_rows(300, 2, right_solutions=True)
    few = error_radar_metrics(rows, draws=2000)
    many = error_radar_metrics(rows * 16, draws=2000)
    for (path, value, (low, high)), (_, other, (l2, h2)) in zip(
        pairs(few), pairs(many), strict=True
    ):
        assert value == pytest.approx(other)
        assert (h2 - l2) / (high - low) == pytest.approx(0.25, abs=0.05), path


def test_the_seed_decides():
    rows = drawn_rows(60)
    first, again, other = (error_radar_metrics(rows, draws=50, seed=s) for s in (1, 1, 2))
    spared = first["intervals"].pop("step_f1"), first["intervals"].pop("step_accuracy_none")
    assert all(math.isnan(low) for low, _ in spared)
    assert first["intervals"].items() <= again["intervals"].items()
    assert first["intervals"]["step_accuracy"] != other["intervals"]["step_accuracy"]


def test_what_always_holds_has_no_width():
    rows = [row(2, 2, 4, code, code, "t") for code in CATEGORIES] * 40
    found = error_radar_metrics(rows, draws=200)
    assert found["intervals"]["step_accuracy"] == [1.0, 1.0]
    assert found["intervals"]["category_macro_f1"] == [1.0, 1.0]
    assert found["intervals"]["step_distance"] == [0.0, 0.0]
    assert found["per_category"]["VIS"]["recall_interval"] == [1.0, 1.0]


def test_a_category_that_does_not_occur_has_no_interval_of_its_recall():
    found = error_radar_metrics([row(1, 1, 3, "VIS", "CAL", "t")] * 9, draws=20)
    assert found["per_category"]["CAL"]["recall"] == 0
    assert all(map(math.isnan, found["per_category"]["CAL"]["recall_interval"]))
    assert found["per_category"]["VIS"]["recall_interval"] == [0, 0]
