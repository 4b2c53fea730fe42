"""What was read from a reply, and by which rule."""

from __future__ import annotations

from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T", int, str)


class Parsed(NamedTuple, Generic[T]):
    """A value and the rule that gave it.

    Attributes:
        value: ``None`` where the reply could not be read; that counts as wrong.
        rule: ``"json"``, ``"boxed"``, ``"last line"``, ``"only number"``, ...; where there is no
            value, why: ``"empty"``, ``"none found"``, ``"out of range"``, ``"two answers"``.
    """

    value: T | None
    rule: str
