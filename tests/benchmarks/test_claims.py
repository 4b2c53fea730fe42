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


def named(seeds, shared=False):
    """Values by name; every seed has people of its own unless they are shared."""
    return [
        {f"{0 if shared else number}-{i}": float(v) for i, v in enumerate(values)}
        for number, values in enumerate(seeds)
    ]


def draws(shift, spread=0.3, people=80, seeds=3):
    rng = np.random.default_rng(0)
    base = [rng.random(people) for _ in range(seeds)]
    first = [b + shift + spread * rng.normal(size=people) for b in base]
    return named(first), named(base)


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
    d = [np.array([a[name] - b[name] for name in a]) for a, b in zip(better, base, strict=True)]
    assert mean == pytest.approx(np.mean([x.mean() for x in d]))
    rng = np.random.default_rng(1)
    means = []
    for _ in range(20_000):
        people = rng.integers(0, 90, size=90)  # 30 of each seed
        own = [d[s][people[people // 30 == s] % 30].mean() for s in range(3)]
        means.append(np.mean([own[s] for s in rng.integers(0, 3, size=3)]))
    np.testing.assert_allclose([low, high], np.quantile(means, [0.025, 0.975]), atol=0.004)


def test_seeds_that_disagree_widen_the_interval(claims):
    zero = named([[0.0] * 50] * 3)
    alike = named([[0.1] * 50] * 3)
    apart = named([[0.4] * 50, [0.1] * 50, [-0.2] * 50])
    assert claims.paired_interval(alike, zero)[1:] == pytest.approx((0.1, 0.1))
    _, low, high = claims.paired_interval(apart, zero)
    assert low < -0.1 and high > 0.3
    assert claims.judge("a", apart, zero)["verdict"] == "undecided"


def test_it_depends_on_pairs_and_not_on_what_identities_have_in_common(claims):
    rng = np.random.default_rng(3)
    base = [rng.random(40) * 5 for _ in range(3)]
    first = named([b + 0.05 for b in base])
    _, low, high = claims.paired_interval(first, named(base))
    assert low == pytest.approx(0.05) and high == pytest.approx(0.05)


def test_a_person_of_two_seeds_does_not_count_as_two(claims):
    """The same 20 people in three seeds say no more than once, other people say more."""
    rng = np.random.default_rng(5)
    person = rng.normal(size=20)
    seeds = [person + 0.01 * rng.normal(size=20) for _ in range(3)]
    zero = [np.zeros(20)] * 3
    widths = []
    for shared in (True, False):
        _, low, high = claims.paired_interval(named(seeds, shared), named(zero, shared))
        widths.append(high - low)
    assert widths[0] > 1.2 * widths[1]
    assert widths[0] == pytest.approx(2 * 1.96 * person.std() / np.sqrt(20), rel=0.2)


def test_a_claim_of_several_parts(claims):
    def verdict(*words):
        return claims.together("all", [{"verdict": w} for w in words])["verdict"]

    assert verdict("seen on synthetic", "seen on synthetic") == "seen on synthetic"
    assert verdict("seen", "undecided") == "undecided"
    assert verdict("seen", "undecided", "not seen") == "not seen"


def test_what_does_not_belong_together(claims):
    with pytest.raises(ValueError, match="the same seeds with the same people"):
        claims.paired_interval([{"a": 0.0}], [{"b": 0.0}])
    with pytest.raises(ValueError, match="the same seeds with the same people"):
        claims.paired_interval([], [])
    for values in ({}, {"a": float("nan")}):
        with pytest.raises(ValueError, match="a seed has no people, or a value is not finite"):
            claims.paired_interval([values], [values])
