"""One problem: a function of seed and number, with the wanted type and kind."""

from __future__ import annotations

import json

import pytest

from simlearn.analysis.errorradar.drawn_problem import draw_problem
from simlearn.analysis.errorradar.taxonomy import CATEGORIES, PROBLEM_TYPES
from tests.analysis.errorradar.rederive import Judge

FIELDS = {
    *("question", "correct_answer", "student_answer", "steps", "error_step", "error_category"),
    *("problem_type", "template", "figure", "given", "asked", "derivation"),
}


@pytest.mark.parametrize("category", CATEGORIES)
@pytest.mark.parametrize("problem_type", PROBLEM_TYPES)
def test_every_type_takes_every_kind(problem_type, category):
    for number in range(4):
        row = draw_problem(7, number, problem_type, category).row
        assert set(row) == FIELDS and json.loads(json.dumps(row)) == row
        judge = Judge(row)
        wrong = [judge.step(text)[2] for text in row["steps"]]
        assert wrong.index(category) + 1 == row["error_step"]
        assert (row["problem_type"], row["error_category"]) == (problem_type, category)


def test_seed_and_number_decide():
    def row(*arguments):
        return draw_problem(*arguments, "algebra", "CAL").row

    assert row(0, 5) == row(0, 5)
    assert len({json.dumps(row(seed, k)) for seed in (0, 1) for k in range(4)}) == 8


def test_the_derivation_says_what_was_done():
    for number in range(6):
        row = draw_problem(2, number, "plane_geometry", "REAS").row
        for text, step in zip(row["steps"], row["derivation"], strict=True):
            assert set(step) == {"kind", "name", "value", "expression", "operands"}
            assert step["value"] in text
            assert all(value in text for value in step["operands"].values())
            assert step["name"].lower() in text.lower()
