"""Prompts: what is in them, what never is, and that replies as asked for are read back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.analysis.errorradar.category_reply import parse_category
from simlearn.analysis.errorradar.prompt_style import PromptStyle, load_style, style_names
from simlearn.analysis.errorradar.prompts import build_prompt, category_lines, numbered_steps
from simlearn.analysis.errorradar.record import Record
from simlearn.analysis.errorradar.step_reply import parse_step
from simlearn.analysis.errorradar.taxonomy import CATEGORIES, DEFINITIONS, NAMES

TASKS = ("step", "category", "joint")
STYLES = {name: load_style(name) for name in style_names()}
RECORD = Record(
    id="p1",
    question=" How long is AB? ",
    steps=("AB is a side.", "3 x 4 = 13", "so AB = 13"),
    error_step=2,
    error_category="CAL",
    correct_answer="12",
    student_answer="13",
)
TEXTS = st.text(min_size=1, max_size=30).filter(str.strip)
RECORDS = st.builds(
    Record,
    id=TEXTS,
    question=TEXTS,
    steps=st.lists(st.text(max_size=20), min_size=1, max_size=6).map(tuple),
    error_step=st.just(0),
    correct_answer=st.text(max_size=9),
    student_answer=st.text(max_size=9),
)
ASKED = {
    ("plain", "step"): ("Reply only with: Step <number>", "Step {n}"),
    ("plain", "category"): ("Reply only with one of: VIS, CAL, REAS, KNOW, MIS", "{c}"),
    ("plain", "joint"): (
        '{"step": <number>, "category": "<one of',
        '{{"step": {n}, "category": "{c}"}}',
    ),
    ("stepwise", "step"): ("\nStep <number>", "First, 3 x 4 = 12, see step 1.\nStep {n}"),
    ("stepwise", "category"): ("one of: VIS, CAL, REAS, KNOW, MIS", "No VIS, but a slip.\n{c}"),
    ("stepwise", "joint"): ("\nStep <number>, <kind>", "Step 1 is right, no MIS.\nStep {n}, {c}"),
    ("json", "step"): ('{"step": <number>}', '{{"step": {n}}}'),
    ("json", "category"): ('{"category": "<one of', '{{"category": "{c}"}}'),
    ("json", "joint"): (
        '{"step": <number>, "category": "<one of',
        '{{"step": {n}, "category": "{c}"}}',
    ),
    ("bare", "step"): ("\nwhich step?", "{n}"),
    ("bare", "category"): ("\nwhich error?", "{c}"),
    ("bare", "joint"): ("\nwhich step and error?", "{n} {c}"),
}


def test_the_plain_step_prompt_word_by_word():
    assert build_prompt(RECORD, "step", STYLES["plain"]) == (
        "You are an experienced K-12 maths teacher who looks for mistakes in students' solutions.",
        "Question: How long is AB?\nCorrect answer: 12\nStudent's answer: 13\nStudent's steps:\n"
        "1. AB is a side.\n2. 3 x 4 = 13\n3. so AB = 13\n\nThere is a mistake in the student's "
        "steps.\nFind the FIRST wrong step. Reply only with: Step <number>",
    )


def test_the_bare_prompts_word_by_word():
    body = "How long is AB?\n1. AB is a side.\n2. 3 x 4 = 13\n3. so AB = 13\n"
    bare = STYLES["bare"]
    assert build_prompt(RECORD, "step", bare) == ("", body + "which step?")
    assert build_prompt(RECORD, "category", bare) == ("", body + "which error?")
    assert build_prompt(RECORD, "joint", bare) == ("", body + "which step and error?")
    assert build_prompt(RECORD, "category", bare, tell_step=True).text == (
        body + "step 2 is wrong\nwhich error?"
    )


@pytest.mark.parametrize("name, task", ASKED)
def test_what_is_asked_for_is_read_back(name, task):
    asked, reply = ASKED[name, task]
    assert asked in build_prompt(RECORD, task, STYLES[name]).text
    for n_steps in (3, 20):
        for number in range(1, n_steps + 1):
            for code in CATEGORIES:
                said = reply.format(n=number, c=code)
                if task != "category":
                    assert parse_step(said, n_steps).value == number
                if task != "step":
                    assert parse_category(said).value == code
    if task != "category":
        assert "0" in STYLES[name].mistake_or_none
        assert parse_step(reply.format(n=0, c="none"), 7, none_allowed=True).value == 0


@given(RECORDS, st.sampled_from(TASKS), st.sampled_from(style_names()), st.booleans(), st.data())
def test_labels_are_in_no_prompt(record, task, name, none_allowed, data):
    style, code = STYLES[name], data.draw(st.sampled_from(CATEGORIES))
    labelled = replace(
        record, error_step=data.draw(st.integers(1, record.n_steps)), error_category=code
    )
    plain = build_prompt(record, task, style, none_allowed=none_allowed)
    assert build_prompt(labelled, task, style, none_allowed=none_allowed) == plain
    told = build_prompt(labelled, task, style, tell_step=True, none_allowed=none_allowed)
    other = replace(labelled, error_category=None)
    assert build_prompt(other, task, style, tell_step=True, none_allowed=none_allowed) == told
    if task != "category":
        assert told == plain
    else:
        number = labelled.error_step
        line = {"bare": f"step {number} is wrong"}.get(
            name, f"The first wrong step is step {number}."
        )
        assert told.text.count(line) == plain.text.count(line) + 1
        assert told.text.replace(line + "\n", "", 1) == plain.text


@given(RECORDS, st.sampled_from(TASKS), st.sampled_from(style_names()))
def test_texts_of_the_record_stand_as_they_are(record, task, name):
    hostile = replace(record, question=record.question + "{steps} {mistake} {{n_steps}} \\1 {x}")
    text = build_prompt(hostile, task, STYLES[name]).text
    assert hostile.question.strip() in text
    assert numbered_steps(record).strip() in text
    for answer, label in (
        (record.correct_answer.strip(), "Correct answer: "),
        (record.student_answer.strip(), "Student's answer: "),
    ):
        if name != "bare" and "answer: " not in record.question + "".join(record.steps):
            assert (label + answer in text) if answer else (label not in text)


def test_empty_answers_leave_their_lines_out():
    record = replace(RECORD, correct_answer=" \n", student_answer="")
    for name in style_names():
        for task in TASKS:
            full = build_prompt(RECORD, task, STYLES[name]).text.splitlines()
            short = build_prompt(record, task, STYLES[name]).text.splitlines()
            gone = [line for line in full if "answer: 1" in line]
            assert len(gone) == (0 if name == "bare" else 2)
            assert short == [line for line in full if line not in gone]


def test_solutions_that_may_be_right():
    for name, style in STYLES.items():
        for task in ("step", "joint"):
            asked = build_prompt(RECORD, task, style, none_allowed=True).text
            assert style.mistake_or_none in asked and "There is a mistake" not in asked
            assert style.mistake_or_none not in build_prompt(RECORD, task, style).text
        plain = build_prompt(RECORD, "category", style)
        assert build_prompt(RECORD, "category", style, none_allowed=True) == plain, name


def test_a_right_solution_has_no_step_to_tell():
    right = replace(RECORD, error_step=0, error_category=None)
    told = build_prompt(right, "category", STYLES["plain"], tell_step=True)
    assert told == build_prompt(right, "category", STYLES["plain"])


def test_steps_and_kinds():
    record = replace(RECORD, steps=(" a\n2. b ", "", "c\r\nd"))
    assert numbered_steps(record) == "1. a\n   2. b\n2. \n3. c\n   d"
    lines = category_lines().splitlines()
    assert [line.split(":")[0] for line in lines] == [f"- {code}" for code in CATEGORIES]
    for code, line in zip(CATEGORIES, lines, strict=True):
        assert line.endswith(f"{NAMES[code]} ({DEFINITIONS[code]})")
        assert set(parse_category(line)) == {code, "last line"}


def test_what_is_refused():
    with pytest.raises(ValueError, match="task is 'stpe': must be one of .*; did you mean 'step'"):
        build_prompt(RECORD, "stpe", STYLES["plain"])
    both = "{question} {steps}"
    style = PromptStyle("mine", step=both, category=both, joint=both)
    assert build_prompt(RECORD, "step", style, tell_step=True).text.startswith("How long")
    with pytest.raises(ValueError, match="'mine' has no words for solutions without a wrong step"):
        build_prompt(RECORD, "joint", style, none_allowed=True)
    with pytest.raises(ValueError, match=r"'mine' has no \{wrong_step\} in category"):
        build_prompt(RECORD, "category", style, tell_step=True)
