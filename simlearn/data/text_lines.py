"""Text files of data sets as numbered lines, with every fault as a :class:`DataError`."""

from __future__ import annotations

from pathlib import Path

from simlearn.data.text_file import read_text


def read_text_lines(path: Path, purpose: str) -> list[tuple[int, str]]:
    """The lines of a UTF-8 text file that hold more than white space.

    Line ends may be LF, CRLF or CR; a byte order mark is skipped. An empty file gives ``[]``.

    Args:
        path: the file.
        purpose: what the file is, for messages (``"pair list"``).

    Returns:
        (line number from 1, line without white space at its ends), in file order.

    Raises:
        DataError: the file is missing, unreadable or not UTF-8 text.
    """
    text = read_text(path, purpose)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return [(n, line.strip()) for n, line in enumerate(lines, 1) if line.strip()]
