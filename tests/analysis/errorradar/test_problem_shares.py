"""Exact shares by largest remainder, and the shuffled plan of a set."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.analysis.errorradar.problem_shares import largest_remainder, problem_plan
from simlearn.analysis.errorradar.taxonomy import (
    CATEGORIES,
    CATEGORY_SHARES,
    PROBLEM_TYPES,
    TYPE_SHARES,
)


@given(st.integers(0, 5000), st.lists(st.integers(1, 50), min_size=1, max_size=8))
def test_counts_add_up_and_are_near_their_quotas(n, weights):
    shares = {str(k): weight for k, weight in enumerate(weights)}
    counts = largest_remainder(n, shares)
    assert sum(counts.values()) == n
    for name, weight in shares.items():
        assert abs(counts[name] - n * weight / sum(weights)) < 1 + 1e-9


def test_the_paper_s_counts():
    found = largest_remainder(2500, CATEGORY_SHARES)
    assert found == {"VIS": 395, "CAL": 913, "REAS": 950, "KNOW": 120, "MIS": 122}
    assert list(largest_remainder(500, TYPE_SHARES).values()) == [312, 38, 47, 57, 46]


def test_a_plan_has_the_shares_and_depends_on_all_arguments():
    plan = problem_plan(503, 1, "paper")
    types, kinds = (Counter(column) for column in zip(*plan, strict=True))
    assert types == largest_remainder(503, TYPE_SHARES)
    assert kinds == largest_remainder(503, CATEGORY_SHARES)
    assert plan == problem_plan(503, 1, "paper") != problem_plan(503, 2, "paper")
    uniform = problem_plan(500, 1, "uniform")
    assert {kind: 100 for kind in CATEGORIES} == Counter(kind for _, kind in uniform)
    assert set(Counter(uniform)) == {(t, c) for t in PROBLEM_TYPES for c in CATEGORIES}


def test_wrong_arguments():
    with pytest.raises(ValueError, match=r"shares is 'even', must be 'paper' or 'uniform'"):
        problem_plan(5, 0, "even")
    with pytest.raises(ValueError, match="n is -1, must be at least 1"):
        problem_plan(-1, 0, "paper")
