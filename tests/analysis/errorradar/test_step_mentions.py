"""Words and numbers that name steps, against tables and numbers written out by the test."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.analysis.errorradar.step_mentions import (
    NO_STEP,
    lone_step,
    named_steps,
    told_step,
    whole_numbers,
)

WAYS = [
    *("Step {}", "step {}.", "STEP {}!", "Step #{}", "Step: {}", "step_{}", "step-{}", "(step {})"),
    *("**Step {}**", "Step **{}**", "`step {}`", r"\text{{Step }}{}", "step({})", "Step(s): {}"),
    *("Step No. {}", "step number {}", "step is {}", "the wrong step is: {}", 'error_step": "{}"'),
    *("wrongStep = {}", "Step {}/7", "Step {} of 7", "Step {}, 12 x 4", "步骤{}", "步驟: {}"),
    *(
        "第{}步",
        "第 {} 个步骤",
        "{}th step",
        "Step <{}>",
        "step - {}",
        "Step {}: 2 + 2",
        "which step? {}",
    ),
]


@pytest.mark.parametrize("way", WAYS)
@given(number=st.integers(2, 30))
def test_ways_to_name_a_step(way, number):
    assert named_steps("So, " + way.format(number) + " it is") == [number]


@pytest.mark.parametrize(
    "text, found",
    [
        ("step one", [1]),
        ("Step Twelve", [12]),
        ("the second step", [2]),
        ("twentieth step", [20]),
        ("twenty-first step", []),
        ("21st step", [21]),
        ("first step", [1]),
        ("1st step", [1]),
        ("the first step that fails is the third step", [3]),
        ("the first step that fails is step 1", [1]),
        ("Steps 2 and 3", [2, 3]),
        ("steps 2, 3, and 5", [2, 3, 5]),
        ("Steps 2-4", [2, 4]),
        ("steps 2 to 4", [2, 4]),
        ("step 2 or 3", [2, 3]),
        ("step 2 and step 3", [2, 3]),
        ("step 2,3", [2, 3]),
        ("Step 2, 3 apples", [2]),
        ("step 2.5", []),
        ("step 2b", []),
        ("step by step", []),
        ("7 steps", []),
        ("each step:\n1. a", []),
        ("the next step. 3 x 4", []),
        ("this step is one of them", []),
        ("step -1", [NO_STEP]),
        ("step: -2", [NO_STEP]),
        ("step " + "9" * 50, [NO_STEP]),
        ("step 0003", [3]),
        ("第一个错误的步骤是第三步", [3]),
        ("第一步", [1]),
        ("第二十一步", [21]),
        ("步骤十", [10]),
        ("步骤一", [1]),
        ("步骤二三", [NO_STEP]),
        ("步骤二二十", [NO_STEP]),
        ("", []),
    ],
)
def test_named_steps(text, found):
    assert sorted(named_steps(text)) == found


@pytest.mark.parametrize(
    "line, found",
    [
        ("3", [3]),
        ("(3).", [3]),
        ("** 3 **", [3]),
        ("$3$", [3]),
        ("3 / 7", [3]),
        ("3rd", [3]),
        ("Answer: 3", [3]),
        ("So the final answer is **3**.", [3]),
        ("答案是3", [3]),
        ("seven", [7]),
        ("Seventh.", [7]),
        ("3, CAL", [3]),
        ("3 reas", [3]),
        ("-1", [NO_STEP]),
        ("- 3", [3]),
        ("9" * 70, [NO_STEP]),
        ("9" * 81, []),
        ("3 apples", []),
        ("2.5", []),
        ("2, 3", []),
        ("x3", []),
        ("", []),
    ],
)
def test_lone_step(line, found):
    assert lone_step(line) == found


@pytest.mark.parametrize(
    "text, found",
    [
        ("it is 4", [4]),
        ("4 or 5, or 6.", [4, 5, 6]),
        ("number **4**!", [4]),
        ("3/7 and 3/8", [3]),
        ("2.5 and .5 and 3.0", [3]),
        ("1,000", [1000]),
        ("2,3", [2, 3]),
        ("20% of 4", [4]),
        ("x3 3x a_3 3rd", []),
        ("12 x 5 = 60", []),
        ("12*5=60, 12 - 5, 60/5, 3 + 4", []),
        ("2 \u00d7 4 \u2248 8, 90\u00b0", []),
        ("3 - CAL", [3]),
        ("- 3", [3]),
        (" -3", [NO_STEP]),
        ("9" * 30, [NO_STEP]),
        ("5 kg, 3 m\u00b2, 4 Dollars and 2 dollars", [4]),
        ("the first 4 steps, 2 mistakes", [2]),
        ("$5 or \\\\$5 or \u20ac5, $5$ and \\\\(6\\\\)", [5, 6]),
        ("", []),
    ],
)
def test_whole_numbers(text, found):
    assert whole_numbers(text, 7) == found


@given(st.text(), st.integers(1, 20))
def test_never_raises_and_gives_numbers(text, n_steps):
    for found in (named_steps(text), lone_step(text), whole_numbers(text, n_steps)):
        assert all(isinstance(k, int) and NO_STEP <= k < 10**9 for k in found)


@given(st.lists(st.integers(0, 99), min_size=1, max_size=6))
def test_a_list_of_steps_names_them_all(numbers):
    *rest, last = map(str, numbers)
    text = f"Steps {', '.join(rest)} and {last}" if rest else f"Step {last}"
    assert named_steps(text) == numbers


@given(st.lists(st.integers(0, 99), max_size=6))
def test_numbers_in_words_are_all_found(numbers):
    assert whole_numbers("".join(f"maybe {k} then " for k in numbers), 7) == numbers


@pytest.mark.parametrize("mark", ["Step {}", "**Step {}**", "step {} (CAL).", "Answer: Step #{}"])
@given(number=st.integers(2, 99))
def test_a_line_that_tells_a_step(mark, number):
    line = mark.format(number)
    assert told_step(line) == [number]
    assert told_step(f"{line}:") == told_step(f"{line} is it") == told_step(f"not {line}") == []


def test_headings_tell_no_step():
    assert [told_step(line) for line in ("Step 1", "### Step 2:", "Step 2.5", "2", "")] == [[]] * 5
