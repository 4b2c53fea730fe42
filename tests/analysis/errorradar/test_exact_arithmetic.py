"""Exact sums: values and written forms against an own evaluator, signs, refusals."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.analysis.errorradar.exact_arithmetic import (
    changed_signs,
    left_out,
    names_in,
    parse_sum,
    shown,
    work_out,
    write_sum,
)
from tests.analysis.errorradar.rederive import calculate, decimal

SUMS = st.recursive(
    st.sampled_from(["a", "b", "c", "3.14", "2"]),
    lambda inner: st.tuples(inner, st.sampled_from("+-*/"), inner).map(
        lambda three: f"({three[0]} {three[1]} {three[2]})"
    ),
    max_leaves=6,
)


@given(SUMS, st.lists(st.integers(1, 99), min_size=3, max_size=3))
def test_written_sums_mean_what_was_worked_out(text, numbers):
    values = dict(zip("abc", map(Fraction, numbers), strict=True))
    exact = work_out(text, values)
    written = write_sum(text, {name: str(value) for name, value in values.items()})
    if exact is None:
        with pytest.raises(ZeroDivisionError):
            calculate(written)
    else:
        assert calculate(written) == exact
        assert work_out(write_sum(text, dict(zip("abc", "abc", strict=True)), plain=True), values)\
            == exact  # fmt: skip


def test_brackets_stand_where_they_must():
    words = {"a": "1", "b": "2", "c": "3"}
    assert write_sum("(a + b) * c / 2", words) == "(1 + 2) \N{MULTIPLICATION SIGN} 3 ÷ 2"
    assert write_sum("a - (b - c)", words) == "1 - (2 - 3)"
    assert write_sum("(a + b) + c", words) == "1 + 2 + 3"
    assert write_sum("a / (b * c)", words, plain=True) == "1 / (2 * 3)"


@given(st.integers(1, 10**9), st.integers(0, 3))
def test_shown_numbers_read_back(number, places):
    value = Fraction(number, 10**places)
    text = shown(value)
    assert Fraction(text) == value
    assert Fraction(decimal(value)) == value and not (("." in text) and text.endswith("0"))


def test_what_is_shown_and_what_is_not():
    assert shown(Fraction(7, 2), "dollars") == "3.50" and shown(Fraction(3), "dollars") == "3"
    assert shown(Fraction(1, 20), "dollars") == "0.05"
    assert shown(Fraction("0.125")) == "0.125"
    for value in (Fraction(0), Fraction(-1), Fraction(1, 3), Fraction("0.0625")):
        assert shown(value) is None
    assert shown(Fraction("0.125"), "dollars") is None


def test_signs_and_parts():
    assert changed_signs("a + b") == ["a - b", "a * b"]
    assert changed_signs("a * b") == ["a + b"] and changed_signs("a / b") == ["a * b"]
    assert set(changed_signs("(a + b) * c / 2")) == {
        "(a + b) * c * 2",
        "(a + b + c) / 2",
        "(a - b) * c / 2",
    }
    assert left_out("a + b + c") == ["b + c", "a + c", "a + b"]
    assert left_out("a + b") == [] == left_out("a + b - c") == left_out("2 + a + b")
    assert names_in("b * (a - b) / 3.14") == ["b", "a"]


def test_other_things_are_refused():
    for text in ("f(a)", "a.b", "a ** b if a else b", "[a]"):
        with pytest.raises(ValueError, match="only names"):
            parse_sum(text)
