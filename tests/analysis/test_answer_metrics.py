"""How answers are judged: worked numbers of the papers, slow formulas, faults."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.analysis.answer_metrics import METRICS, anls, edit_distance, judge, word_error_rate

SHORT = st.text(alphabet="abC .", max_size=7)


def slow_distance(a, b):
    """Levenshtein's recursion on the last items."""

    @cache
    def of(i, j):
        if i == 0 or j == 0:
            return i + j
        if a[i - 1] == b[j - 1]:
            return of(i - 1, j - 1)
        return 1 + min(of(i - 1, j), of(i, j - 1), of(i - 1, j - 1))

    return of(len(a), len(b))


@settings(max_examples=100, deadline=None)
@given(SHORT, SHORT)
def test_edit_distance_against_the_recursion(a, b):
    assert edit_distance(a, b) == slow_distance(a, b) == edit_distance(b, a)
    assert edit_distance(a.split(), b.split()) == slow_distance(tuple(a.split()), tuple(b.split()))


def test_edit_distance_of_long_texts():
    assert edit_distance(["a"] * 300, []) == 300  # more than a byte holds
    assert edit_distance("", "abc") == 3 and edit_distance("kitten", "sitting") == 3


def test_worked_numbers():
    assert anls("12 march 2010", "12 march") == pytest.approx(0.615385, abs=1e-6)
    ref, hyp = "the cat sat on the mat", "the cat sit on mat"
    assert 1 - word_error_rate(ref, hyp) == pytest.approx(0.666667, abs=1e-6)
    assert judge("anls", "12 March", ["12 march 2010"]) == pytest.approx(8 / 13)
    assert judge("wrr", hyp, [ref.upper()]) == pytest.approx(4 / 6)


def test_word_error_rate_as_miner_counts():
    assert word_error_rate("THE CAT", "Sure: 'the cat sat' is what I hear") == 0
    assert word_error_rate("the cat", "the cat") == 0
    assert word_error_rate("the cat", "") == 1
    assert word_error_rate("a", "b c d") == 3
    assert word_error_rate("the cat.", "the cat") == 0.5
    assert word_error_rate("", "anything") == 0
    assert word_error_rate(" ".join(["x"] * 300), "y") == 1
    assert judge("wrr", "b c d", ["a"]) == 0  # the authors' code says -2


@pytest.mark.parametrize(
    ("reference", "text", "cutoff", "wanted"),
    [
        ("abcd", "abcx", 0.5, 0.75),
        ("abcd", "abxy", 0.5, 0.0),  # a distance of one half is cut off
        ("abcd", "abxy", 1.0, 0.5),
        ("abcd", "wxyz", 1.0, 0.0),
        ("A  b", "a b ", 0.5, 1.0),
        ("", "", 0.5, 1.0),
        ("", "abc", 0.5, 0.0),
    ],
)
def test_anls_and_its_cutoff(reference, text, cutoff, wanted):
    assert anls(reference, text, cutoff=cutoff) == wanted == anls(text, reference, cutoff=cutoff)


@pytest.mark.parametrize(
    ("metric", "text", "answer", "wanted"),
    [
        ("exact", "Red.", "red", 1),
        ("exact", " red and blue", "red", 1),
        ("exact", "reddish", "red", 0),
        ("exact", "not red", "red", 0),
        ("exact", "throat clearing, I think", "Throat clearing", 1),
        ("exact", "throat", "throat clearing", 0),
        ("exact", "?", "?", 0),
        ("equal", " Red\n", "red", 1),
        ("equal", "red.", "red", 0),
        ("equal", "red and blue", "red", 0),
        ("substring", "It says DAKOTA DIGITAL.", "Dakota", 1),
        ("substring", "dakot", "dakota", 0),
        ("letter", "B", "B", 1),
        ("letter", " B. fallen", "B", 1),
        ("letter", "Because", "B", 1),
        ("letter", "b", "B", 0),
        ("letter", "The answer is B", "B", 0),
        ("letter", "", "B", 0),
        ("label", "The sound is Throat clearing.", "Throat clearing", 1),
        ("label", "throat clearing", "Throat clearing", 0),
    ],
)
def test_right_and_wrong(metric, text, answer, wanted):
    found = judge(metric, text, [answer])
    assert found == wanted and isinstance(found, float)


@pytest.mark.parametrize("metric", METRICS)
def test_the_best_answer_counts_and_none_is_none(metric):
    good, bad = "B", "Q"
    assert judge(metric, good, [bad, good]) == 1 == judge(metric, good, (good, bad))
    assert judge(metric, good, [bad]) == 0 == judge(metric, good, [])
    assert judge(metric, good, ["", "  "]) == 0 == judge(metric, "", [good])


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(METRICS), SHORT, st.lists(SHORT, max_size=3))
def test_between_0_and_1_whatever_the_order(metric, text, answers):
    found = judge(metric, text, answers)
    assert 0 <= found <= 1 and found == judge(metric, text, answers[::-1])
    assert found == judge(metric, f" {text}\n", answers)
    assert found >= max((judge(metric, text, [a]) for a in answers), default=0)


def test_names_of_metrics():
    assert METRICS == ("exact", "equal", "substring", "letter", "label", "wrr", "anls")
    with pytest.raises(ValueError, match=r"no metric 'substrng'. Did you mean 'substring'\? There"):
        judge("substrng", "a", ["a"])
    with pytest.raises(ValueError, match=r"no metric 'f1'. There are exact, equal, "):
        judge("f1", "a", ["a"])
