"""Values against type hints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Optional, TypeVar, Union

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.config.hints import convert, describe, fits, misfit, shown, type_fault

GOOD = [
    (1, int),
    (1, float),
    (1.5, float),
    (True, bool),
    ("a", str),
    ("a/b", Path),
    (None, None),
    (None, int | None),
    (None, Optional[int]),  # noqa: UP045
    (2, Union[int, str]),  # noqa: UP007
    ("all", Literal["all", "hard"]),
    (None, Literal["all", None]),
    ([1, 2], tuple[int, int]),
    ([1, 2, 3], tuple[int, ...]),
    ([], tuple[int, ...]),
    ([1, "a"], tuple),
    ([1, 2.5], list[float]),
    (["a"], Sequence[str]),
    (["a"], Iterable[str]),
    ({"a": 1}, dict[str, float]),
    ({"a": [1]}, Mapping[str, list[int]]),
    ({}, dict),
    (1, Annotated[int, "positive"]),
    ([object], Any),
    (3, object),
    (3, TypeVar("T")),
]
BAD = [
    (True, int),
    (True, float),
    (1.0, int),
    ("1", int),
    (1, bool),
    (1, str),
    (1, Path),
    (None, int),
    (True, Literal[1, 2]),
    ("hrad", Literal["all", "hard"]),
    ([1], tuple[int, int]),
    (["a"], tuple[int, ...]),
    ("abc", list[str]),
    ("abc", Sequence[str]),
    ([1], dict[str, int]),
    ({"a": "b"}, dict[str, int]),
    ({1: 1}, dict[str, int]),
    ("x", Callable),
    ("x", type),
]


@pytest.mark.parametrize(("value", "hint"), GOOD)
def test_fits(value, hint):
    assert type_fault(value, hint) is None


@pytest.mark.parametrize(("value", "hint"), BAD)
def test_does_not_fit(value, hint):
    assert type_fault(value, hint).startswith(f"expected {describe(hint)}, found ")


@pytest.mark.parametrize(
    ("value", "hint", "text"),
    [
        ("abc", float | None, "expected float or null, found the text 'abc'"),
        (1, str, "expected text, found the whole number 1 (quote it to make it text)"),
        (
            "hrad",
            Literal["all", "hard"],
            "expected one of 'all', 'hard', found the text 'hrad'. Did you mean 'hard'?",
        ),
        ([1], tuple[int, float], "expected list of 2: int, float, found the list [1]"),
        (None, Path, "expected a path, found null"),
        ({"a": 1}, list[int], "expected list of int, found the mapping {'a': 1}"),
        (2.5, dict[str, int], "expected mapping of int, found the number 2.5"),
        (False, int, "expected int, found false"),
    ],
)
def test_sentences(value, hint, text):
    assert type_fault(value, hint) == text


def test_where_inside_a_mapping():
    assert misfit({"a": 1}, dict[str, int]) is None
    assert misfit({"a": 1, "b": "x"}, dict[str, int] | None) == (
        ("b",),
        "expected int, found the text 'x'",
    )
    nested = dict[str, dict[str, list[int]]]
    assert misfit({"a": {"b": [1], "c": ["x"]}}, nested)[0] == ("a", "c")
    assert misfit("x", nested)[0] == ()
    assert misfit({1: 2}, dict[str, int])[0] == ()


def test_convert():
    home = convert("~/x", Path | None)
    assert home == Path.home() / "x"
    assert convert(1, float) == 1.0
    assert type(convert(1, float | None)) is float
    assert type(convert(1, float | int)) is int
    assert convert([1, 2], tuple[float, ...]) == (1.0, 2.0)
    assert convert([["a"], ["b"]], tuple[list[Path], ...]) == ([Path("a")], [Path("b")])
    assert convert({"a": [1]}, dict[str, tuple[int, ...]]) == {"a": (1,)}
    assert convert([1], Sequence[int]) == [1]
    assert convert("a", str | Path) == "a"
    assert convert(None, Path | None) is None
    assert convert([1, [2]], Any) == [1, [2]]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3)
        ),
        max_leaves=6,
    ),
    st.sampled_from([hint for _, hint in GOOD + BAD]),
)
def test_never_raises_and_says_something(value, hint):
    assert (type_fault(value, hint) is None) == fits(value, hint)
    convert(value, hint)
    assert describe(hint)
    assert len(shown(value)) < 90
