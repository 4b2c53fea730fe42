"""Rows of a JSON Lines file, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from simlearn.analysis.errorradar.json_value import parse_json
from simlearn.analysis.errorradar.line_stream import stream_lines
from simlearn.data.errors import DataError


def jsonl_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects of a file with one JSON object a line; one line is in memory at a time.

    Args:
        path: the file; empty lines are passed over.

    Yields:
        (where, row) in file order, ``where`` such as ``"set.jsonl, line 3"``.

    Raises:
        DataError: naming file and line: unreadable, not UTF-8, no JSON, or no object.
    """
    for number, line in stream_lines(path, "record file"):
        where = f"{path}, line {number}"
        try:
            row = parse_json(line)
        except ValueError as error:
            if not line.strip():
                continue
            raise DataError(f"{where}: no JSON ({error}); write one object a line") from error
        if not isinstance(row, dict):
            raise DataError(f"{where}: must be a JSON object, found {repr(row)[:60]}")
        yield where, row
