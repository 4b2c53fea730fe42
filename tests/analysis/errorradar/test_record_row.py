"""Rows as records: aliases, inner objects, numbers of steps, faults with row and field."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.analysis.errorradar.column_map import ColumnMap
from simlearn.analysis.errorradar.column_map_file import load_column_map
from simlearn.analysis.errorradar.record import Record
from simlearn.analysis.errorradar.record_row import record_from_row
from simlearn.data.errors import DataError
from tests.analysis.errorradar.row_cases import plain_row

OURS = load_column_map("simlearn")


def read(row, columns=OURS, root="nowhere", **options):
    from pathlib import Path

    return record_from_row(row, "set, line 7", columns, Path(root), **options)


def fails(row, columns=OURS, **options):
    with pytest.raises(DataError) as caught:
        read(row, columns, **options)
    assert str(caught.value).startswith("set, line 7: ")
    return str(caught.value)


@given(st.integers(0, 500))
def test_our_own_schema(number):
    row = plain_row(number)
    assert read(row) == Record(**{**row, "steps": tuple(row["steps"])})


@given(st.data())
def test_step_numbers_against_counting(data):
    first = data.draw(st.integers(0, 1))
    none = data.draw(st.none() | st.integers(-2, first - 1))
    steps = [f"s{k}" for k in range(data.draw(st.integers(1, 5)))]
    said = data.draw(st.integers(-3, 8))
    columns = ColumnMap({"id": "i", "question": "q", "steps": "s", "error_step": "e"}, first, none)
    written = data.draw(st.sampled_from([said, float(said), str(said), f" {said}.0"]))
    row = {"i": "a", "q": "b", "s": steps, "e": written}
    names = list(range(first, first + len(steps)))  # the file's numbers, in order
    if said == none:
        assert read(row, columns).error_step == 0
    elif said in names:
        assert read(row, columns).error_step == names.index(said) + 1
    else:
        text = fails(row, columns)
        assert f"'e' (error_step) is {written!r}, must be from {first} to {names[-1]}" in text
        assert ("where no step is wrong" in text) == (none is not None)


def test_processbench():
    columns = load_column_map("processbench")
    row = {"id": "gsm8k-0", "generator": "g", "problem": "p?", "steps": ["a", "b"],
           "final_answer_correct": False, "label": 1}  # fmt: skip
    assert read(row, columns) == Record("gsm8k-0", "p?", ("a", "b"), 2)
    assert read({**row, "label": -1}, columns).error_step == 0
    assert "'label' (error_step) is 2, must be from 0 to 1 (2 steps, the first is number 0), or -1"\
        in fails({**row, "label": 2}, columns)  # fmt: skip


def test_aliases_inner_objects_and_constants():
    row = plain_row(1, error_step=None, error_category=None, correct_answer=None)
    row |= {"first_error_step": 2, "category": "Reasoning error", "answer": 7}
    found = read({**row, "error_category": None})
    assert (found.error_step, found.error_category, found.correct_answer) == (2, "REAS", "7")
    deep = ColumnMap(
        {"id": "id", "question": "q.text", "steps": ["none.here", "q.sol.steps"],
         "error_step": "gold", "problem_type": "kind"},
        constants={"problem_type": "algebra", "error_category": "CAL"}, none_step=0,
    )  # fmt: skip
    inner = {"id": 3, "q": {"text": "t", "sol": {"steps": "1. a\n2. b"}}, "gold": "Step 2"}
    assert read(inner, deep) == Record("3", "t", ("a", "b"), 2, "CAL", "algebra")
    assert read({**inner, "kind": "Diagram"}, deep).problem_type == "diagram"
    assert read({**inner, "gold": 0}, deep).error_category is None
    dotted = {**inner, "q.text": "whole key"}
    assert read(dotted, deep).question == "whole key"


def test_ids():
    row = plain_row(1, id=None)
    assert read(row, number=12).id == "12" and read({**row, "id": 7}, number=12).id == "7"
    assert "no 'id', which is to be the id" in fails(row)
    named = OURS.with_columns({"id": "key"})
    assert "no 'key', which is to be the id" in fails(row, named, number=12)
    assert read({**row, "key": None}, named, number=12).id == "12"


def test_figures(tmp_path):
    (tmp_path / "a.png").write_bytes(b"p")
    assert read(plain_row(1, image="a.png"), root=tmp_path).image == tmp_path / "a.png"
    assert read(plain_row(1, image={"bytes": b"p", "path": None})).image == b"p"
    assert read({**plain_row(1), "image": None}).image is None
    assert "'image' (image) 'a.png' is not there" in fails(plain_row(1, image="a.png"))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"question": None, "questoin": "x"}, "no 'question', which is to be the question; did you "
         "mean 'questoin'? There are 'id', 'steps'"),
        ({"question": " "}, "'question' (question) must be a text, found ' '"),
        ({"question": True}, "'question' (question) must be a text, found True"),
        ({"question": math.nan}, "'question' (question) must be a text, found nan"),
        ({"id": [1]}, "'id' (id) must be a text, found [1]"),
        ({"id": ""}, "'id' (id) must be a text, found ''"),
        ({"correct_answer": {}}, "'correct_answer' (correct_answer) must be a text, found {}"),
        ({"correct_answer": None, "answer": []}, "'answer' (correct_answer) must be a text"),
        ({"steps": [3]}, "'steps' (steps) step 1 must be a text, found 3"),
        ({"steps": None}, "no 'steps', which is to be the steps"),
        ({"error_step": None}, "no 'error_step' or 'first_error_step', which is to be the error_s"),
        ({"error_step": True}, "'error_step' (error_step) is True, must be from 1 to 4 (4 steps"),
        ({"error_step": 2.5}, "(error_step) is 2.5, must be from 1 to 4"),
        ({"error_step": math.inf}, "(error_step) is inf, must be from 1 to 4"),
        ({"error_step": 1e300}, "(error_step) is 1e+300, must be from 1 to 4"),
        ({"error_step": 10**400}, "(error_step) is 1000"),
        ({"error_step": "two"}, "(error_step) is 'two', must be from 1 to 4"),
        ({"error_step": [2]}, "(error_step) is [2], must be from 1 to 4"),
        ({"error_step": 5}, "must be from 1 to 4 (4 steps, the first is number 1), or 0 where"),
        ({"error_category": "CALC"}, "(error_category) 'CALC' is no kind of error; did you me"),
        ({"error_category": ["CAL"]}, "(error_category) must be a text, found ['CAL']"),
        ({"error_step": 0}, "(error_category) is 'CAL', yet error_step says that no step is wron"),
    ],
)  # fmt: skip
def test_faults_name_row_and_field(changes, reason):
    text = fails(plain_row(1, **changes))
    assert reason in text and len(text) < 500 and text.isprintable()


def test_empty_and_unmapped_fields():
    assert "'question' (question) is empty" in fails({**plain_row(1), "question": None})
    bare = ColumnMap({"id": "id", "question": "question", "steps": "steps"})
    assert "the map names no column for error_step; add one" in fails(plain_row(1), bare)
    named = OURS.with_columns({"problem_type": "kind"})
    assert "no 'kind', which is to be the problem_type" in fails(plain_row(1), named)
    assert "There are none. Set data.columns.id" in fails({})


values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 9) | st.floats() | st.text(max_size=5)
    | st.sampled_from(["CAL", "1. a\n2. b", "id", "2"]) | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from([*plain_row(0), "image", "answer", "x"]), values))
def test_any_row_is_read_or_refused(changes):
    try:
        found = read({**plain_row(1), **changes}, number=1)
    except DataError as error:
        assert str(error).startswith("set, line 7: ")
    else:
        assert isinstance(found, Record) and 0 <= found.error_step <= found.n_steps
