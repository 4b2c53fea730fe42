"""Marks of steps at the beginning of lines, one way of writing at a time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.analysis.errorradar.step_marks import is_marked_otherwise, mark_of, stands_inside

WAYS = [
    *(("step", way) for way in ("Step {}: ", "step {}. ", "**Step {}:** ", "[Step {}] ")),
    *(("dot", "{}. "), ("bracket", "({}) "), ("bracket", "{}) "), ("colon", "{}: ")),
]


@pytest.mark.parametrize(("way", "written"), WAYS)
@given(number=st.integers(0, 999), text=st.sampled_from(["we add", "AB = 5", "(a) x"]))
def test_way_number_and_rest(way, written, number, text):
    mark = written.format(number)
    assert mark_of(mark + text) == (way, number, len(mark))
    assert stands_inside(f"so {mark}{text}", way, number)
    assert not stands_inside(mark + text, way, number)
    assert not stands_inside(f"so {mark}{text}", way, number + 1)
    assert not stands_inside(f"so{mark}{text}", way, number)


@pytest.mark.parametrize("line", ["", "we", "3.14 x 2", "12 x 5", "Step two", "1:2", "(3)(4)"])
def test_what_is_no_mark(line):
    assert mark_of(line) is None and not is_marked_otherwise(line)


@pytest.mark.parametrize(
    "line", ["Step 1 so", "step1 so", "\u2460so", "\u6b65\u9aa41\uff1aso", "\u7b2c1\u6b65"]
)
def test_other_ways_are_known_but_not_read(line):
    assert is_marked_otherwise(line) and mark_of(line) is None


@given(st.text(), st.integers(0, 5))
def test_any_line(line, number):
    mark = mark_of(line)
    assert mark is None or 0 < mark.end <= len(line)
    assert stands_inside(line, "dot", number) in (True, False)
