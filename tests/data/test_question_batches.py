"""Which questions come in which step: shares, kinds, and a function of the seed and the step."""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from simlearn.data.errors import DataError
from simlearn.data.question_batches import QuestionBatches, QuestionSampler, kind_counts
from simlearn.data.questions import Question

KINDS = ("colour", "shape", "yes_no", "count")
PIXEL = np.zeros((1, 1, 3), np.uint8)


def questions(kinds, *, media=True):
    image = PIXEL if media else None
    return [
        Question(f"{media}-{n}", "?", ("a",), kind, image=image) for n, kind in enumerate(kinds)
    ]


def naive_counts(kinds, count, tenths):
    """In fractions: what is left over goes to those that are farthest behind their share."""
    rest = 10 - sum(tenths.get(k, 0) for k in kinds)
    free = [k for k in kinds if k not in tenths]
    exact = {k: Fraction(tenths[k]) if k in tenths else Fraction(rest, len(free)) for k in kinds}
    total = sum(exact.values())
    exact = {
        k: v * count / total if total else Fraction(count, len(kinds)) for k, v in exact.items()
    }
    found = {k: math.floor(v) for k, v in exact.items()}
    order = sorted(kinds, key=lambda k: found[k] - exact[k])
    for k in order[: count - sum(found.values())]:
        found[k] += 1
    return found, exact


@settings(max_examples=200)
@given(
    st.lists(st.sampled_from(KINDS), unique=True, min_size=1),
    st.integers(0, 60),
    st.dictionaries(st.sampled_from(KINDS), st.integers(0, 5)),
)
def test_counts_of_kinds_against_fractions(kinds, count, tenths):
    assume(sum(tenths.values()) <= 10)
    found = kind_counts(kinds, count, {k: v / 10 for k, v in tenths.items()})
    wanted, exact = naive_counts(kinds, count, tenths)
    assert list(found) == list(kinds) and sum(found.values()) == count
    for kind in kinds:  # which of two equal remainders is rounded up is not said
        assert abs(found[kind] - exact[kind]) < 1
    assert sorted(found[k] - exact[k] for k in kinds) == sorted(wanted[k] - exact[k] for k in kinds)


@pytest.mark.parametrize(
    ("kinds", "count", "shares", "wanted"),
    [
        ((), 5, {}, {}),
        (("a",), 0, {}, {"a": 0}),
        (("a", "b", "c"), 48, {"c": 0.5}, {"a": 12, "b": 12, "c": 24}),
        (("a", "b"), 7, {"a": 1.0}, {"a": 7, "b": 0}),
        (("a", "b"), 6, {"a": 0.25, "b": 0.25}, {"a": 3, "b": 3}),  # all named: made to sum to 1
        (("a", "b"), 6, {"a": 0.0, "b": 0.0}, {"a": 3, "b": 3}),
        (("a", "b"), 6, {"elsewhere": 0.9}, {"a": 3, "b": 3}),
        (("a", "b", "c"), 10, {"a": 0.7}, {"a": 7, "b": 2, "c": 1}),
        (("a", "b", "c"), 1, {}, {"a": 1, "b": 0, "c": 0}),
    ],
)
def test_counts_of_kinds(kinds, count, shares, wanted):
    assert kind_counts(kinds, count, shares) == wanted


@settings(max_examples=40)
@given(
    st.lists(st.sampled_from(KINDS), min_size=1, max_size=12),
    st.lists(st.sampled_from(KINDS[:2]), min_size=1, max_size=12),
    st.integers(0, 9),
    st.integers(1, 9),
    st.integers(0, 10**6),
)
def test_every_step_has_the_right_kinds_with_and_without_a_medium(seen, read, media, texts, step):
    every = [*questions(read, media=False), *questions(seen)]
    shares = {"shape": 0.5}
    batches = QuestionBatches(media=media, texts=texts, shares=shares)
    sampler = QuestionSampler(every, batches, seed=3)
    with_medium, without = sampler(step)
    assert with_medium.dtype == without.dtype == np.int64
    for rows, kinds, count in ((with_medium, seen, media), (without, read, texts)):
        assert Counter(every[i].kind for i in rows) == Counter(
            kind_counts(sorted(set(kinds)), count, shares)
        )
        for kind, n in Counter(every[i].kind for i in rows).items():
            there = kinds.count(kind)
            chosen = {i for i in rows if every[i].kind == kind}
            assert len(chosen) == n or n > there  # twice only where there are too few
    assert all(every[i].image is not None for i in with_medium)
    assert all(every[i].image is None for i in without)
    again = QuestionSampler(every, batches, seed=3)(step)
    assert np.array_equal(again[0], with_medium) and np.array_equal(again[1], without)


def test_steps_and_seeds_differ_and_every_question_comes():
    every = questions(["colour"] * 30 + ["shape"] * 5)
    batches = QuestionBatches(media=8, texts=0)
    sampler, other = (QuestionSampler(every, batches, seed=s) for s in (0, 1))
    steps = [sampler(s)[0].tolist() for s in range(40)]
    assert len({tuple(s) for s in steps}) == 40
    assert steps != [other(s)[0].tolist() for s in range(40)]
    times = Counter(i for step in steps for i in step)
    assert set(times) == set(range(35))
    colour, shape = (sum(times[i] for i in rows) for rows in (range(30), range(30, 35)))
    assert colour == shape == 160  # kinds come evenly, however rare


def test_sounds_are_media_too():
    q = Question("1", "?", ("a",), audio=np.zeros(3, np.float32), rate=8000)
    assert QuestionSampler([q], QuestionBatches(media=1, texts=0), seed=0)(0)[0].tolist() == [0]


def test_a_step_without_one_side():
    every = questions(["colour"])
    with_medium, without = QuestionSampler(every, QuestionBatches(media=2, texts=0), seed=0)(5)
    assert with_medium.tolist() == [0, 0] and without.shape == (0,) and without.dtype == np.int64


def test_questions_that_are_not_there():
    with pytest.raises(
        DataError, match=r"without a picture or sound, and sampler\.texts is 48: set"
    ):
        QuestionSampler(questions(["a"]), QuestionBatches(texts=48), seed=0)
    with pytest.raises(DataError, match=r"with a picture or sound, and sampler\.media is 7: set"):
        QuestionSampler(questions(["a"], media=False), QuestionBatches(media=7), seed=0)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"media": -1}, r"sampler\.media is -1, must not be negative"),
        ({"texts": -2}, r"sampler\.texts is -2"),
        ({"text_weight": -0.5}, r"sampler\.text_weight is -0\.5"),
        ({"text_weight": math.nan}, r"sampler\.text_weight is nan"),
        ({"media": 0, "texts": 0}, r"both 0: a step needs questions"),
        ({"shares": {"a": -0.1}}, r"sampler\.shares are \{'a': -0\.1\}, must be in \[0, 1\]"),
        ({"shares": {"a": 0.7, "b": 0.4}}, r"sampler\.shares are"),
        ({"shares": {"a": 0.2, "b": math.nan}}, r"sampler\.shares are"),
    ],
)
def test_numbers_out_of_range(values, text):
    with pytest.raises(ValueError, match=text):
        QuestionBatches(**values)
