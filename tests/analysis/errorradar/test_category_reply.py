"""The kind of error in a reply: golden replies, invariants, hostile texts."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.analysis.errorradar.category_reply import parse_category
from simlearn.analysis.errorradar.taxonomy import CATEGORIES, NAMES
from tests.analysis.errorradar.golden_replies import GOLDEN

REASONS = {"empty", "none found", "two answers"}
RULES = {"json", "boxed", "last line", "only category"}
PIECES = (
    'know|mis| |\n|{"category": |}|\\boxed{|"|error|A|calculation |reasoning |</think>|<i>|```|, |3'
    "|I |Category: "
)
REPLIES = st.text() | st.lists(st.sampled_from([*CATEGORIES, *PIECES.split("|")]), max_size=12).map(
    "".join
)
HOSTILE = (
    '{|{"category":|[[|<|<think|\\boxed{|mis|a error |visual |lack of | |\n|`|&|错|CAL|know '
    "|the error |misread the |*|_|-"
)


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda g: ascii(g.reply)[-60:])
def test_golden(golden):
    assert parse_category(golden.reply) == (golden.category, golden.category_rule)


@given(REPLIES)
def test_value_and_rule_fit(reply):
    value, rule = parse_category(reply)
    assert (value is None and rule in REASONS) or (value in CATEGORIES and rule in RULES)


@given(REPLIES, st.text(alphabet=" \n\t\r\u3000"), st.text(alphabet="CALVIS \n"))
def test_white_space_and_thinking_around_change_nothing(reply, space, thought):
    plain = parse_category(reply)
    assert parse_category(space + reply + space) == plain
    assert parse_category(f"<think>{thought}</think>{space}{reply}") == plain


@given(
    st.sampled_from(CATEGORIES),
    st.sampled_from(["category", "error_category", "errorType", "type", "Mistake type", "answer"]),
)
def test_json_is_what_json_says(code, key):
    for value in (code, code.lower(), NAMES[code], NAMES[code].title(), [code], f"{code}: so"):
        reply = "VIS\n" + json.dumps({"why": "CAL", key: value}) + "\nREAS"
        assert parse_category(reply) == (code, "json")


@given(st.sets(st.sampled_from(CATEGORIES), min_size=2))
def test_two_kinds_are_none(codes):
    for reply in (
        " ".join(codes),
        json.dumps({"category": sorted(codes)}),
        "".join(rf"\boxed{{{code}}}" for code in codes),
        "\n".join([*codes, "that is all"]),
    ):
        assert parse_category(reply) == (None, "two answers")


@pytest.mark.parametrize("piece", HOSTILE.split("|"))
def test_long_hostile_replies_end(piece):
    value, rule = parse_category(piece * (1_000_000 // len(piece)))
    assert (value is None and rule in REASONS) or value in CATEGORIES
