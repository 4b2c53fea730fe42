"""The closest right word."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.config.closest import closest_word, did_you_mean, listing

WORDS = ["margin", "mining", "squared"]


@pytest.mark.parametrize(
    ("word", "best"),
    [("margn", "margin"), ("MARGIN", "margin"), ("minning", "mining"), ("zzz", None), ("", None)],
)
def test_closest(word, best):
    assert closest_word(word, WORDS) == best


@given(st.lists(st.text(max_size=6), max_size=6), st.text(max_size=6), st.randoms())
def test_the_order_of_the_choices_does_not_matter(choices, word, random):
    shuffled = list(choices)
    random.shuffle(shuffled)
    assert closest_word(word, shuffled) == closest_word(word, choices)


@given(st.lists(st.text(min_size=1, max_size=6), min_size=1, max_size=6))
def test_a_right_word_is_its_own_closest_but_for_case(choices):
    found = closest_word(choices[0], choices)
    assert found is not None
    assert found.casefold() == choices[0].casefold()


def test_sentences():
    assert did_you_mean("margn", WORDS) == " Did you mean 'margin'?"
    assert did_you_mean("zzz", WORDS) == ""
    assert listing(reversed(WORDS)) == "margin, mining, squared"
    assert listing([]) == "none"
    assert listing("abcd", limit=2) == "a, b, ... (2 more)"
