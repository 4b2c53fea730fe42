"""Human raters' answers in a file."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from simlearn.analysis.errorradar.taxonomy import CATEGORIES, NAMES
from simlearn.data.errors import DataError
from simlearn.data.exclusions import closest
from simlearn.data.text_file import read_text
from simlearn.data.text_lines import read_text_lines

FIELDS: Final = ("id", "rater", "step", "category")
"""Columns of the file; others are passed over."""

_PURPOSE = "file of ratings"
_DELIMITERS: Final = {".csv": ",", ".tsv": "\t"}
_WORDS: Final = {code.lower(): code for code in CATEGORIES} | {
    name.lower(): code for code, name in NAMES.items()
}
_STEP: Final = re.compile(r"([0-9]{1,6})(?:\.0*)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rating:
    """What one person answered about one problem.

    Attributes:
        id: of the problem.
        rater: who; any text that is not empty.
        step: the first wrong step, from 1; 0 for none is wrong, ``None`` for not answered.
        category: one of ``CATEGORIES``; ``None`` for not answered.
        where: file and line, for messages.
    """

    id: str
    rater: str
    step: int | None
    category: str | None
    where: str = field(default="", compare=False)


def read_ratings(path: Path | str) -> list[Rating]:
    """The ratings of a CSV, TSV or JSON Lines file, told apart by the name's ending.

    CSV and TSV begin with a header that has the columns of ``FIELDS`` in any order and spelling of
    case; a line of JSON is an object with those keys. ``step`` is a whole number from 0 ("3.0", as
    spreadsheets write it, is 3), ``category`` a code or a full name of the taxonomy in any case.
    An empty cell or ``null`` is not answered, but one of the two must be.

    Args:
        path: a file ending in .csv, .tsv or .jsonl.

    Returns:
        Ratings in file order, at least one.

    Raises:
        DataError: naming file, line and field: the file is missing or of another kind, no such
            column, an empty id or rater, a step or category that is none, nothing is answered, or
            a rater has the same id twice.
    """
    path = Path(path).expanduser()
    ending = path.suffix.lower()
    if ending in _DELIMITERS:
        rows = _csv_rows(path, _DELIMITERS[ending])
    elif ending == ".jsonl":
        rows = _json_rows(path)
    else:
        raise DataError(f"{path}: a {_PURPOSE} ends in .csv, .tsv or .jsonl; rename or convert it")
    found: dict[tuple[str, str], Rating] = {}
    for where, row in rows:
        rating = _rating(where, row)
        first = found.setdefault((rating.id, rating.rater), rating)
        if first is not rating:
            raise DataError(
                f"{where}: rater {repr(rating.rater)[:60]} has rated the id "
                f"{repr(rating.id)[:60]} already ({first.where}); keep one of the two"
            )
    if not found:
        raise DataError(f"{path}: holds no ratings; give a {_PURPOSE} with {', '.join(FIELDS)}")
    return list(found.values())


def _csv_rows(path: Path, delimiter: str) -> Iterator[tuple[str, dict[str, str]]]:
    """(place, fields) of every row below the header; empty rows are passed over."""
    text = io.StringIO(read_text(path, _PURPOSE), newline="")
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    columns: list[str] = []
    line = 1
    try:
        for cells in reader:
            where, line = f"{path}, line {line}", reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if not columns:
                columns = _header(where, cells)
                continue
            if len(cells) != len(columns):
                raise DataError(
                    f"{where}: {len(cells)} field(s) below {len(columns)} columns; correct the row"
                )
            yield where, dict(zip(columns, cells, strict=True))
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: no CSV ({error}); correct it") from error


def _header(where: str, cells: list[str]) -> list[str]:
    """The columns' names in lower case."""
    columns = [cell.strip().lower() for cell in cells]
    for name in FIELDS:
        if columns.count(name) != 1:
            what = "two columns" if name in columns else "no column"
            near = closest(name, [c[:60] for c in columns])
            hint = f"; did you mean {near!r}?" if near and near != name else ""
            raise DataError(
                f"{where}: {what} {name!r}{hint} The header must have {', '.join(FIELDS)}"
            )
    return columns


def _json_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """(place, fields) of every line."""
    for number, line in read_text_lines(path, _PURPOSE):
        where = f"{path}, line {number}"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(
                f"{where}: no JSON ({str(error)[:80]}); write one object a line"
            ) from error
        if not isinstance(row, dict):
            raise DataError(f"{where}: must be a JSON object, found {repr(row)[:60]}")
        for name in ("id", "rater"):
            if name not in row:
                near = closest(name, [str(key)[:60] for key in row])
                hint = f"; did you mean {near!r}?" if near else ""
                raise DataError(f"{where}: no {name!r}{hint} Needed are {', '.join(FIELDS)}")
        yield where, row


def _rating(where: str, row: Mapping[str, Any]) -> Rating:
    """The rating of one row."""
    names = [_cell(where, row, key) for key in ("id", "rater")]
    for key, name in zip(("id", "rater"), names, strict=True):
        if not name:
            raise DataError(f"{where}: {key} is empty; fill it in or delete the row")
    step, category = _cell(where, row, "step"), _cell(where, row, "category")
    if not step and not category:
        raise DataError(f"{where}: neither step nor category is answered; delete the row")
    number = _STEP.fullmatch(step)
    if step and number is None:
        raise DataError(
            f"{where}: step must be a whole number from 1 (0 where no step is wrong), found "
            f"{repr(step)[:60]}"
        )
    return Rating(
        names[0], names[1], int(number[1]) if number else None, _category(where, category), where
    )


def _cell(where: str, row: Mapping[str, Any], key: str) -> str:
    """A field as text without white space around it; "" where it is absent or null."""
    value = row.get(key)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise DataError(f"{where}: {key} must be a text or a number, found {repr(value)[:60]}")
    if isinstance(value, int) and abs(value) >= 10**18:
        raise DataError(f"{where}: {key} is a number of more than 18 digits; write it as a text")
    return str(value).strip()


def _category(where: str, word: str) -> str | None:
    """The code of a word; ``None`` for an empty one."""
    if not word:
        return None
    code = _WORDS.get(" ".join(word.lower().split()))
    if code is None:
        near = closest(word[:60].lower(), _WORDS)
        hint = f" (did you mean {_WORDS[near]}?)" if near else ""
        raise DataError(
            f"{where}: category must be one of {', '.join(CATEGORIES)} or its full name, found "
            f"{repr(word)[:60]}{hint}"
        )
    return code
