"""The step in a reply: golden replies, invariants, hostile texts."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.analysis.errorradar.step_reply import parse_step
from tests.analysis.errorradar.golden_replies import GOLDEN

REASONS = {"empty", "none found", "out of range", "two answers"}
RULES = {"json", "boxed", "last line", "only step", "only number"}
PIECES = (
    'Step |3| |\n|{"step": |}|\\boxed{|12|.|CAL|first |<b>|-|</think>|steps |and |步骤|"|```|none|0'
    "|/|x |= |,"
)
REPLIES = st.text() | st.lists(st.sampled_from(PIECES.split("|")), max_size=12).map("".join)
HOSTILE = (
    '{|{"|{"step":|[[|<|<think|\\boxed{|step |steps 1, |1|1,|-| |\n|`|&|\u0663|1 |the first |步|<a '
    '|{"step": [|3rd '
)


def test_there_are_many():
    assert len(GOLDEN) >= 120 and len({(g.reply, g.n, g.none) for g in GOLDEN}) == len(GOLDEN)


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda g: ascii(g.reply)[-60:])
def test_golden(golden):
    found = parse_step(golden.reply, golden.n, none_allowed=golden.none)
    assert found == (golden.step, golden.step_rule)


@given(REPLIES, st.integers(1, 20), st.booleans())
def test_value_and_rule_fit(reply, n_steps, none_allowed):
    value, rule = parse_step(reply, n_steps, none_allowed=none_allowed)
    if value is None:
        assert rule in REASONS
    else:
        assert rule in RULES and type(value) is int
        assert (0 if none_allowed else 1) <= value <= n_steps


@given(REPLIES, st.text(alphabet=" \n\t\r\u3000"), st.text(alphabet="step 123,\n"))
def test_white_space_and_thinking_around_change_nothing(reply, space, thought):
    plain = parse_step(reply, 7)
    assert parse_step(space + reply + space, 7) == plain
    assert parse_step(f"<think>{thought}</think>{space}{reply}", 7) == plain


@given(REPLIES, st.integers(1, 20))
def test_no_more_steps_can_only_turn_a_value_out_of_range(reply, n_steps):
    value, rule = parse_step(reply, 1_000)
    if value is not None and rule in ("json", "boxed", "last line") and "/" not in reply:
        expected = (value, rule) if value <= n_steps else (None, "out of range")
        assert parse_step(reply, n_steps) == expected


@given(st.integers(1, 20), st.integers(0, 25), st.sampled_from(["step", "error_step", "wrongStep"]))
def test_json_is_what_json_says(n_steps, number, key):
    expected = (number, "json") if 1 <= number <= n_steps else (None, "out of range")
    for value in (number, float(number), str(number), f"Step {number}", [number], [str(number)]):
        reply = "Step 1.\n" + json.dumps({"why": "12 x 5", key: value}) + "\nStep 2."
        assert parse_step(reply, n_steps) == expected


def test_zero_only_where_it_is_allowed():
    for reply in ("0", "Step 0", '{"step": 0}', r"\boxed{0}", "I say 0 to that"):
        assert parse_step(reply, 3, none_allowed=True).value == 0
        assert parse_step(reply, 3) == (None, "out of range")
    for reply in ('{"step": "None."}', r"\boxed{none}"):
        assert parse_step(reply, 3, none_allowed=True).value == 0
        assert parse_step(reply, 3) == (None, "none found")


@pytest.mark.parametrize("piece", HOSTILE.split("|"))
def test_long_hostile_replies_end(piece):
    value, rule = parse_step(piece * (1_000_000 // len(piece)), 7)
    assert (value is None and rule in REASONS) or 1 <= value <= 7


def test_number_of_steps_is_checked():
    with pytest.raises(ValueError, match="n_steps is 0: at least 1"):
        parse_step("Step 1", 0)
