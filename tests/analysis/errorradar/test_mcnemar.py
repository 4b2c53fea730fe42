"""McNemar's exact test against binomial sums and resampled problems."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from simlearn.analysis.errorradar.mcnemar import mcnemar_test


def naive_p(only_a, only_b):
    """Twice the smaller tail of a fair binomial, in fractions."""
    n, k = only_a + only_b, min(only_a, only_b)
    tail = Fraction(sum(math.comb(n, i) for i in range(k + 1)), 2**n)
    return float(min(Fraction(1), 2 * tail))


def results(only_a, only_b, both, none):
    a = [True] * only_a + [False] * only_b + [True] * both + [False] * none
    b = [False] * only_a + [True] * only_b + [True] * both + [False] * none
    return a, b


@given(*[st.integers(0, 25)] * 4)
def test_p_is_exact(only_a, only_b, both, none):
    a, b = results(only_a, only_b, both, none)
    found = mcnemar_test(a, b, draws=20)
    assert (found.only_a, found.only_b) == (only_a, only_b)
    if not a:
        assert math.isnan(found.p) and math.isnan(found.difference)
        assert all(map(math.isnan, found.interval))
        return
    assert found.p == pytest.approx(naive_p(only_a, only_b))
    assert found.difference == pytest.approx(sum(a) / len(a) - sum(b) / len(b))
    low, high = found.interval
    assert -1 <= low <= found.difference <= high <= 1
    turned = mcnemar_test(b, a, draws=20)
    assert turned.p == found.p and turned.difference == -found.difference


def test_by_hand():
    found = mcnemar_test(*results(9, 1, 50, 40))
    assert found.p == pytest.approx(2 * 11 / 1024)
    assert found.difference == pytest.approx(0.08) and found.interval[0] > 0
    assert mcnemar_test(*results(0, 0, 3, 2)).p == 1
    assert mcnemar_test(*results(0, 0, 3, 2)).interval == (0, 0)
    assert mcnemar_test(*results(1000, 0, 0, 0)).p < 1e-300


def test_the_interval_is_that_of_resampled_problems():
    a, b = map(np.array, results(20, 8, 30, 22))
    rng = np.random.default_rng(0)
    drawn = [rng.integers(0, 80, 80) for _ in range(5000)]
    naive = np.quantile([a[d].mean() - b[d].mean() for d in drawn], (0.025, 0.975))
    assert mcnemar_test(a, b).interval == pytest.approx(naive, abs=0.02)
    more = mcnemar_test(np.tile(a, 16), np.tile(b, 16)).interval
    assert more[1] - more[0] == pytest.approx((naive[1] - naive[0]) / 4, rel=0.15)


def test_kinds_of_values():
    a, b = results(4, 2, 3, 1)
    wanted = mcnemar_test(a, b)
    assert mcnemar_test(np.array(a), torch.tensor(b)) == wanted
    assert mcnemar_test([int(x) for x in a], np.array(b, dtype=float)) == wanted


def test_faults():
    with pytest.raises(ValueError, match="right_a has 2 and right_b 1 values.*same problems"):
        mcnemar_test([True, False], [True])
    for bad in ([None, True], ["a", "b"]):
        with pytest.raises(ValueError, match="right_b must hold bools; leave out problems"):
            mcnemar_test([True, False], bad)
    with pytest.raises(ValueError, match="right_a must hold bools, or 0 and 1"):
        mcnemar_test([0.5, float("nan")], [1, 0])
    with pytest.raises(ValueError, match=r"right_a must be \(N,\), found the shape \(1, 1\)"):
        mcnemar_test([[True]], [[True]])
    with pytest.raises(ValueError, match="draws is 0"):
        mcnemar_test([True], [True], draws=0)
