"""JSON out of data: every fault is one ``ValueError``, and every text can be written again."""

from __future__ import annotations

import json
from typing import Any, NoReturn


def parse_json(text: str) -> Any:
    """The value that a whole text stands for.

    Args:
        text: from a data file; may hold anything.

    Raises:
        ValueError: no JSON, nested too deeply, a number without a value (NaN, Infinity) or with
            thousands of digits, or an escape that is half a character.
    """
    try:
        value = _DECODER.decode(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    _refuse_half_characters(text, value)
    return value


def parse_json_at(text: str, at: int) -> tuple[Any, int]:
    """The value that begins at a place, and the place behind it.

    Args:
        text: may go on after the value.
        at: where the value begins, not at white space.

    Raises:
        ValueError: as for :func:`parse_json`.
    """
    try:
        value, end = _DECODER.raw_decode(text, at)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    _refuse_half_characters(text[at:end], value)
    return value, end


def _no_number(name: str) -> NoReturn:
    """Refuse what Python reads beyond JSON."""
    raise ValueError(f"{name} is no number")


_DECODER = json.JSONDecoder(parse_constant=_no_number)


def _refuse_half_characters(raw: str, value: Any) -> None:
    """Raise for lone surrogates: they cannot be written to a file nor sent to a server."""
    if "\\ud" in raw or "\\uD" in raw:
        json.dumps(value, ensure_ascii=False).encode()
