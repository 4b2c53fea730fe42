"""Steps from lists and from text with numbers."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.analysis.errorradar.step_texts import split_steps

words = st.from_regex(r"[a-z]{1,5}( [a-z0-9+=.,()]{1,8}){0,3}", fullmatch=True)
WAYS = ["{n}. {s}", "{n}) {s}", "({n}) {s}", "{n}: {s}", "Step {n}: {s}", "step {n} - {s}",
        "STEP {n}. {s}", "Step #{n}: {s}", "**Step {n}:** {s}", "Step {n}\n{s}",
        "{n}.{s}", "{n}\u3001{s}", "Step {n}\uff1a{s}", "  {n}.   {s}  "]  # fmt: skip


@given(st.lists(words, min_size=1, max_size=25), st.sampled_from(WAYS), st.integers(0, 1))
def test_numbers_are_stripped(steps, way, first):
    lines = [way.format(n=k, s=s) for k, s in enumerate(steps, first)]
    assert split_steps("\n".join(lines)) == tuple(steps)
    assert split_steps("\r\n\r\n".join(lines) + "\n") == tuple(steps)
    more = [f"{line}\n= {k} x 2" for k, line in enumerate(lines)]
    assert split_steps("\n".join(more)) == tuple(f"{s}\n= {k} x 2" for k, s in enumerate(steps))


@given(st.lists(st.text(min_size=1).filter(str.strip), min_size=1, max_size=6))
def test_lists_stay_as_they_are(steps):
    assert split_steps(steps) == split_steps(tuple(steps)) == tuple(steps)
    assert split_steps(json.dumps(steps)) == split_steps("\n " + json.dumps(steps)) == tuple(steps)


@given(st.lists(words, min_size=1, max_size=6))
def test_one_a_line(steps):
    assert split_steps("\n \n".join(steps)) == tuple(steps)


@given(st.text() | st.lists(st.text() | st.none() | st.integers()) | st.floats())
def test_any_value_gives_steps_or_a_fault(value):
    try:
        found = split_steps(value)
    except ValueError:
        return
    assert found and all(isinstance(step, str) and step.strip() for step in found)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("0.5 x 4 = 2\n1.5 x 2 = 3", ("0.5 x 4 = 2", "1.5 x 2 = 3")),
        ("1:2 is the ratio\nso 6", ("1:2 is the ratio", "so 6")),
        ("(3)(4) = 12", ("(3)(4) = 12",)),
        ("[AB] is 3 cm", ("[AB] is 3 cm",)),
        ("1. a\n(2) b\n2. c", ("a\n(2) b", "c")),
        ("1. we add\n12 x 2\n2. done", ("we add\n12 x 2", "done")),
        ("Step 1: 1. note\nStep 2: end", ("1. note", "end")),
        ("Steps are hard\nStep two", ("Steps are hard", "Step two")),
        ("\u2460 a\n\u2461 b", ("\u2460 a", "\u2461 b")),
        ("1. by 2.5 or 2", ("by 2.5 or 2",)),
        ("1. a 2. b\n2. c", ("a 2. b", "c")),
    ],
)
def test_what_is_no_number_of_a_step(text, wanted):
    assert split_steps(text) == wanted


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "must be a list of texts, found None"),
        ({"a": 1}, "must be a list of texts, found {'a': 1}"),
        (3, "must be a list of texts, found 3"),
        ([], "there is no step"),
        ("", "there is no step"),
        (" \n", "there is no step"),
        ("[]", "there is no step"),
        (["a", " "], "step 2 is empty"),
        (["a", 3], "step 2 must be a text, found 3"),
        ("[1, 2]", "step 1 must be a text, found 1"),
        ("1. a\n2.\n3. b", "step 2 is empty"),
        ("1. a\n3. b", "number 3 stands where 2 is expected: '3. b'"),
        ("1. a\n1. b", "number 1 stands where 2 is expected"),
        ("2. a\n3. b", "begin with number 2: '2. a'; begin with 1"),
        ("Solution:\n1. a\n2. b", "line 2 begins with the number 1, 'Solution:' before it has"),
        ("['a', 'b']", "no JSON list"),
        ("1. a 2. b 3. c", "number 2 stands within the line '1. a 2. b 3. c'; write each step"),
        ("Step 1: a Step 2: b", "number 2 stands within the line"),
        (
            "Step 1 a\nmore\nStep 2 b",
            "'Step 1 a' is no way to number steps that is read, so 'm",
        ),
        ("步骤1 a\nb", "is no way to number steps"),
        ("\u2460a\nmore\n\u2461b", "is no way to number steps"),
        ('["a", "b"', "write the list by json.dumps"),
    ],
)
def test_faults(value, reason):
    with pytest.raises(ValueError) as caught:
        split_steps(value)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    "way",
    [
        "### Step {}",
        "## Step {}:",
        "[Step {}]",
        "[Step {}]:",
        "- Step {}: ",
        "**Step {}:**",
        "(Step {})",
    ],
)
def test_ways_of_markdown(way):
    text = "".join(f"{way.format(k)}\nthis is {k}\nand more\n" for k in (1, 2, 3))
    assert split_steps(text) == tuple(f"this is {k}\nand more" for k in (1, 2, 3))
