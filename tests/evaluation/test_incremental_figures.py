"""Other papers' figures of an accuracy matrix against loops and worked numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.evaluation.forgetting import forgetting_metrics
from simlearn.evaluation.incremental_figures import incremental_metrics, joint_ideal
from tests.evaluation.test_forgetting import NAN, matrix


def test_first_minus_last_of_a_known_matrix():
    """Rows of forgetting that Avalanche gives: 0.8 and -0.2 after the last experience."""
    found = incremental_metrics([[1, 0, 0], [0.5, 0.8, 1], [0.2, 1, 0.5]], sizes=[1, 1, 1])
    assert found["forgetting_first"] == pytest.approx((0.8 - 0.2) / 2)
    assert found["backward_transfer"] == pytest.approx(-0.3)
    assert found["forgetting_max"] == pytest.approx((0.8 - 0.2) / 2)
    assert found["average_incremental_accuracy"] == pytest.approx((1 + 0.65 + 1.7 / 3) / 3)


@given(st.integers(1, 6), st.integers(0, 1000))
def test_averages_equal_the_loops(count, seed):
    acc = matrix(count, seed)
    sizes = np.random.default_rng(seed).integers(1, 6, count).tolist()
    by_class = by_task = 0.0
    for t in range(count):
        classes = [acc[t, k] for k in range(t + 1) for _ in range(sizes[k])]
        by_class += sum(classes) / len(classes) / count
        by_task += sum(acc[t, k] for k in range(t + 1)) / (t + 1) / count
    found = incremental_metrics(acc, sizes=sizes)
    assert found["average_incremental_accuracy"] == pytest.approx(by_class)
    assert found["average_incremental_accuracy_tasks"] == pytest.approx(by_task)


@given(st.integers(2, 6), st.integers(0, 1000))
def test_the_highest_is_at_least_the_first(count, seed):
    found = incremental_metrics(matrix(count, seed), sizes=[1] * count)
    assert found["forgetting_max"] >= found["forgetting_first"] - 1e-12


def test_the_two_averages_differ_where_sizes_do():
    found = incremental_metrics([[1.0, NAN], [1.0, 0.0]], sizes=[9, 1])
    assert found["average_incremental_accuracy"] == pytest.approx(0.95)
    assert found["average_incremental_accuracy_tasks"] == pytest.approx(0.75)


def test_both_ceilings():
    acc, sizes = [[0.9, NAN], [0.4, 0.8]], [3, 1]
    joint = [[1.0, NAN], [0.8, 0.4]]
    assert joint_ideal(joint, sizes=sizes, normaliser="base").tolist() == 0.8
    assert joint_ideal(joint, sizes=sizes).tolist() == pytest.approx([1.0, 0.7])
    found = incremental_metrics(acc, sizes=sizes, joint=joint)
    assert found["omega_base_of_base"] == pytest.approx(0.5)
    assert found["omega_all_of_base"] == pytest.approx(0.5 / 0.8)
    assert found["omega_base_per_experience"] == pytest.approx(0.4 / 0.7)
    assert found["omega_all_per_experience"] == pytest.approx(0.5 / 0.7)
    by_hand = forgetting_metrics(acc, sizes=sizes, ideal=[1.0, 0.7])
    assert found["omega_all_per_experience"] == pytest.approx(by_hand["omega_all"])


def test_a_network_that_is_its_own_ceiling_has_omega_one():
    acc = matrix(5, 2)
    found = incremental_metrics(acc, sizes=[5, 1, 1, 2, 1], joint=acc)
    assert found["omega_all_per_experience"] == pytest.approx(1.0)


def test_one_experience():
    found = incremental_metrics([[0.5]], sizes=[2], joint=[[0.5]])
    averages = {name for name in found if name.startswith("average")}
    assert all(found[name] == 0.5 for name in averages)
    assert all(math.isnan(found[name]) for name in set(found) - averages)
    assert len(averages) == 2 and len(found) == 9


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="normaliser is 'mean', must be one of base, per_exper"):
        joint_ideal([[0.5]], sizes=[1], normaliser="mean")
    with pytest.raises(ValueError, match=r"sizes must be \(2,\)"):
        incremental_metrics(matrix(2), sizes=[1, 2, 3])
    with pytest.raises(ValueError, match="ideal is 0"):
        incremental_metrics(matrix(2), sizes=[1, 1], joint=np.zeros((2, 2)))
