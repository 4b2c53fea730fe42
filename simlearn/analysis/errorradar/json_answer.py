"""Answers in the JSON objects of a reply: found by their keys, the outermost first."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

MOST_TRIES = 64
"""Braces of a reply that are looked at."""
MOST_VALUES = 2_000
"""Keys of a reply that are looked at."""
MOST_LEVELS = 5

_OPEN = re.compile(r'\{\s*"')
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_OTHER = re.compile(r"[\W_]+")
_DECODER = json.JSONDecoder(strict=False)
T = TypeVar("T")


class KeyGroup(NamedTuple):
    """Keys of equal rank.

    Attributes:
        keys: lower case, words joined by "_".
        binding: whether such a key is the answer even where its value cannot be read. Keys of
            vague meaning ("answer") are passed over then.
    """

    keys: frozenset[str]
    binding: bool


def keyed_answer(
    text: str, groups: Sequence[KeyGroup], read: Callable[[Any], list[T]]
) -> list[T] | None:
    """Read the value of the first key that is known.

    Outer keys come before inner ones; within a level the groups come in their order, and all keys
    of a group count together. Objects and lists of objects are no values, they are gone into.

    Args:
        text: a reply, cleaned.
        groups: of keys, the most telling first.
        read: gives what a value says; none, one or several answers; never raises.

    Returns:
        All answers found; ``[]`` where a binding key says none; ``None`` where no key is known.
    """
    if "{" not in text:
        return None
    level = json_objects(text)
    left = MOST_VALUES
    for _ in range(MOST_LEVELS):
        pairs = _pairs(level)[:left]
        left -= len(pairs)
        for group in groups:
            values = [v for key, v in pairs if key in group.keys and not _is_inner(v)]
            found = [answer for value in values for answer in read(value)]
            if found or (values and group.binding):
                return found
        level = [v for _, v in pairs if _is_inner(v)]
        if not level:
            break
    return None


def json_objects(text: str) -> list[Any]:
    """All whole JSON objects of a text that are not empty, in order and without overlap.

    At most ``MOST_TRIES`` braces are tried, so that no text takes long.
    """
    found, at = [], 0
    for _ in range(MOST_TRIES):
        match = _OPEN.search(text, at)
        if match is None:
            break
        try:
            value, at = _DECODER.raw_decode(text, match.start())
        except (ValueError, RecursionError):
            at = match.start() + 1
        else:
            found.append(value)
    return found


def _pairs(values: Sequence[Any]) -> list[tuple[str, Any]]:
    """Keys and values of objects, and of those in lists."""
    found: list[tuple[str, Any]] = []
    for value in values:
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict):
                found += [(_plain(key), inner) for key, inner in one.items()]
    return found


def _plain(key: str) -> str:
    """A key in lower case, its words joined by "_"; of a long one the beginning."""
    return _OTHER.sub("_", _CAMEL.sub("_", key[:60]).lower()).strip("_")


def _is_inner(value: Any) -> bool:
    """Whether a value is an object or a list with one in it."""
    if isinstance(value, list):
        return any(isinstance(one, dict | list) for one in value)
    return isinstance(value, dict)
