"""Fleiss' kappa against the published example, a naive table and pairs of raters."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.analysis.errorradar.rater_agreement import rater_agreement_of

EXAMPLE = [
    [0, 0, 0, 0, 14],
    [0, 2, 6, 4, 2],
    [0, 0, 3, 5, 6],
    [0, 3, 9, 2, 0],
    [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0],
    [3, 2, 6, 3, 0],
    [2, 5, 3, 2, 2],
    [6, 5, 2, 1, 0],
    [0, 2, 2, 3, 7],
]
"""Ten subjects, 14 raters, five categories: the usual worked example, kappa 0.210."""


def answers(table):
    return [[k for k, times in enumerate(row) for _ in range(times)] for row in table]


def test_the_worked_example():
    found = rater_agreement_of(answers(EXAMPLE))
    assert found.n == 10
    assert found.kappa == pytest.approx(0.210, abs=5e-4)
    assert found.agreement == pytest.approx(0.378, abs=5e-4)


def naive(table):
    """Fleiss' formulas on a table of counts with the same number of raters everywhere."""
    table = np.asarray(table, dtype=float)
    raters = table.sum(1)[0]
    by_subject = ((table**2).sum(1) - raters) / (raters * (raters - 1))
    chance = ((table.sum(0) / table.sum()) ** 2).sum()
    return (by_subject.mean() - chance) / (1 - chance)


@given(st.integers(2, 5), st.integers(1, 8), st.data())
def test_equals_the_naive_table(raters, subjects, data):
    given_ = [
        data.draw(st.lists(st.sampled_from("abc"), min_size=raters, max_size=raters))
        for _ in range(subjects)
    ]
    found = rater_agreement_of(given_)
    pairs = [[a == b for a, b in itertools.combinations(one, 2)] for one in given_]
    assert found.agreement == pytest.approx(np.mean(pairs))
    table = [[one.count(k) for k in "abc"] for one in given_]
    if len({k for one in given_ for k in one}) == 1:
        assert found.agreement == 1 and math.isnan(found.kappa)
    else:
        assert found.kappa == pytest.approx(naive(table))
        assert found.kappa <= 1
    shuffled = [data.draw(st.permutations(one)) for one in data.draw(st.permutations(given_))]
    assert rater_agreement_of(shuffled) == pytest.approx(found, nan_ok=True)


def test_different_numbers_of_raters():
    found = rater_agreement_of([["a", "a", "b"], ["b"], [], ["b", "b"]])
    assert found.n == 2
    assert found.agreement == pytest.approx((1 / 3 + 1) / 2)
    chance = (2 / 5) ** 2 + (3 / 5) ** 2
    assert found.kappa == pytest.approx((2 / 3 - chance) / (1 - chance))


def test_perfect_and_none():
    assert rater_agreement_of([["a", "a"], ["b", "b"]]).kappa == 1
    empty = rater_agreement_of([["a"]])
    assert empty.n == 0 and math.isnan(empty.agreement) and math.isnan(empty.kappa)
