"""Forgetting against loops over the formulas, and against worked numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from simlearn.evaluation.forgetting import (
    accuracy_matrix,
    forgetting_curve,
    forgetting_metrics,
    seen_accuracy,
)

NAN = float("nan")


def matrix(count, seed=0):
    """Accuracies in [0, 1]; what is not needed is nan."""
    a = np.random.default_rng(seed).random((count, count))
    return np.where(np.tri(count, dtype=bool), a, NAN)


def naive(acc, sizes, ideal):
    """Sums over single entries, by the formulas in words."""
    count = len(acc)
    base = new = every = forgot = transfer = 0.0
    for t in range(1, count):
        base += acc[t][0] / ideal[t]
        new += acc[t][t]
        right = sum(sizes[k] * acc[t][k] for k in range(t + 1))
        every += right / sum(sizes[: t + 1]) / ideal[t]
    for k in range(count - 1):
        best = acc[k][k]
        for t in range(k, count - 1):
            best = acc[t][k] if acc[t][k] > best else best
        forgot += best - acc[count - 1][k]
        transfer += acc[count - 1][k] - acc[k][k]
    names = ("omega_base", "omega_new", "omega_all", "forgetting", "bwt")
    sums = (base, new, every, forgot, transfer)
    return {name: value / (count - 1) for name, value in zip(names, sums, strict=True)}


@given(st.integers(2, 7), st.integers(0, 10_000), st.booleans())
def test_equals_the_loops(count, seed, one):
    acc, rng = matrix(count, seed), np.random.default_rng(seed + 1)
    sizes = rng.integers(1, 9, count).tolist()
    ideal = (0.2 + rng.random(count)).tolist()
    ideal = [ideal[0]] * count if one else ideal
    found = forgetting_metrics(acc, sizes=sizes, ideal=ideal[0] if one else ideal)
    assert found == pytest.approx(naive(acc.tolist(), sizes, ideal), abs=1e-12)


def test_worked_numbers():
    acc = [[0.8, NAN, NAN], [0.6, 0.9, NAN], [0.4, 0.3, 0.7]]
    found = forgetting_metrics(acc, sizes=[1, 1, 1], ideal=0.8)
    assert found["omega_base"] == pytest.approx(0.625)
    assert found["omega_new"] == pytest.approx(0.8)
    assert found["omega_all"] == pytest.approx((0.75 / 0.8 + (1.4 / 3) / 0.8) / 2)
    assert found["forgetting"] == pytest.approx((0.4 + 0.6) / 2)
    assert found["bwt"] == pytest.approx(-0.5)
    weighted = forgetting_metrics(acc, sizes=[6, 2, 2], ideal=[NAN, 0.8, 0.5])
    assert weighted["omega_all"] == pytest.approx(((3.6 + 1.8) / 8 / 0.8 + 0.44 / 0.5) / 2)
    assert weighted["omega_base"] == pytest.approx((0.75 + 0.8) / 2)


def test_forgetting_and_transfer_differ_where_accuracy_rose_first():
    acc = [[0.5, NAN, NAN], [0.9, 0.6, NAN], [0.6, 0.7, 0.8]]
    found = forgetting_metrics(acc, sizes=[1, 1, 1], ideal=1.0)
    assert found["forgetting"] == pytest.approx((0.3 - 0.1) / 2)  # a gain counts as negative
    assert found["bwt"] == pytest.approx((0.1 + 0.1) / 2)


@given(st.integers(2, 5), st.integers(0, 1000), st.floats(0.1, 2))
def test_a_lower_ceiling_raises_two_omegas_alone(count, seed, factor):
    acc, sizes = matrix(count, seed), [2] * count
    one = forgetting_metrics(acc, sizes=sizes, ideal=1.0)
    other = forgetting_metrics(acc, sizes=[20] * count, ideal=factor)
    for name in ("omega_base", "omega_all"):
        assert other[name] * factor == pytest.approx(one[name])
    for name in ("omega_new", "forgetting", "bwt"):
        assert other[name] == pytest.approx(one[name])


def test_lists_arrays_and_tensors_give_the_same():
    acc = matrix(4, 3)
    blank = [[None if math.isnan(v) else v for v in row] for row in acc.tolist()]
    wanted = forgetting_metrics(acc, sizes=[3, 1, 1, 1], ideal=0.9)
    for a in (acc.tolist(), blank, torch.from_numpy(acc)):
        how = {
            "sizes": torch.tensor([3, 1, 1, 1]),
            "ideal": torch.full((4,), 0.9, dtype=torch.float64),
        }
        assert forgetting_metrics(a, **how) == wanted
    single = forgetting_metrics(torch.from_numpy(acc).float(), sizes=[3, 1, 1, 1], ideal=0.9)
    assert single == pytest.approx(wanted, abs=1e-6)
    assert all(type(v) is float for v in single.values())


def test_what_lies_above_the_diagonal_is_not_read():
    acc = matrix(4, 5)
    filled = np.where(np.isnan(acc), 123.0, acc)
    one, two = (forgetting_metrics(a, sizes=[1] * 4, ideal=0.7) for a in (acc, filled))
    assert one == two
    assert seen_accuracy(acc, [1] * 4).tolist() == seen_accuracy(filled, [1] * 4).tolist()


@pytest.mark.parametrize("acc", [[[0.5]], [[NAN]]])
def test_one_experience_has_nothing_to_forget(acc):
    found = forgetting_metrics(acc, sizes=[4], ideal=0.5)
    assert list(found) == ["omega_base", "omega_new", "omega_all", "forgetting", "bwt"]
    assert all(math.isnan(value) for value in found.values())


@given(st.integers(1, 6), st.integers(0, 1000))
def test_curve_and_seen_accuracy_equal_the_loops(count, seed):
    acc, sizes = matrix(count, seed), list(range(1, count + 1))
    curve, seen = forgetting_curve(acc), seen_accuracy(acc, sizes)
    assert math.isnan(curve[0])
    for t in range(count):
        items = [(sizes[k], acc[t, k]) for k in range(t + 1)]
        total = sum(n for n, _ in items)
        assert seen[t] == pytest.approx(sum(n * a for n, a in items) / total)
        if t:
            part = naive(acc[: t + 1, : t + 1].tolist(), sizes, [1.0] * count)
            assert curve[t] == pytest.approx(part["forgetting"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"acc": np.zeros((2, 3))}, r"acc must be \(T, T\) with T >= 1, found shape \(2, 3\)"),
        ({"acc": np.zeros((0, 0))}, r"found shape \(0, 0\)"),
        ({"acc": [0.5, 0.5]}, r"found shape \(2,\)"),
        ({"acc": [[0.5, NAN], [NAN, 0.5]]}, r"acc\[1, 0\] is nan: the accuracy on the classes of "),
        ({"acc": [[math.inf, 0], [0, 0.5]]}, r"acc\[0, 0\] is inf"),
        ({"sizes": [1]}, r"sizes must be \(2,\) as acc has rows, found shape \(1,\)"),
        ({"sizes": 2}, r"sizes must be \(2,\).*found shape \(\)"),
        ({"sizes": [1, 0]}, r"sizes\[1\] is 0, must be above 0"),
        ({"sizes": [NAN, 1]}, r"sizes\[0\] is nan, must be above 0"),
        ({"ideal": 0}, r"ideal is 0 \(experience 0\), must be above 0: an accuracy of the ceiling"),
        ({"ideal": -0.5}, r"ideal is -0.5 \(experience 0\)"),
        ({"ideal": [0.5, 0.0]}, r"ideal is 0 \(experience 1\), must be above 0"),
        ({"ideal": [0.5, NAN]}, r"ideal is nan \(experience 1\)"),
        ({"ideal": [0.0, 0.5]}, r"ideal is 0 \(experience 0\)"),
        ({"ideal": NAN}, r"ideal is nan \(experience 1\)"),
        ({"ideal": [0.5] * 3}, r"ideal must be one number or \(2,\) as acc has rows, found shape"),
    ],
)
def test_mistakes_are_named(change, message):
    arguments = {"acc": matrix(2), "sizes": [1, 1], "ideal": 0.8} | change
    with pytest.raises(ValueError, match=message):
        forgetting_metrics(arguments.pop("acc"), **arguments)


def test_a_matrix_is_given_in_float64():
    a, weights = accuracy_matrix(torch.eye(2, dtype=torch.float16))
    assert a.dtype == weights.dtype == np.float64
    assert weights.tolist() == [1.0, 1.0]
