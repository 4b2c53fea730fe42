"""A whole text file as one string, with every fault as a :class:`DataError`."""

from __future__ import annotations

from pathlib import Path

from simlearn.data.errors import DataError


def read_text(path: Path, purpose: str) -> str:
    """The content of a UTF-8 text file, its line ends as they are; a byte order mark is skipped.

    Args:
        path: the file.
        purpose: what the file is, for messages (``"question file"``).

    Returns:
        The text; ``""`` for an empty file.

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
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise DataError(
            f"{path}, line {line}: byte 0x{data[error.start]:02x} is not UTF-8 text; "
            f"restore the {purpose} from its source or save it as UTF-8"
        ) from error
