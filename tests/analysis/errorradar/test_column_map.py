"""Maps of columns: words of a file as our codes, and what a map may say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.analysis.errorradar.column_map import FIELDS, ColumnMap, check_fields, plain_word
from simlearn.analysis.errorradar.record import Record
from simlearn.analysis.errorradar.taxonomy import CATEGORIES, NAMES, PROBLEM_TYPES

BARE = {"question": "q", "steps": ["s"], "error_step": ["e"]}


@given(st.sampled_from(CATEGORIES), st.sampled_from(["{}", " {}\t", "_{} "]), st.randoms())
def test_codes_and_names_in_any_case(code, frame, random):
    for word in (code, NAMES[code], NAMES[code].replace(" ", "_"), NAMES[code].replace(" ", "-")):
        mixed = "".join(random.choice([c.upper(), c.lower()]) for c in word)
        assert ColumnMap(BARE).category(frame.format(mixed)) == code


def test_short_names_and_own_words():
    bare = ColumnMap(BARE)
    assert bare.category("Visual perception") == "VIS"
    assert bare.category("misinterpretation") == "MIS"
    assert bare.category("") is None and bare.category(" ") is None
    own = ColumnMap(
        BARE, categories={"3": "CAL", "Slip_of  pen": "CAL", "none": None, "cal": "MIS"}
    )
    assert [own.category(w) for w in ("3", "slip-of pen", "NONE", "CAL")] == [
        "CAL", "CAL", None, "MIS"
    ]  # fmt: skip
    with pytest.raises(ValueError, match="'calculaton' is no kind of error; did you mean 'calcul"):
        bare.category("calculaton")
    with pytest.raises(ValueError, match=r"'\\x1b\[0mx' is no kind of error\. There are VIS, CAL"):
        bare.category("\x1b[0mx")


def test_problem_types():
    own = ColumnMap(BARE, problem_types={"geo2D": "plane_geometry"})
    assert [own.problem_type(name.upper().replace("_", " ")) for name in PROBLEM_TYPES] == [
        *PROBLEM_TYPES
    ]
    assert own.problem_type("GEO2d") == "plane_geometry"
    assert own.problem_type(" Number theory ") == "Number theory" and own.problem_type("") == ""


def test_other_columns_take_the_place_of_constants():
    one = ColumnMap(BARE, constants={"problem_type": "algebra"})
    assert one.with_columns({}) is one and one.named == frozenset()
    other = one.with_columns({"problem_type": "kind", "question": ["a", "b.c"]})
    assert other.constants == {} and other.named == {"problem_type", "question"}
    assert other.paths["question"] == (("a", ("a",)), ("b.c", ("b", "c")))
    assert other.paths["steps"] == one.paths["steps"] == (("s", ("s",)),)
    assert one.paths["question"] == (("q", ("q",)),) and one.paths["image"] == ()
    assert set(FIELDS) == set(Record.__slots__)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"columns": {"quest": "q"}}, "columns: no field 'quest'. Did you mean 'question'?"),
        ({"columns": {"question": 3}}, "columns.question is 3, must be the name of a column"),
        ({"columns": {"question": []}}, "columns.question is [], must be the name of a column"),
        ({"columns": {"question": ""}}, "columns.question is '', must be the name of a column"),
        ({"columns": {"question": [3]}}, "columns.question is [3], must be the name"),
        ({"first_step": 2}, "first_step is 2, must be 0 or 1"),
        ({"none_step": 1}, "none_step is 1, must be below first_step (1)"),
        ({"first_step": 0, "none_step": 0}, "none_step is 0, must be below first_step (0)"),
        ({"categories": {"x": "cal"}}, "categories.'x' is 'cal', must be one of VIS, CAL"),
        ({"constants": {"steps": "a"}}, "constants: no field 'steps'"),
        ({"constants": {"error_category": "odd"}}, "'odd' is no kind of error"),
    ],
)
def test_faults_of_maps(changes, reason):
    with pytest.raises(ValueError) as caught:
        ColumnMap(**{"columns": BARE, **changes})
    assert reason in str(caught.value)


def test_helpers():
    assert plain_word(" Visual__Perception-ERROR ") == "visual perception error"
    check_fields("x", {"a": 1}, ["a", "b"])
    with pytest.raises(ValueError, match="x: no field 'zzz'. There are a, b"):
        check_fields("x", {"zzz": 1}, ["a", "b"])
