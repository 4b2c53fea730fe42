"""One row of a file as a record, every fault with the row and the field."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from simlearn.analysis.errorradar.column_map import ColumnMap
from simlearn.analysis.errorradar.record import Record
from simlearn.analysis.errorradar.row_image import image_of
from simlearn.analysis.errorradar.step_texts import split_steps
from simlearn.data.errors import DataError
from simlearn.data.exclusions import closest

_NUMBER = re.compile(r"\s*(?:step\s*)?([+-]?[0-9]{1,9})(?:\.0*)?\s*", re.IGNORECASE | re.ASCII)


def record_from_row(
    row: Mapping[str, Any], where: str, columns: ColumnMap, root: Path, *, number: int | None = None
) -> Record:
    """The record that a row holds.

    Args:
        row: keys and values as the file has them.
        where: file and row, for messages.
        columns: what the keys mean.
        root: folder that figures are relative to.
        number: id of a row that has none; ``None`` to refuse such a row.

    Returns:
        Texts as they are, numbers in texts' places in Python's spelling; steps as
        ``split_steps`` cuts them; the number of the wrong step counted from 1, 0 for none.

    Raises:
        DataError: beginning with ``where``; names key and field, what was found and the way out.
    """
    one = _Row(row, where, columns)
    key = one.text("id", None if number is None else str(number))
    question = one.text("question", None)
    steps = one.steps()
    step = one.error_step(len(steps))
    try:
        return Record(
            key,
            question,
            steps,
            step,
            one.category(step),
            columns.problem_type(one.text("problem_type", "")),
            one.image(root),
            one.text("correct_answer", ""),
            one.text("student_answer", ""),
        )
    except DataError:
        raise
    except ValueError as error:
        raise DataError(f"{where}: {error}") from error


class _Row:
    """A row and what its keys mean."""

    __slots__ = ("columns", "content", "where")

    def __init__(self, content: Mapping[str, Any], where: str, columns: ColumnMap) -> None:
        """Keep the row; nothing is checked yet."""
        self.content, self.where, self.columns = content, where, columns

    def value(self, field: str) -> Any:
        """What the row says about a field; ``None`` where it says nothing and may."""
        content, absent = self.content, True
        for key, parts in self.columns.paths[field]:
            if key in content:
                found = content[key]
                absent = False
            elif len(parts) > 1:
                there, found = _look_up(content, parts)
                absent = absent and not there
            else:
                continue
            if found is not None:
                return found
        if absent and field in self.columns.named:
            self.missing(field)
        return self.columns.constants.get(field)

    def text(self, field: str, default: str | None) -> str:
        """A text, or a number as text; without a default there must be one."""
        found = self.value(field)
        if found is None:
            if default is None:
                self.missing(field)
            return default
        text = _as_text(found)
        if text is None or (default is None and not text.strip()):
            self.fault(field, f"must be a text, found {repr(found)[:60]}")
        return text

    def steps(self) -> tuple[str, ...]:
        """The texts of the steps."""
        found = self.value("steps")
        if found is None:
            self.missing("steps")
        try:
            return split_steps(found)
        except ValueError as error:
            self.fault("steps", str(error), error)

    def error_step(self, n_steps: int) -> int:
        """The number of the first wrong step, counted from 1; 0 where none is wrong."""
        found = self.value("error_step")
        if found is None:
            self.missing("error_step")
        first, none = self.columns.first_step, self.columns.none_step
        number = _as_whole(found)
        if number is not None:
            if number == none:
                return 0
            if first <= number < first + n_steps:
                return number - first + 1
        nothing = "" if none is None else f", or {none} where no step is wrong"
        self.fault(
            "error_step",
            f"is {repr(found)[:60]}, must be from {first} to {first + n_steps - 1} ({n_steps} "
            f"steps, the first is number {first}){nothing}",
        )

    def category(self, step: int) -> str | None:
        """The code of the kind of error, ``None`` where the row names none."""
        word = self.text("error_category", "")
        try:
            code = self.columns.category(word)
        except ValueError as error:
            self.fault("error_category", str(error), error)
        if code is None or step:
            return code
        if word == self.columns.constants.get("error_category"):
            return None
        self.fault(
            "error_category",
            f"is {word[:60]!r}, yet error_step says that no step is wrong: leave it empty, or "
            "set categories: {word: null} in a data.map file; where the file counts steps from 0, "
            "set first_step: 0 (and none_step: -1) there",
        )

    def image(self, root: Path) -> Path | bytes | None:
        """The figure."""
        found = self.value("image")
        if found is None:
            return None
        try:
            return image_of(found, root)
        except ValueError as error:
            self.fault("image", str(error), error)

    def key(self, field: str) -> str:
        """The key that the row has for a field, else the first that it could have."""
        keys = [key for key, _ in self.columns.paths[field]]
        return next((k for k in keys if self.content.get(k) is not None), (keys or [field])[0])

    def fault(self, field: str, text: str, cause: Exception | None = None) -> NoReturn:
        """Raise for a field that is there and wrong."""
        raise DataError(f"{self.where}: {self.key(field)!r} ({field}) {text}") from cause

    def missing(self, field: str) -> NoReturn:
        """Raise for a field that is not there."""
        keys = [key for key, _ in self.columns.paths[field]]
        if not keys:
            raise DataError(f"{self.where}: the map names no column for {field}; add one")
        there = [str(key) for key in list(self.content)[:50]]
        if any(key in there for key in keys):
            raise DataError(f"{self.where}: {self.key(field)!r} ({field}) is empty")
        near = next((n for n in (closest(k[:60], there) for k in keys) if n), "")
        hint = f"; did you mean {near[:60]!r}?" if near else "."
        raise DataError(
            f"{self.where}: no {' or '.join(map(repr, keys))}, which is to be the {field}{hint} "
            f"There are {', '.join(map(repr, there))[:200] or 'none'}. Set data.columns.{field}"
        )


def _look_up(content: Mapping[str, Any], parts: tuple[str, ...]) -> tuple[bool, Any]:
    """Whether something is there under the parts of a key, and what."""
    found: Any = content
    for part in parts:
        if not isinstance(found, Mapping) or part not in found:
            return False, None
        found = found[part]
    return True, found


def _as_text(value: object) -> str | None:
    """A text as it is, a number in Python's spelling, nothing else."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return None if isinstance(value, float) and not math.isfinite(value) else repr(value)


def _as_whole(value: object) -> int | None:
    """A whole number, also from ``3.0``, ``"3"`` and ``"Step 3"``."""
    if isinstance(value, str):
        found = _NUMBER.fullmatch(value)
        return int(found[1]) if found else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if isinstance(value, int) or value.is_integer() else None
