"""Questions as a data set: splits, draws, fingerprints and what goes wrong."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.data.errors import DataError
from simlearn.data.questions import (
    Question,
    QuestionSource,
    draw_questions,
    question_fingerprint,
)


def questions(**counts):
    """So many questions of each data set, mixed: one of each in turn."""
    rows = [(n, name) for name, count in counts.items() for n in range(count)]
    return [Question(str(n), f"{name} {n}?", ("yes",), dataset=name) for n, name in sorted(rows)]


@dataclass(frozen=True, kw_only=True)
class Given(QuestionSource):
    """Twelve questions of two data sets to learn, ten to be asked; ``extra`` may spoil them."""

    extra: tuple = ()
    empty: bool = False

    def read(self, report=None):
        if self.empty:
            return {}
        return {"train": [*questions(a=8, b=4), *self.extra], "test": questions(a=5, b=5)}


def test_everything_is_kept_without_a_number():
    found = questions(a=3, b=2)
    assert draw_questions(found, None, seed=0, split="train") == found
    assert draw_questions(found, 3, seed=0, split="train") == found
    assert draw_questions([], 3, seed=0, split="train") == []


@settings(max_examples=40)
@given(st.integers(0, 9), st.integers(0, 9), st.integers(1, 9), st.integers(0, 3))
def test_so_many_of_each_data_set_in_their_order(a, b, count, seed):
    found = questions(a=a, b=b)
    kept = draw_questions(found, count, seed=seed, split="test")
    assert Counter(q.dataset for q in kept) == Counter(
        {name: min(n, count) for name, n in (("a", a), ("b", b)) if n}
    )
    assert [q for q in found if q in kept] == kept  # in order, none twice


def test_a_draw_depends_on_seed_split_and_data_set_alone():
    found = questions(a=40, b=40)

    def drawn(seed, split, given=found):
        return [q.id for q in draw_questions(given, 10, seed=seed, split=split) if q.dataset == "a"]

    assert drawn(0, "train") == drawn(0, "train")
    assert drawn(0, "train") != drawn(1, "train")
    assert drawn(0, "train") != drawn(0, "test")
    assert drawn(0, "train") == drawn(0, "train", questions(a=40))  # whatever else there is
    both = draw_questions(found, 10, seed=0, split="train")
    assert [q.id for q in both if q.dataset == "b"] != drawn(0, "train")


def test_fewer_are_among_more():
    found = questions(a=30)
    few, more = ({q.id for q in draw_questions(found, n, seed=3, split="train")} for n in (5, 12))
    assert few < more


def test_opened_data():
    data = Given(train=3, test=2).open()
    assert {s: len(q) for s, q in data.splits.items()} == {"train": 6, "val": 0, "test": 4}
    assert data.facts == {
        "data": "Given",
        "questions": {"train": 6, "val": 0, "test": 4},
        "draw_seed": 0,
    }
    assert data.fingerprint == question_fingerprint(data.splits)
    assert Given(train=3, test=2).open().fingerprint == data.fingerprint
    assert Given(train=3, test=2, draw_seed=1).open().fingerprint != data.fingerprint


def test_the_fingerprint_feels_every_part():
    q = Question("1", "what?", ("red", "blue"), "colour", "a")
    base = question_fingerprint({"train": [q], "test": []})
    assert len(base) == 16 and int(base, 16) >= 0
    for other in (
        {"train": [], "test": [q]},
        {"train": [q, q], "test": []},
        *(
            {"train": [replace(q, **change)], "test": []}
            for change in (
                {"id": "2"},
                {"text": "what"},
                {"answers": ("blue", "red")},
                {"dataset": "b"},
            )
        ),
    ):
        assert question_fingerprint(other) != base
    texts = [replace(q, text=t, answers=a) for t, a in (("a", ("b",)), ("ab", ()))]
    assert len({question_fingerprint({"train": [t]}) for t in texts}) == 2


def test_errors_of_a_data_set():
    with pytest.raises(DataError, match="Given: no question was found"):
        Given(empty=True).open()
    double = Question("3", "again?", ("no",), dataset="b")
    with pytest.raises(DataError, match="Given: two train questions of 'b' are '3'"):
        Given(extra=(double,)).open()
    Given(extra=(replace(double, dataset="c"),)).open()  # another data set may have the id


@pytest.mark.parametrize("name", ["train", "test"])
def test_numbers_below_one(name):
    with pytest.raises(ValueError, match=rf"data\.{name} is 0, must be at least 1"):
        Given(**{name: 0})
