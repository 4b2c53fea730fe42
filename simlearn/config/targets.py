"""What a configuration may construct: an exact allow-list, and what its constructors take."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from types import SimpleNamespace
from typing import Any, get_type_hints


@dataclass(frozen=True)
class Target:
    """One class or function that a configuration may name.

    Attributes:
        callable: what is called with the arguments of the configuration.
        runtime: argument names that the program supplies and a configuration may not.
    """

    callable: Callable[..., Any]
    runtime: frozenset[str] = frozenset()


Targets = Mapping[str, Mapping[str, Target]]
"""Group -> class name -> :class:`Target`; nothing else can be reached from a configuration."""

REQUIRED: Any = inspect.Parameter.empty


@dataclass(frozen=True)
class Argument:
    """One argument of a constructor: its type hint (``Any`` if it has none) and its default."""

    hint: Any
    default: Any = REQUIRED

    @property
    def required(self) -> bool:
        """Whether there is no default."""
        return self.default is REQUIRED


def arguments(target: Target) -> dict[str, Argument]:
    """The arguments that a configuration gives to ``target``, in the order of its signature.

    Left out are ``self``, ``*args``, ``**kwargs``, positional-only arguments and what the program
    supplies. Type hints that cannot be resolved count as ``Any``.
    """
    hints = _hints(target.callable)
    return {
        name: Argument(hints.get(name, Any), parameter.default)
        for name, parameter in inspect.signature(target.callable).parameters.items()
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        and name not in target.runtime
    }


def required_at_run_time(target: Target) -> set[str]:
    """The run-time arguments that have no default."""
    parameters = inspect.signature(target.callable).parameters
    return {
        name
        for name in target.runtime & parameters.keys()
        if parameters[name].default is inspect.Parameter.empty
        and parameters[name].kind is not inspect.Parameter.VAR_KEYWORD
    }


def plain_default(argument: Argument) -> tuple[bool, Any]:
    """``(True, value)`` when the default can stand in YAML, else ``(False, None)``.

    Tuples become lists and paths text; a default that is an object (or none) cannot be written.
    """
    try:
        return True, _plain(argument.default)
    except TypeError:
        return False, None


def _plain(value: Any) -> Any:
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: _plain(item) for key, item in value.items()}
    raise TypeError(f"{type(value).__name__} cannot stand in YAML")


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    """Resolved type hints of a function or of a class's ``__init__``; what fails is left out."""
    code: Any = function.__init__ if inspect.isclass(function) else function
    space = getattr(inspect.unwrap(code), "__globals__", {})
    hints: dict[str, Any] = {}
    for name, annotation in getattr(code, "__annotations__", {}).items():
        holder = SimpleNamespace(__annotations__={name: annotation})
        try:
            hints.update(get_type_hints(holder, globalns=space))
        except (NameError, TypeError, AttributeError, SyntaxError):
            continue
    return hints
