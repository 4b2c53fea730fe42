"""A reply as one line of JSON, and back."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from simlearn.analysis.errorradar.endpoint import Reply

MOST_BYTES = 64 * 2**20
"""Longest line that is read; no reply is that long."""

_TEXTS = ("key", "id", "task", "variant", "text", "model", "finish")
_NEEDED = ("key", "id", "task", "variant", "text")


def reply_to_line(reply: Reply) -> bytes:
    """One line of ASCII with its line end.

    Everything beyond ASCII is escaped, so control characters in a reply cannot steer a terminal
    that shows the file, and lone surrogates survive. Two of them that make up one character come
    back as that character.

    Raises:
        ValueError: ``seconds`` is not finite.
    """
    return json.dumps(dataclasses.asdict(reply), allow_nan=False).encode("ascii") + b"\n"


def reply_from_line(line: bytes, *, loose: bool = False) -> Reply:
    """The reply of a line; unknown fields are passed over.

    Args:
        line: with or without its line end.
        loose: whether only ``id`` and ``text`` have to be there, and an id may be a number; what
            is missing is ``""`` or 0.

    Raises:
        ValueError: what is wrong with the line, beginning with the field's name where it is one.
    """
    try:
        found = json.loads(line.decode())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"no JSON ({str(error)[:80]})") from None
    if not isinstance(found, dict):
        raise ValueError(f"must be a JSON object, found {repr(found)[:60]}")
    if loose and isinstance(found.get("id"), int) and not isinstance(found["id"], bool):
        found["id"] = str(found["id"])
    texts = {name: _text(found, name, loose) for name in _TEXTS}
    return Reply(
        **texts,
        seconds=_number(found, "seconds"),
        prompt_tokens=int(_number(found, "prompt_tokens")),
        completion_tokens=int(_number(found, "completion_tokens")),
    )


def lines_with_offsets(file: BinaryIO) -> Iterator[tuple[int, int, bytes]]:
    """All lines of a file as bytes, with their line ends; only the last may lack one.

    Args:
        file: is read from its beginning.

    Yields:
        (line number from 1, offset of its first byte, line).

    Raises:
        ValueError: a line is longer than ``MOST_BYTES``; the text names its number.
        OSError: the file cannot be read.
    """
    file.seek(0)
    number = offset = 0
    while line := file.readline(MOST_BYTES + 1):
        number += 1
        if len(line) > MOST_BYTES:
            raise ValueError(f"line {number}: is longer than {MOST_BYTES} bytes")
        yield number, offset, line
        offset += len(line)


def _text(found: dict[str, Any], name: str, loose: bool) -> str:
    """A field that is a text."""
    needed = name in (("id", "text") if loose else _NEEDED)
    if name not in found and needed:
        raise ValueError(f"{name}: is missing")
    value = found.get(name, "")
    if loose and value is None and not needed:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"{name}: must be a text, found {repr(value)[:60]}")
    return value


def _number(found: dict[str, Any], name: str) -> float:
    """A field that is a number from 0 to a billion; 0 where it is absent."""
    value = found.get(name)
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name}: must be a number, found {repr(value)[:60]}")
    if not 0 <= value <= 1e9:  # nan is not
        raise ValueError(f"{name}: must be from 0 to 1e9, found {repr(value)[:60]}")
    return value
