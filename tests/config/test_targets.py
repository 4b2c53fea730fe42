"""What a constructor takes from a configuration."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simlearn.config.targets import (
    Argument,
    Target,
    arguments,
    plain_default,
    required_at_run_time,
)
from tests.config.tree import Head, Triplet

if TYPE_CHECKING:
    from nowhere import Unknown


@dataclass
class Settings:
    """A dataclass with defaults."""

    steps: int
    path: Path | None = None


class Parent:
    """Hands its constructor down."""

    def __init__(self, a: int, /, b: Unknown, *rest: int, c: float = 1.0, **more: Any) -> None:
        self.b = b


class Child(Parent):
    """Without one of its own."""


def function(x: int, y=3) -> int:
    """A function is a target too."""
    return x + y


def test_arguments_of_classes_functions_and_dataclasses():
    assert list(arguments(Target(Triplet))) == ["margin", "mining", "squared", "weights"]
    assert arguments(Target(Triplet))["margin"] == Argument(float, 0.2)
    steps = arguments(Target(Settings))
    assert steps["steps"].required
    assert steps["path"] == Argument(Path | None, None)
    assert arguments(Target(function)) == {"x": Argument(int), "y": Argument(Any, 3)}


def test_inherited_constructor_unknown_hints_and_what_cannot_be_given():
    found = arguments(Target(Child))
    assert list(found) == ["b", "c"]
    assert found["b"].hint is Any
    assert found["c"] == Argument(float, 1.0)


def test_runtime_arguments_are_left_out():
    target = Target(Head, frozenset({"in_dim", "absent"}))
    assert list(arguments(target)) == ["dim"]
    assert required_at_run_time(target) == {"in_dim"}
    assert required_at_run_time(Target(Head, frozenset({"dim"}))) == set()


def test_a_class_without_constructor_takes_nothing():
    assert arguments(Target(type("Empty", (), {}))) == {}


def test_defaults_that_can_stand_in_yaml():
    assert plain_default(Argument(Any, (1, (2.0, "x")))) == (True, [1, [2.0, "x"]])
    assert plain_default(Argument(Any, Path("a/b"))) == (True, "a/b")
    assert plain_default(Argument(Any, {"a": None})) == (True, {"a": None})
    assert plain_default(Argument(Any, object())) == (False, None)
    assert plain_default(Argument(Any, {1: 2})) == (False, None)
    assert plain_default(Argument(Any)) == (False, None)
