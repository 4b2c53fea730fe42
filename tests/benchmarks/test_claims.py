"""The one rule for verdicts: where the paired interval lies."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def claims(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("claims")


def draws(shift, spread=0.3, people=80, seeds=3):
    rng = np.random.default_rng(0)
    base = [rng.random(people) for _ in range(seeds)]
    return [(b + shift + spread * rng.normal(size=people)).tolist() for b in base], [
        b.tolist() for b in base
    ]


def test_verdicts(claims):
    better, base = draws(0.2)
    assert claims.judge("a", better, base, seen="seen on synthetic")["verdict"] == (
        "seen on synthetic"
    )
    assert claims.judge("a", base, better)["verdict"] == "not seen"
    equal, base = draws(0.0)
    found = claims.judge("a", equal, base)
    assert found["verdict"] == "undecided"
    low, high = found["interval"]
    assert low < 0 < high and found["smallest"] == pytest.approx((high - low) / 2)


def test_mean_and_interval_against_a_loop(claims):
    better, base = draws(0.1, people=30)
    mean, low, high = claims.paired_interval(better, base)
    d = [np.array(a) - np.array(b) for a, b in zip(better, base, strict=True)]
    assert mean == pytest.approx(np.mean([x.mean() for x in d]))
    rng = np.random.default_rng(1)
    means = [
        np.mean([rng.choice(d[s], 30).mean() for s in rng.integers(0, 3, size=3)])
        for _ in range(20_000)
    ]
    np.testing.assert_allclose([low, high], np.quantile(means, [0.025, 0.975]), atol=0.004)


def test_seeds_that_disagree_widen_the_interval(claims):
    zero = [[0.0] * 50] * 3
    alike = [[0.1] * 50] * 3
    apart = [[0.4] * 50, [0.1] * 50, [-0.2] * 50]
    assert claims.paired_interval(alike, zero)[1:] == pytest.approx((0.1, 0.1))
    _, low, high = claims.paired_interval(apart, zero)
    assert low < -0.1 and high > 0.3
    assert claims.judge("a", apart, zero)["verdict"] == "undecided"


def test_it_depends_on_pairs_and_not_on_what_identities_have_in_common(claims):
    rng = np.random.default_rng(3)
    base = [rng.random(40) * 5 for _ in range(3)]
    first = [(b + 0.05).tolist() for b in base]
    _, low, high = claims.paired_interval(first, [b.tolist() for b in base])
    assert low == pytest.approx(0.05) and high == pytest.approx(0.05)


def test_what_does_not_belong_together(claims):
    with pytest.raises(ValueError, match=r"not the same identities: \[2\] and \[3\]"):
        claims.paired_interval([[0.0, 1.0]], [[0.0, 1.0, 1.0]])
    with pytest.raises(ValueError, match="not the same identities"):
        claims.paired_interval([], [])
