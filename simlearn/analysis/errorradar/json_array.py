"""Rows of a ``.json`` file that holds one list of objects, read piece by piece."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from simlearn.analysis.errorradar.json_value import parse_json_at
from simlearn.analysis.errorradar.jsonl_records import jsonl_rows
from simlearn.analysis.errorradar.line_stream import MOST_BYTES, open_data
from simlearn.data.errors import DataError

PIECE = 2**18
"""Bytes read at once."""


def json_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects of a ``.json`` file: a list of objects, or one object a line.

    Args:
        path: the file (ProcessBench's files are such lists); an empty list gives nothing.

    Yields:
        (where, row) in file order, ``where`` such as ``"math.json, item 3"``, counted from 1.

    Raises:
        DataError: naming file and item: unreadable, not UTF-8, no JSON, no object, something
            after the list, or an item longer than ``line_stream.MOST_BYTES``.
    """
    with open_data(path, "record file") as file:
        window = _Window(path, file)
        if window.next() != "[":
            yield from jsonl_rows(path)
            return
        window.at += 1
        number = 1
        while window.next() == "{":
            where = f"{path}, item {number}"
            yield where, _item(window, where)
            number += 1
            if window.next() != ",":
                break
            window.at += 1
        last = window.next()
        if last != "]":
            raise DataError(
                f"{path}, item {number}: found {last or 'the end of the file'!r}; must be a list "
                "of objects: [{...}, {...}]"
            )
        window.at += 1
        if window.next():
            raise DataError(f"{path}: {window.next()!r} stands after the end of the list")


class _Window:
    """A piece of a text file that moves on."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        """Nothing is read yet."""
        self.path, self.file = path, file
        self.decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self.text, self.at, self.ended = "", 0, False

    def next(self) -> str:
        """The character that comes next after white space, not taken; ``""`` at the end."""
        while True:
            while self.at < len(self.text) and self.text[self.at] in " \t\r\n":
                self.at += 1
            if self.at < len(self.text):
                return self.text[self.at]
            if self.ended:
                return ""
            self.more()

    def more(self) -> None:
        """Forget what was taken and read on, as much again as is kept, or a piece."""
        kept = self.text[self.at :]
        try:
            raw = self.file.read(max(PIECE, len(kept)))
            self.text, self.at = kept + self.decoder.decode(raw, not raw), 0
        except OSError as error:
            raise DataError(f"{self.path}: the record file cannot be read ({error})") from error
        except UnicodeDecodeError as error:
            raise DataError(
                f"{self.path}: byte 0x{error.object[error.start]:02x} is not UTF-8 text; restore "
                "the record file from its source or save it as UTF-8"
            ) from error
        self.ended = not raw


def _item(window: _Window, where: str) -> dict[str, Any]:
    """The object that begins at the window's place, which moves behind it."""
    while True:
        try:
            row, window.at = parse_json_at(window.text, window.at)
            return row
        except ValueError as error:
            if window.ended or len(window.text) - window.at > MOST_BYTES:
                raise DataError(f"{where}: no JSON ({error})") from error
        window.more()
