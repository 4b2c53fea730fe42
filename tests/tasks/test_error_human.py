"""What people said, read once and checked against the records."""

from __future__ import annotations

import hashlib
import json
from collections import namedtuple
from dataclasses import dataclass, field

import pytest

from simlearn.analysis.errorradar.human_ratings import human_gap, human_scores
from simlearn.analysis.errorradar.rating_file import read_ratings
from simlearn.data.errors import DataError
from simlearn.tasks.error_human import named_values, read_human
from tests.tasks.wrong_steps import data_of, record, records, share

SOME = [record(0), record(1, step=3, category=None), record(2, category="VIS")]
RATINGS = """id,rater,step,category
p0,ann,2,CAL
p0,bob,3,CAL
p1,ann,3,
p2,bob,,vis
"""


@pytest.fixture
def path(tmp_path):
    """Four ratings of two people."""
    found = tmp_path / "human.csv"
    found.write_text(RATINGS)
    return found


def test_ratings_with_what_is_right(path):
    human = read_human(path, data_of(SOME))
    assert human.ratings == read_ratings(path) and len(human.ratings) == 4
    assert human.gold == {"p0": (2, "CAL"), "p1": (3, None), "p2": (2, "VIS")}
    assert human.digest == hashlib.blake2b(RATINGS.encode(), digest_size=8).hexdigest()


def test_scores_and_gap_are_those_of_people(path):
    human = read_human(path, data_of(SOME))
    scores = human.scores(draws=20, seed=3)
    assert scores == human_scores(human.ratings, human.gold, draws=20, seed=3)
    assert scores.n == 3
    assert scores.step.accuracy.value == pytest.approx(share([0.5, 1.0]))
    assert scores.category.accuracy.value == 1.0
    rights = {"p0": (True, False), "p2": (False, None), "other": (True, True)}
    gap = human.gap(rights, draws=20, seed=3)
    assert gap == human_gap(rights, human.ratings, human.gold, draws=20, seed=3)
    assert (gap.step.n, gap.step.model, gap.step.human) == (1, 1.0, 0.5)
    assert (gap.category.n, gap.category.difference) == (1, -1.0)


def test_home_is_meant_by_its_sign(path, monkeypatch):
    monkeypatch.setenv("HOME", str(path.parent))
    assert read_human("~/human.csv", data_of(SOME)) == read_human(path, data_of(SOME))


def test_an_unknown_id_is_refused_when_the_file_is_read(path):
    with pytest.raises(DataError) as caught:
        read_human(path, data_of(records(2)))
    assert f"{path}, line 5: the id 'p2' is not in the data" in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match="the file of ratings is not there; check the path"):
        read_human(tmp_path / "none.csv", data_of(SOME))


def test_values_by_name_all_the_way_down():
    Pair = namedtuple("Pair", ["a", "b"])

    @dataclass
    class Inner:
        pair: Pair
        ends: tuple = (0.1, 0.2)

    @dataclass
    class Outer:
        inner: Inner
        by_name: dict = field(default_factory=dict)

    found = named_values(Outer(Inner(Pair(1, Pair(None, "x"))), {"k": Pair(2, Inner)}))
    assert found == {
        "inner": {"pair": {"a": 1, "b": {"a": None, "b": "x"}}, "ends": (0.1, 0.2)},
        "by_name": {"k": {"a": 2, "b": Inner}},  # a class is no value of one
    }
    assert named_values(None) is None and named_values([1]) == [1]


def test_scores_fit_into_json(path):
    human = read_human(path, data_of(SOME))
    told = named_values(human.scores(draws=5, seed=0))
    assert json.loads(json.dumps(told))["step"]["raters"]["bob"]["n"] == 1
    assert set(told["category"]) == {"accuracy", "raters", "agreement", "coverage"}


def test_right_solutions_have_no_wrong_step_to_find(tmp_path):
    """A model's step accuracy is over solutions with a wrong step, and so is that of people."""
    path = tmp_path / "human.csv"
    path.write_text("id,rater,step,category\np0,ann,0,\np1,ann,3,\n")
    some = [record(0, step=0, category=None), record(1, step=3)]
    human = read_human(path, data_of(some))
    assert [rating.id for rating in human.ratings] == ["p1"] and set(human.gold) == {"p1"}
    assert human.scores(draws=5, seed=0).step.accuracy.value == 1.0
