"""JSON as it may stand in data: values, and every fault as one kind of error."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.analysis.errorradar.json_value import parse_json, parse_json_at

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)  # fmt: skip


@given(values, st.booleans(), st.text(alphabet=" ,]x"))
def test_what_was_written_is_read(value, ascii_only, after):
    text = json.dumps(value, ensure_ascii=ascii_only)
    assert parse_json(text) == value
    if isinstance(value, dict | list | str):
        assert parse_json_at("[" + text + after, 1) == (value, 1 + len(text))


@given(st.text())
def test_any_text_is_a_value_or_a_fault(text):
    try:
        value = parse_json(text)
    except ValueError:
        return
    assert json.loads(text) == value


@pytest.mark.parametrize("read", [parse_json, lambda text: parse_json_at(text, 0)])
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[NaN]", "NaN is no number"),
        ('{"a": -Infinity}', "-Infinity is no number"),
        ("[" * 200_000, "nested too deeply"),
        ('{"a":' * 200_000, "nested too deeply"),
        ('["\\ud83d"]', "surrogates not allowed"),
        ('{"\\uDC00": 1}', "surrogates not allowed"),
        ("[" + "9" * 5000 + "]", "4300"),
        ('{"a": 1', "delimiter"),
        ("", "Expecting value"),
    ],
)
def test_faults(read, text, reason):
    with pytest.raises(ValueError, match=reason):
        read(text)


def test_whole_characters_written_as_two_halves():
    assert parse_json('["\\ud83d\\ude00 \\ud55c"]') == ["\U0001f600 \ud55c"]
