"""Rows of a CSV or TSV file, one after the other."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from simlearn.analysis.errorradar.line_stream import stream_lines
from simlearn.data.errors import DataError

DELIMITERS = ",;\t|"
"""What may stand between the cells of a ``.csv`` file."""
MOST_CHARACTERS = 16 * 2**20
"""Longest cell; a longer one is most likely a quote that is never closed."""


def csv_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows of a table whose first line names the columns; one row is in memory at a time.

    Cells are separated by a tab (``.tsv``, ``.tab``), else by whichever of comma, semicolon, tab
    and bar is most frequent in the first line. Quotes and line breaks inside them are the csv
    module's. An empty cell is ``None``. Python's limit of a cell's length is raised to
    ``MOST_CHARACTERS``, for the whole process, and never lowered.

    Args:
        path: the file; rows without any text are passed over.

    Yields:
        (where, row) in file order; ``where`` names the line at which the row begins.

    Raises:
        DataError: naming file and line: unreadable, not UTF-8, two columns of one name, a row of
            another length than the first, or quotes that do not fit.
    """
    csv.field_size_limit(max(csv.field_size_limit(), MOST_CHARACTERS))
    lines = (line for _, line in stream_lines(path, "record file"))
    first = next(lines, "")
    reader = csv.reader(_chain(first, lines), delimiter=_delimiter(path, first), strict=True)
    names: list[str] = []
    while True:
        where = f"{path}, line {reader.line_num + 1}"
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise DataError(f"{where}: no row of a table ({error}); write it again") from error
        if cells is None:
            return
        if not any(cells):
            continue
        if not names:
            names = _header(where, cells)
        elif len(cells) != len(names):
            raise DataError(
                f"{where}: has {len(cells)} cells, the first line names {len(names)} columns; put "
                "texts with commas or line breaks into quotes"
            )
        else:
            yield where, {k: cell or None for k, cell in zip(names, cells, strict=True)}


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    """A line and those after it."""
    yield first
    yield from rest


def _delimiter(path: Path, first: str) -> str:
    """What stands between cells: by the ending, or the most frequent in the first line."""
    if path.suffix.lower() in (".tsv", ".tab"):
        return "\t"
    return max(DELIMITERS, key=first.count)


def _header(where: str, cells: list[str]) -> list[str]:
    """The names of the columns, without white space at their ends."""
    names = [cell.strip() for cell in cells]
    twice = [name for name, count in Counter(names).items() if count > 1 and name]
    if twice:
        raise DataError(f"{where}: two columns are named {twice[0][:60]!r}; rename one")
    return names
