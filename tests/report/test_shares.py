from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.report.shares import check_interval, check_share, check_word, share_words

NAN = float("nan")


@pytest.mark.parametrize("value", [NAN, 0.0, 1.0, 0.5, -1e-12, 1 + 1e-12])
def test_shares_and_nan_pass(value):
    assert check_share(value, "row 1") is None


@pytest.mark.parametrize(
    ("value", "lowest", "text"),
    [
        (55.1, 0, r"row 1: 55.1 is no share in \[0, 1\]; give shares, not percent"),
        (-0.1, 0, "-0.1 is no share"),
        (float("inf"), 0, "inf is no share"),
        (-1.5, -1, r"-1.5 is no difference of shares in \[-1, 1\]"),
        (float("-inf"), -2, r"-inf is no difference of shares in \[-2, 2\]"),
    ],
)
def test_what_is_no_share_is_refused_by_its_place(value, lowest, text):
    with pytest.raises(ValueError, match=text):
        check_share(value, "row 1", lowest=lowest)


def test_differences_may_be_negative():
    assert check_share(-1.0, "x", lowest=-1) is None
    assert check_share(2.0, "x", lowest=-2) is None
    assert check_interval(-2.0, 2.0, 0.0, "x", lowest=-2) is None


@pytest.mark.parametrize(
    ("low", "high", "value", "text"),
    [
        (0.1, NAN, 0.5, r"x: \[0.1, nan\] is no interval"),
        (NAN, 0.1, 0.5, r"\[nan, 0.1\] is no interval"),
        (0.6, 0.4, 0.5, r"\[0.6, 0.4\] is no interval"),
        (0.1, 0.4, NAN, r"the interval \[0.1, 0.4\] has no value"),
        (40.0, 60.0, 0.5, "40 is no share"),
    ],
)
def test_what_is_no_interval_is_refused(low, high, value, text):
    with pytest.raises(ValueError, match=text):
        check_interval(low, high, value, "x")


def test_words():
    assert share_words(0.551, 0.502, 0.6) == "55.1 % (50.2 to 60.0 %)"
    assert share_words(0.5) == "50.0 %"
    assert share_words(-1e-12) == "0.0 %"
    assert share_words(NAN) == "no value"


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_words_hold_all_three_numbers(value, one, other):
    low, high = sorted((one, other))
    check_interval(low, high, value, "x")
    shown = share_words(value, low, high)
    parts = shown.replace("(", "").replace(")", "").replace(" %", "").replace("to ", "").split()
    assert [float(p) for p in parts] == pytest.approx(
        [100 * value, 100 * low, 100 * high], abs=0.06
    )


def test_a_word_that_is_none_of_those_there_are():
    check_word("open", ["open", "closed"], "row 3", "kind")
    with pytest.raises(ValueError) as caught:
        check_word("opne", ["open", "closed"], "row 3", "kind")
    assert str(caught.value) == ("row 3: kind 'opne' is none of open, closed; did you mean 'open'?")
    with pytest.raises(ValueError) as caught:
        check_word("\x1b[31m", {"open": 1}, "row 3", "kind")
    assert "\x1b" not in str(caught.value) and "did you mean" not in str(caught.value)
