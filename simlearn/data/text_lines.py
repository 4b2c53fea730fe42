"""Text files of data sets as numbered lines, with every fault as a :class:`DataError`."""

from __future__ import annotations

from pathlib import Path

from simlearn.data.errors import DataError


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
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path}: the {purpose} is not there; check the path") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(f"{path}: the {purpose} cannot be read ({reason})") from error
    except ValueError as error:  # a path with a NUL character
        raise DataError(f"{str(path)!r}: not a path of a {purpose} ({error})") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise DataError(
            f"{path}, line {line}: byte 0x{data[error.start]:02x} is not UTF-8 text; "
            f"restore the {purpose} from its source or save it as UTF-8"
        ) from error
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return [(n, line.strip()) for n, line in enumerate(lines, 1) if line.strip()]
