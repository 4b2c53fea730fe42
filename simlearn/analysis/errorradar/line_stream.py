"""A text file line by line in flat memory, with every fault as a :class:`DataError`."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from simlearn.data.errors import DataError

MOST_BYTES = 64 * 2**20
"""Longest line that is read; a longer one is no line of a record."""


def open_data(path: Path, purpose: str) -> BinaryIO:
    """Open a file for reading bytes.

    Args:
        path: the file.
        purpose: what it is, for messages (``"record file"``).

    Raises:
        DataError: the file is missing or cannot be read.
    """
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise DataError(f"{path}: the {purpose} is not there; check the path") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(f"{path}: the {purpose} cannot be read ({reason})") from error


def stream_lines(path: Path, purpose: str) -> Iterator[tuple[int, str]]:
    """All lines of a UTF-8 file, with their line ends; a byte order mark is skipped.

    A line ends at LF; what CR means is left to the caller. An empty file gives nothing.

    Args:
        path: the file.
        purpose: what it is, for messages.

    Yields:
        (line number from 1, line), in file order.

    Raises:
        DataError: the file is missing, unreadable, not UTF-8 text, or a line is longer than
            ``MOST_BYTES``.
    """
    number = 0
    with open_data(path, purpose) as file:
        while True:
            try:
                raw = file.readline(MOST_BYTES + 1)
            except OSError as error:
                raise DataError(f"{path}: the {purpose} cannot be read ({error})") from error
            if not raw:
                return
            number += 1
            if len(raw) > MOST_BYTES:
                raise DataError(
                    f"{path}, line {number}: is longer than {MOST_BYTES} bytes; write one record "
                    "a line"
                )
            if number == 1:
                raw = raw.removeprefix(codecs.BOM_UTF8)
            try:
                yield number, raw.decode()
            except UnicodeDecodeError as error:
                raise DataError(
                    f"{path}, line {number}: byte 0x{raw[error.start]:02x} is not UTF-8 text; "
                    f"restore the {purpose} from its source or save it as UTF-8"
                ) from error
