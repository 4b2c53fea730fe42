"""Counts drawn as by drawing rows."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.analysis.errorradar.resampling import (
    check_draws,
    mean_interval,
    percentile_interval,
    resampled_counts,
)
from simlearn.data.randomness import numpy_generator


def test_counts_keep_shape_sum_and_empty_cells():
    counts = np.array([[3, 0, 5], [1, 1, 90]])
    parts = list(resampled_counts(counts, 600, numpy_generator(0, "x")))
    assert [len(part) for part in parts] == [256, 256, 88]
    drawn = np.concatenate(parts)
    assert drawn.shape == (600, 2, 3) and (drawn.sum((1, 2)) == 100).all()
    assert (drawn[:, 0, 1] == 0).all()
    np.testing.assert_allclose(drawn.mean(0), counts, atol=0.6)
    share = counts / 100
    np.testing.assert_allclose(drawn.var(0), 100 * share * (1 - share), rtol=0.25, atol=1e-9)


def test_nothing_to_draw():
    (part,) = resampled_counts(np.zeros((2, 2), dtype=np.int64), 3, numpy_generator(0))
    assert part.shape == (3, 2, 2) and not part.any()


def test_percentiles_leave_nan_out():
    values = np.concatenate([np.arange(1001.0), [np.nan] * 500])
    assert percentile_interval(values) == (25.0, 975.0)
    assert all(map(math.isnan, percentile_interval(np.full(3, np.nan))))


@given(st.lists(st.sampled_from([-1.0, 0.0, 0.5, 1.0]), min_size=1, max_size=30))
def test_intervals_hold_the_mean(values):
    low, high = mean_interval(np.array(values), draws=40, seed=0, purpose="t")
    assert min(values) <= low <= sum(values) / len(values) <= high <= max(values)


def test_the_law_is_that_of_drawn_values():
    rng = np.random.default_rng(0)
    values = rng.choice([-1.0, 0.0, 1.0], size=80)
    naive = [rng.choice(values, size=80).mean() for _ in range(4000)]
    found = mean_interval(values, draws=4000, seed=0, purpose="t")
    assert found == pytest.approx(np.quantile(naive, (0.025, 0.975)), abs=0.03)


def test_empty_and_faults():
    assert all(map(math.isnan, mean_interval(np.zeros(0), draws=1, seed=0, purpose="t")))
    with pytest.raises(ValueError, match="draws is 0: a whole number, at least 1"):
        mean_interval(np.zeros(1), draws=0, seed=0, purpose="t")
    with pytest.raises(ValueError, match="draws is True: a whole number"):
        check_draws(True, 0)
