"""The words of a command line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.config.overrides import Assignment, named, parse_overrides


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("loss.margin=0.3", ("loss", "margin"), 0.3),
        ("seed=1e3", ("seed",), 1000.0),
        ("a=off", ("a",), "off"),
        ("a=true", ("a",), True),
        ("a=null", ("a",), None),
        ("a=", ("a",), ""),
        ("a='b, c'", ("a",), "b, c"),
        ("a=[1,x]", ("a",), [1, "x"]),
        ("a={b: 1, c: {d: [2]}}", ("a",), {"b": 1, "c": {"d": [2]}}),
        ("a=${oc.env:TOKEN}", ("a",), "${oc.env:TOKEN}"),
        ("data.root=/x/y z", ("data", "root"), "/x/y z"),
        ("data.root=~/faces", ("data", "root"), "~/faces"),
        ("data.root=/home/josé/x", ("data", "root"), "/home/josé/x"),
        ("+a.b=1", ("a", "b"), 1),
        ("++a.b=1", ("a", "b"), 1),
    ],
)
def test_assignments(text, path, value):
    assert parse_overrides([text]) == ([Assignment(path, value, text)], [])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("~loss", "keys cannot be deleted"),
        ("~loss.margin=1", "keys cannot be deleted"),
        ("a=1,2", "add -m"),
        ("a=choice(1,2)", "add -m"),
        ("a=range(0,3)", "add -m"),
        ("a=glob(*)", "add -m"),
        ("a@b=1", "'@' is not used"),
        ("a={1: 2}", "must be words"),
        ("a=[{true: 2}]", "must be words"),
        ("=1", "empty part"),
        ("margin", "cannot be read"),
        ("a=[1,", "cannot be read"),
        ("", "cannot be read"),
        ("a=" + "[" * 5000, "cannot be read"),
    ],
)
def test_faults_show_the_override(text, words):
    assignments, faults = parse_overrides([text, "b=1"])
    assert [item.text for item in assignments] == ["b=1"]
    assert len(faults) == 1
    assert words in faults[0]
    assert f"override '{text[:100]}" in faults[0]
    assert len(faults[0]) < 500


@given(st.text(max_size=30))
def test_any_text_is_an_assignment_or_a_fault(text):
    assignments, faults = parse_overrides([text])
    assert len(assignments) + len(faults) == 1


def test_a_secret_is_not_said_back():
    for key in ("endpoint.api_key", "+endpoint.apiKey", "endpoint.auth_token", "x.PASSWORD"):
        assert named(f"{key}=sk-12345") == f"override '{key}=***'"
    for plain in ("endpoint.max_tokens=9", "endpoint.key_env=MY_KEY", "loss.margin=0.3"):
        assert named(plain) == f"override '{plain}'"
