"""The numbers of a stream, from its results by loops of another kind."""

from __future__ import annotations

import math

import numpy as np
import pytest

from simlearn.tasks.incremental_ideal import Ideal, ideal_of_results
from simlearn.tasks.incremental_metrics import LOWER_IS_BETTER, OMEGAS, stream_metrics
from tests.tasks.incremental_case import PER_CLASS, SIZES, results

DIVIDED = {"omega_base", "omega_all", "omega_base_per_experience", "omega_all_per_experience"}


def metrics(found, ideal=None, seed=0):
    return stream_metrics(found, SIZES, ideal, bootstrap=50, seed=seed)


def values(found, ideal=None):
    return {name: metric.value for name, metric in metrics(found, ideal).items()}


def accuracy(found, t, classes):
    """Share of right answers after experience t on the test images of some classes."""
    row = found[t]
    hits = [
        bool(c) for c, y in zip(row["correct"], row["labels"].tolist(), strict=True) if y in classes
    ]
    return sum(hits) / len(hits)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_shares_after_the_last_experience(seed):
    found = results(seed)
    made = metrics(found)
    for name, classes in (("ncm_all", {0, 1, 2, 3}), ("ncm_base", {0, 1}), ("ncm_new", {3})):
        assert made[name].value == pytest.approx(accuracy(found, 2, classes))
        assert made[name].n == PER_CLASS * len(classes)
        low, high = made[name].interval
        assert 0 <= low <= made[name].value <= high <= 1
        assert made[name].higher_is_better
    assert metrics(found) == made
    assert metrics(found, seed=9)["ncm_all"].interval != made["ncm_all"].interval


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_omegas_with_both_ceilings(seed):
    found, joint = results(seed), results(seed + 10, right=0.9)
    made = values(found, ideal_of_results(joint))
    base, seen = {0, 1}, [{0, 1}, {0, 1, 2}, {0, 1, 2, 3}]
    top = accuracy(joint, 2, base)
    assert made["omega_base"] == pytest.approx(
        (accuracy(found, 1, base) + accuracy(found, 2, base)) / 2 / top
    )
    assert made["omega_all"] == pytest.approx(
        sum(accuracy(found, t, seen[t]) for t in (1, 2)) / 2 / top
    )
    assert made["omega_new"] == pytest.approx(
        (accuracy(found, 1, {2}) + accuracy(found, 2, {3})) / 2
    )
    for name, classes in (("base", [base] * 3), ("all", seen)):
        ratios = [accuracy(found, t, classes[t]) / accuracy(joint, t, seen[t]) for t in (1, 2)]
        assert made[f"omega_{name}_per_experience"] == pytest.approx(sum(ratios) / 2)


def test_a_stream_is_its_own_ceiling():
    found = results(3)
    made = values(found, ideal_of_results(found))
    assert made["omega_all_per_experience"] == pytest.approx(1.0)


def test_without_a_ceiling_there_is_only_the_omega_that_needs_none():
    made = values(results())
    assert "omega_new" in made and not DIVIDED & set(made)
    assert {name for name in values(results(), Ideal([[0.5] * 3] * 3, "")) if "omega" in name} == (
        DIVIDED | {"omega_new"}
    )


def test_a_ceiling_of_zero_is_no_omega_and_no_crash():
    made = values(results(), Ideal([[0.0] * 3] * 3, ""))
    assert all(math.isnan(made[name]) for name in DIVIDED)
    assert made["omega_new"] == values(results())["omega_new"]
    assert {name.replace("_of_base", "") for name in OMEGAS} == DIVIDED


@pytest.mark.parametrize("seed", [0, 4])
def test_forgetting_averages_and_transfer(seed):
    found = results(seed)
    a = [[accuracy(found, t, k) for k in ({0, 1}, {2}, {3})[: t + 1]] for t in range(3)]
    made = values(found)
    assert made["forgetting"] == pytest.approx(
        (max(a[0][0], a[1][0]) - a[2][0] + a[1][1] - a[2][1]) / 2
    )
    assert made["forgetting_first"] == pytest.approx((a[0][0] - a[2][0] + a[1][1] - a[2][1]) / 2)
    assert made["backward_transfer"] == pytest.approx(-made["forgetting_first"])
    seen = [accuracy(found, t, set(range(t + 2))) for t in range(3)]
    assert made["average_incremental_accuracy"] == pytest.approx(sum(seen) / 3)
    assert made["average_incremental_accuracy_tasks"] == pytest.approx(
        sum(sum(row) / len(row) for row in a) / 3
    )


@pytest.mark.parametrize("seed", [0, 5])
def test_slopes_are_least_squares_in_points_per_experience(seed):
    found = results(seed)
    made = metrics(found)
    base = [accuracy(found, t, {0, 1}) for t in range(3)]
    assert made["base_slope"].value == pytest.approx(100 * np.polyfit([0, 1, 2], base, 1)[0])
    old = [accuracy(found, 1, {0, 1}), accuracy(found, 2, {0, 1, 2})]
    assert made["old_slope"].value == pytest.approx(100 * (old[1] - old[0]))
    for name in ("base_slope", "old_slope"):
        low, high = made[name].interval
        assert low <= made[name].value <= high


def test_diagnostics_of_the_end_and_directions():
    made = metrics(results())
    assert made["ncm_real"].value == pytest.approx(0.7)
    assert made["old_purity"].value == pytest.approx(0.5)
    assert "intrusion" not in made  # was not measured
    lower = {name for name, metric in made.items() if not metric.higher_is_better}
    assert lower == {"forgetting", "forgetting_first"} == lower & LOWER_IS_BETTER
