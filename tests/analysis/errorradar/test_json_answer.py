"""JSON in replies: which objects are found, which keys count, and bounds."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.analysis.errorradar.json_answer import (
    MOST_LEVELS,
    MOST_TRIES,
    KeyGroup,
    json_objects,
    keyed_answer,
)

GROUPS = (KeyGroup(frozenset({"best", "so_far"}), True), KeyGroup(frozenset({"vague"}), False))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=10,
)


def read(value):
    return [value] if isinstance(value, int) else value if isinstance(value, list) else []


@given(st.lists(st.dictionaries(st.text(max_size=4), VALUES, min_size=1, max_size=3), max_size=4))
def test_all_objects_are_found_in_prose(objects):
    text = " and {so on}, ".join(["Well", *map(json.dumps, objects), "end {"])
    assert json_objects(text) == objects


@pytest.mark.parametrize(
    "text, found",
    [
        ("no object", None),
        ("{}", None),
        ('{"other": 1}', None),
        ('{"best": 1}', [1]),
        ('{"Best": 1}', [1]),
        ('{"soFar": 1, "best": 2}', [1, 2]),
        ('{"So far!": 1}', [1]),
        ('{"best": "?"}', []),
        ('{"best": "?", "vague": 3}', []),
        ('{"vague": "?"}', None),
        ('{"vague": 3}', [3]),
        ('{"vague": 3, "best": 1}', [1]),
        ('{"vague": 3} {"best": 1}', [1]),
        ('{"vague": 3, "x": {"best": 1}}', [3]),
        ('{"vague": {"best": 1}}', [1]),
        ('{"best": {"x": [{"vague": 3}, {"vague": 4}]}}', [3, 4]),
        ('{"best": [1, 2]}', [1, 2]),
        ('{"best": [{"y": 1}]}', None),
        ('{"a": "line\nend", "best": 5}', [5]),
        ('{"best": 1', None),
        ('{"bad": tru, "x": {"best": 6}}', [6]),
        ('{{"best": 7}}', [7]),
    ],
)
def test_keys(text, found):
    assert keyed_answer(text, GROUPS, read) == found


@given(st.text() | VALUES.map(json.dumps))
def test_never_raises(text):
    found = keyed_answer(text, GROUPS, read)
    assert found is None or isinstance(found, list)


def test_bounds():
    deep = '{"x": ' * (MOST_LEVELS + 1) + '{"best": 1}' + "}" * (MOST_LEVELS + 1)
    assert keyed_answer(deep, GROUPS, read) is None
    assert keyed_answer(deep[6:-1].replace('{"x": ', "", 1)[:-1], GROUPS, read) == [1]
    assert len(json_objects('{"a": 1} ' * (MOST_TRIES + 9))) == MOST_TRIES
    for hostile in ("{", '{"', '{"a":', '[{"a":[', '{"a": "', "{ "):
        assert keyed_answer(hostile * 100_000, GROUPS, read) is None
    assert keyed_answer('{"best": ' + "9" * 5000 + "}", GROUPS, read) is None  # no number of Python
