"""People's scores and their distance to a model against loops over ratings."""

from __future__ import annotations

import math
import random
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.analysis.errorradar.human_ratings import (
    Rating,
    human_gap,
    human_scores,
    read_ratings,
)
from simlearn.analysis.errorradar.rater_agreement import rater_agreement_of
from simlearn.analysis.errorradar.taxonomy import CATEGORIES
from simlearn.data.errors import DataError

GOLD = {"p1": (2, "CAL"), "p2": (1, "VIS"), "p3": (3, None), "p4": (0, None)}
RATINGS = [
    Rating("p1", "ann", 2, "CAL"),
    Rating("p1", "bob", 1, "CAL"),
    Rating("p2", "ann", 1, "CAL"),
    Rating("p3", "bob", 3, "MIS"),
    Rating("p3", "ann", None, "MIS"),
]


def drawn(n=60, raters=3, seed=0, share=0.7):
    """Gold labels and ratings of people that are right with probability ``share``."""
    source = random.Random(seed)
    gold = {f"p{i}": (source.randint(1, 6), source.choice(CATEGORIES)) for i in range(n)}
    ratings = []
    for key, (step, code) in gold.items():
        for rater in range(raters):
            answer = step if source.random() < share else source.randint(1, 6)
            named = code if source.random() < share else source.choice(CATEGORIES)
            ratings.append(Rating(key, f"r{rater}", answer, named))
    return gold, ratings


def test_by_hand():
    found = human_scores(RATINGS, GOLD, draws=50)
    assert found.n == 3
    assert found.step.accuracy.value == pytest.approx((0.5 + 1 + 1) / 3)
    assert found.step.accuracy.n == 3 and found.step.coverage == 3 / 4
    assert {r: (a.value, a.n) for r, a in found.step.raters.items()} == {
        "ann": (1.0, 2),
        "bob": (0.5, 2),
    }
    assert found.step.agreement.n == 1 and found.step.agreement.agreement == 0
    assert found.category.accuracy.value == 0.5 and found.category.accuracy.n == 2
    assert found.category.coverage == 1
    assert {r: (a.value, a.n) for r, a in found.category.raters.items()} == {
        "ann": (0.5, 2),
        "bob": (1.0, 1),
    }
    assert found.category.agreement.n == 2  # p1 and p3: agreement needs no gold label


def test_full_tables_equal_the_mean_of_raters():
    gold, ratings = drawn()
    found = human_scores(ratings, gold)
    for place, task in enumerate((found.step, found.category)):
        means = []
        for rater in ("r0", "r1", "r2"):
            own = [r for r in ratings if r.rater == rater]
            hits = [(r.step, r.category)[place] == gold[r.id][place] for r in own]
            means.append(statistics.fmean(hits))
            assert task.raters[rater].value == pytest.approx(means[-1])
            low, high = task.raters[rater].interval
            assert low < means[-1] < high
        assert task.accuracy.value == pytest.approx(statistics.fmean(means))
        assert task.coverage == 1
        answers = [[(r.step, r.category)[place] for r in ratings if r.id == key] for key in gold]
        assert task.agreement == pytest.approx(rater_agreement_of(answers))


def test_intervals_are_by_problem():
    gold, ratings = drawn(n=80)
    copies = [Rating(r.id, f"{r.rater}-{i}", r.step, r.category) for r in ratings for i in range(9)]
    once, often = human_scores(ratings, gold), human_scores(copies, gold)
    width = [s.step.accuracy.interval[1] - s.step.accuracy.interval[0] for s in (once, often)]
    assert width[0] == pytest.approx(width[1], rel=0.05)  # more raters of one mind tell no more
    rng = np.random.default_rng(0)
    shares = np.array([np.mean([r.step == gold[k][0] for r in ratings if r.id == k]) for k in gold])
    naive = [rng.choice(shares, 80).mean() for _ in range(4000)]
    wanted = np.quantile(naive, (0.025, 0.975))
    assert once.step.accuracy.interval == pytest.approx(wanted, abs=0.01)


@given(st.integers(0, 1000), st.randoms(use_true_random=False))
def test_the_order_of_ratings_does_not_matter(seed, source):
    gold, ratings = drawn(6, 3, seed)
    kept = [r for r in ratings if source.random() < 0.8]
    mixed = source.sample(kept, len(kept))
    model = {key: (source.random() < 0.5, source.choice([None, True, False])) for key in gold}
    for one, other in (
        (human_scores(kept, gold, draws=20), human_scores(mixed, gold, draws=20)),
        (human_gap(model, kept, gold, draws=20), human_gap(model, mixed, gold, draws=20)),
    ):
        for a, b in ((one.step, other.step), (one.category, other.category)):
            a, b = getattr(a, "accuracy", a), getattr(b, "accuracy", b)
            for x, y in zip(a, b, strict=True):
                assert x == pytest.approx(y, nan_ok=True, abs=1e-12)


def test_gap():
    gold, ratings = drawn(50, 2)
    ratings = [r for r in ratings if r.id not in ("p3", "p4")]
    source = random.Random(1)
    model = {key: (source.random() < 0.4, source.random() < 0.4) for key in gold}
    model["p5"] = (None, True)
    del model["p6"]
    found = human_gap(model, ratings, gold)
    assert (found.step.n, found.category.n) == (46, 47)
    for place, gap in enumerate(found):
        keys = [k for k in gold if model.get(k, (None, None))[place] is not None]
        keys = [k for k in keys if k not in ("p3", "p4")]
        hits = {
            k: [(r.step, r.category)[place] == gold[k][place] for r in ratings if r.id == k]
            for k in keys
        }
        people = np.array([np.mean(hits[k]) for k in keys])
        machine = np.array([float(model[k][place]) for k in keys])
        assert gap.model == pytest.approx(machine.mean())
        assert gap.human == pytest.approx(people.mean())
        assert gap.difference == pytest.approx(gap.model - gap.human)
        rng = np.random.default_rng(0)
        naive = [rng.choice(machine - people, len(keys)).mean() for _ in range(4000)]
        assert gap.interval == pytest.approx(np.quantile(naive, (0.025, 0.975)), abs=0.03)
        assert gap.interval[1] < 0  # this model is worse


def test_nothing_to_compare():
    empty = human_scores([], GOLD)
    assert empty.n == 0 and math.isnan(empty.step.accuracy.value) and empty.step.coverage == 0
    assert math.isnan(human_scores([], {}).category.coverage)
    gap = human_gap({}, RATINGS, GOLD).step
    assert gap.n == 0 and math.isnan(gap.difference) and all(map(math.isnan, gap.interval))


def test_ids_that_are_not_in_the_data(tmp_path):
    path = tmp_path / "r.csv"
    path.write_text("id,rater,step,category\np1,a,1,\np9,a,1,\n")
    for f in (human_scores, lambda ratings, gold: human_gap({}, ratings, gold)):
        with pytest.raises(DataError, match="r.csv, line 3: the id 'p9' is not in the data; did y"):
            f(read_ratings(path), GOLD)
    with pytest.raises(DataError, match="^ratings: the id 'zzz' is not in the data. Delete the"):
        human_scores([Rating("zzz", "a", 1, None)], GOLD)


def test_draws():
    with pytest.raises(ValueError, match="draws is 0"):
        human_scores(RATINGS, GOLD, draws=0)
