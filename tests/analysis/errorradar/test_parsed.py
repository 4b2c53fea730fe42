"""What is read from a reply is a value with the rule that gave it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from simlearn.analysis.errorradar.category_reply import parse_category
from simlearn.analysis.errorradar.parsed import Parsed
from simlearn.analysis.errorradar.step_reply import parse_step
from simlearn.analysis.errorradar.taxonomy import CATEGORIES

RULES = {"json", "boxed", "last line", "only step", "only number", "only category"}
REASONS = {"empty", "none found", "out of range", "two answers"}


def test_it_is_a_pair():
    value, rule = Parsed(3, "json")
    assert (value, rule) == (3, "json") == Parsed(value=3, rule="json")
    assert Parsed(None, "empty").value is None


@given(st.text() | st.from_regex(r"(Step \d{1,2}|CAL|REAS|\{\"step\": \d\}|\s|,|\.)+"))
def test_a_value_comes_with_a_rule_and_none_with_a_reason(text):
    step, how = parse_step(text, 6)
    assert (how in RULES and step in range(1, 7)) if step is not None else how in REASONS
    kind, how = parse_category(text)
    assert (how in RULES and kind in CATEGORIES) if kind is not None else how in REASONS
