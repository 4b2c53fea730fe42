"""One worked solution: what it may hold and what is refused."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.analysis.errorradar.record import Record
from simlearn.analysis.errorradar.taxonomy import CATEGORIES

USUAL = Record("p1", "How much is 2 + 3?", ("2 + 3 = 6", "So it is 6."), 1, "CAL")


def test_what_need_not_be_given():
    bare = Record("p", "q", ("s",), 0)
    assert bare.error_category is None and bare.image is None
    assert (bare.problem_type, bare.correct_answer, bare.student_answer) == ("", "", "")
    assert bare.n_steps == 1


def test_a_figure_is_a_file_or_bytes():
    assert replace(USUAL, image=Path("a.png")).image == Path("a.png")
    assert replace(USUAL, image=b"\x89PNG").image == b"\x89PNG"


def test_a_record_does_not_change():
    with pytest.raises(FrozenInstanceError):
        USUAL.error_step = 2  # type: ignore[misc]
    assert not hasattr(USUAL, "__dict__")  # many are made
    assert hash(USUAL) == hash(replace(USUAL))


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"id": ""}, "id is empty"),
        ({"id": " \n\t"}, "id is empty"),
        ({"question": "  "}, "question is empty"),
        (
            {"steps": (), "error_step": 0, "error_category": None},
            "steps: there is none, must be a list of at least one text",
        ),
        (
            {"error_step": 3},
            "error_step is 3, must be from 1 to 2, the number of steps (counted from 1; 0 where "
            "no step is wrong)",
        ),
        (
            {"error_step": -1},
            "error_step is -1, must be from 1 to 2, the number of steps (counted from 1; 0 where "
            "no step is wrong)",
        ),
        (
            {"error_category": "CALC"},
            "error_category is 'CALC', must be one of VIS, CAL, REAS, KNOW, MIS",
        ),
        (
            {"error_category": "cal"},
            "error_category is 'cal', must be one of VIS, CAL, REAS, KNOW, MIS",
        ),
        (
            {"error_category": ""},
            "error_category is '', must be one of VIS, CAL, REAS, KNOW, MIS",
        ),
        (
            {"error_step": 0},
            "error_category is CAL and error_step is 0: what is not wrong has no category",
        ),
    ],
)
def test_what_is_refused(changes, text):
    with pytest.raises(ValueError) as caught:
        replace(USUAL, **changes)
    assert str(caught.value) == text
    assert text.startswith(next(iter(changes))) or "error_category" in text


@given(st.integers(-3, 8), st.integers(1, 5), st.sampled_from([None, "X", *CATEGORIES]))
def test_steps_count_from_one_and_only_what_is_wrong_has_a_kind(step, n_steps, category):
    steps = tuple(f"step {i}" for i in range(n_steps))
    fine = step in range(n_steps + 1)
    fine = fine and (category is None or (category != "X" and step > 0))
    try:
        record = Record("p", "q", steps, step, category)
    except ValueError as error:
        assert not fine and str(error).startswith("error_")
    else:
        assert fine and record.n_steps == n_steps


@given(st.text(min_size=1).filter(str.strip), st.text(min_size=1).filter(str.strip))
def test_any_text_will_do(name, question):
    record = Record(name, question, ("", name), 2)
    assert (record.id, record.question, record.steps[1]) == (name, question, name)
