"""The steps of a worked solution, from a list or from one text."""

from __future__ import annotations

from typing import Any

from simlearn.analysis.errorradar.json_value import parse_json
from simlearn.analysis.errorradar.step_marks import (
    Mark,
    is_marked_otherwise,
    mark_of,
    stands_inside,
)

_LISTS = ("['", '["')


def split_steps(value: Any) -> tuple[str, ...]:
    """The texts of all steps.

    A list is taken as it is; a text that is a JSON list, too. Any other text is cut into lines.
    Where the first line begins with the number 0 or 1 (``"1. "``, ``"1) "``, ``"1: "``,
    ``"Step 1: "``, ``"### Step 1"``, ``"[Step 1]"``), a line with the next number in the same way
    of writing begins the next step, lines without such a number belong to the step before, and the
    numbers are dropped. Where it has no number, every line that is not blank is a step.

    Args:
        value: from a data file, anything.

    Returns:
        At least one step; none is blank. Those of a list keep white space at their ends.

    Raises:
        ValueError: no steps, a step that is no text, numbers that do not count on, further numbers
            within the only line, or another way of numbering (``"Step 1 so"``) with lines between:
            with a wrong number of steps every label would be wrong.
    """
    if isinstance(value, str):
        value = _from_text(value)
    if not isinstance(value, list | tuple):
        raise ValueError(f"must be a list of texts, found {repr(value)[:60]}")
    if not value:
        raise ValueError("there is no step, must be a list of at least one text")
    for number, step in enumerate(value, 1):
        if not isinstance(step, str):
            raise ValueError(f"step {number} must be a text, found {repr(step)[:60]}")
        if not step or step.isspace():
            raise ValueError(f"step {number} is empty")
    return tuple(value)


def _from_text(text: str) -> Any:
    """A JSON list, or the steps in lines of text."""
    if text.lstrip().startswith("["):
        try:
            found = parse_json(text)
        except ValueError as error:
            if text.lstrip().startswith(_LISTS):
                raise ValueError(
                    f"no JSON list ({error}): {text[:60]!r}; write the list by json.dumps(steps)"
                ) from error
        else:
            if isinstance(found, list):
                return found
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    marks = [mark_of(line) for line in lines]
    if lines and marks[0] is not None:
        return _numbered(lines, marks)
    late = [i for i, mark in enumerate(marks) if mark is not None and mark.number == 1]
    if late:
        raise ValueError(
            f"line {late[0] + 1} begins with the number 1, {lines[0][:60]!r} before it has none; "
            "number all steps, or write a list"
        )
    others = [is_marked_otherwise(line) for line in lines]
    if lines and others[0] and not all(others):
        line = lines[others.index(False)]
        raise ValueError(
            f"{lines[0][:60]!r} is no way to number steps that is read, so {line[:60]!r} would be "
            'a step; write "1. " or "Step 1: ", or a list'
        )
    return lines


def _numbered(lines: list[str], marks: list[Mark | None]) -> list[str]:
    """Steps whose first lines are numbered; ``marks`` has way of writing, number and length."""
    way, number, _ = marks[0] or Mark("", 0, 0)
    if number > 1:
        raise ValueError(f"begin with number {number}: {lines[0][:60]!r}; begin with 1")
    steps: list[str] = []
    for line, mark in zip(lines, marks, strict=True):
        if mark is None or mark.way != way:
            steps[-1] += "\n" + line
        elif mark.number != number:
            raise ValueError(
                f"number {mark.number} stands where {number} is expected: {line[:60]!r}; number "
                "the steps one by one, or write a list"
            )
        else:
            steps.append(line[mark.end :])
            number += 1
    if len(lines) == 1 and stands_inside(lines[0], way, number):
        raise ValueError(
            f"number {number} stands within the line {lines[0][:60]!r}; write each step in a line "
            "of its own, or a list"
        )
    return [step.strip() for step in steps]
