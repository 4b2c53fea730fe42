"""Numbers at the beginning of a line that say which step it begins."""

from __future__ import annotations

import re
from typing import NamedTuple

_MARK = re.compile(
    r"""\s*(?:\*\*)?(?:
        (?P<step>(?:[#>*-]{1,6}\s*)?(?:\*\*)?[\[(]?step)\s*[#]?\s*(?P<a>[0-9]{1,3})
            (?:(?:[\])]\s*:?|\s*[.:\uff1a-])(?![0-9])(?:\*\*)?|(?:\*\*)?$)
      | (?P<dot>)(?P<b>[0-9]{1,3})[.\uff0e\u3001](?![0-9])
      | (?P<bracket>)[(\uff08]?(?P<c>[0-9]{1,3})[)\uff09](?=\s|$|[^\x00-\x7f])
      | (?P<colon>)(?P<d>[0-9]{1,3})[:\uff1a](?![0-9])
    )\s*""",
    re.IGNORECASE | re.VERBOSE,
)
_OTHER_MARK = re.compile(
    r"\W{0,6}(?:step|\u6b65[\u9aa4\u9a5f]|\u7b2c)\W{0,3}[0-9]|\s*[\u2460-\u2473]", re.IGNORECASE
)
"""Other ways to number a step; they are not read but must stand in every line or in none."""
_WORD = re.compile(r"(?<=\s)\S")


class Mark(NamedTuple):
    """How a line is numbered.

    Attributes:
        way: of writing: "step", "dot", "bracket" or "colon".
        number: of the step.
        end: where the step's own text begins.
    """

    way: str
    number: int
    end: int


def mark_of(line: str, at: int = 0) -> Mark | None:
    """How a line is numbered; ``None`` where it is not.

    Args:
        line: without white space at its ends.
        at: where to look.
    """
    found = _MARK.match(line, at)
    if found is None:
        return None
    way = next(k for k in ("step", "dot", "bracket", "colon") if found[k] is not None)
    number = next(found[k] for k in "abcd" if found[k] is not None)
    return Mark(way, int(number), found.end())


def is_marked_otherwise(line: str) -> bool:
    """Whether a line is numbered in a way that is not read: "Step 1 so", a circled number."""
    return _OTHER_MARK.match(line) is not None


def stands_inside(line: str, way: str, number: int) -> bool:
    """Whether a step's number stands within a line, written in the given way."""
    marks = (mark_of(line, word.start()) for word in _WORD.finditer(line))
    return any(mark is not None and mark[:2] == (way, number) for mark in marks)
