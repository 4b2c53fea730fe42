"""Rows become cells: outcomes, places, distances and what is refused."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.analysis.errorradar.row_cell import (
    NOT_ASKED,
    OUTCOMES,
    PLACES,
    UNKNOWN,
    row_cell,
    step_place,
)

ROW = {"gold_step": 2, "n_steps": 4}


def outcome(**more):
    cell, distance = row_cell({**ROW, **more}, 1)
    return OUTCOMES[cell[2]], distance


def fails(**more):
    with pytest.raises(ValueError) as caught:
        row_cell({**ROW, **more}, 7)
    assert str(caught.value).startswith("row 7: ")
    return str(caught.value)


def test_outcomes_and_distances():
    assert outcome() == ("not asked", None)
    assert outcome(pred_step=None) == ("unparsed", None)
    found = [outcome(pred_step=p) for p in range(-1, 6)]
    near = [("near", 1), ("right", 0), ("near", 1), ("wrong", 2)]
    assert found == [("wrong", None)] * 2 + near + [("wrong", None)]
    assert outcome(pred_step=10**40) == ("wrong", None)
    assert outcome(gold_step=0, pred_step=0) == ("right", None)
    assert outcome(gold_step=0, pred_step=1) == ("wrong", None)
    assert outcome(gold_step=4, pred_step=5) == ("wrong", None)  # there is no step 5


def test_categories_and_types():
    assert row_cell(ROW, 1)[0] == (UNKNOWN, NOT_ASKED, 0, 2, "")
    full = {**ROW, "gold_category": "VIS", "pred_category": None, "problem_type": "x"}
    assert row_cell(full, 1)[0] == (0, UNKNOWN, 0, 2, "x")
    assert row_cell({**full, "pred_category": "MIS", "problem_type": None}, 1)[0][1:] == (
        *(4, 0, 2),
        "",
    )


@given(st.integers(1, 40), st.data())
def test_places_are_thirds(n_steps, data):
    step = data.draw(st.integers(1, n_steps))
    p = Fraction(step - 1, n_steps - 1) if n_steps > 1 else Fraction(0)
    third = Fraction(1, 3)
    wanted = "first" if p < third else "last" if p > 2 * third else "middle"
    assert PLACES[step_place(step, n_steps)] == wanted
    mirrored = PLACES[step_place(n_steps + 1 - step, n_steps)]
    if n_steps > 1:
        assert mirrored == {"first": "last", "last": "first", "middle": "middle"}[wanted]
    assert step_place(0, n_steps) == 0


def test_places_by_hand():
    names = {n: [PLACES[step_place(k, n)][0] for k in range(1, n + 1)] for n in (1, 2, 3, 4, 7)}
    assert {n: "".join(word) for n, word in names.items()} == {
        1: "f",
        2: "fl",
        3: "fml",
        4: "fmml",
        7: "ffmmmll",
    }


def test_numbers_of_numpy():
    cell, distance = row_cell(
        {"gold_step": np.int64(2), "n_steps": np.int32(4), "pred_step": np.int64(4)}, 1
    )
    assert (cell, distance) == ((UNKNOWN, NOT_ASKED, 2, 2, ""), 2)


def test_faults_name_row_and_field():
    assert "gold_step is 5, must be from 1 to 4" in fails(gold_step=5)
    assert "gold_step is -1, must be" in fails(gold_step=-1)
    assert "more than 18 digits" in fails(gold_step=10**5000)
    assert "n_steps is 0, must be from 1 to 1000000" in fails(n_steps=0, gold_step=0)
    assert "n_steps is 1000001" in fails(n_steps=1_000_001)
    for bad in (True, 2.0, "2", None, float("nan"), [2]):
        assert "gold_step must be a whole number, found" in fails(gold_step=bad)
        if bad is not None:
            assert "pred_step must be a whole number, found" in fails(pred_step=bad)
    assert "gold_category must be one of VIS, CAL" in fails(gold_category="x")
    assert "found 'vis' (did you mean VIS?)" in fails(pred_category="vis")
    assert "pred_category must be one of" in fails(pred_category=["CAL"])
    assert "\x1b" not in fails(pred_category="\x1b[2J")
    assert "what is not wrong has no category" in fails(gold_step=0, gold_category="CAL")
    assert "problem_type must be a text, found 3" in fails(problem_type=3)
    for row, text in (({"n_steps": 3}, "no gold_step"), ({"gold_step": 1}, "no n_steps")):
        with pytest.raises(ValueError, match=f"row 1: {text}; every row needs"):
            row_cell(row, 1)
    with pytest.raises(ValueError, match=r"row 2: must be a mapping of fields, found \[1\]"):
        row_cell([1], 2)
