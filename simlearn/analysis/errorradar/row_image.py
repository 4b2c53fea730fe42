"""The figure of a row: a file below a folder, the bytes of one, or none."""

from __future__ import annotations

import re
from pathlib import Path, PurePath, PureWindowsPath
from typing import Any

_PLAIN = re.compile(r"[\w][\w-]*(?:[./][\w-]+)*", re.ASCII)
"""Paths that need no closer look: no root, no drive, no ``..``."""


def image_of(value: Any, root: Path) -> Path | bytes | None:
    """What stands in a row as a file or its bytes; nothing is decoded.

    Args:
        value: a path relative to ``root``, bytes, what the ``datasets`` library keeps of an image
            that is not decoded, ``{"bytes": ..., "path": ...}``, or ``None``.
        root: folder that the files are in.

    Returns:
        A file that is there, bytes that are not empty, or ``None``.

    Raises:
        ValueError: something else; a path that leads out of ``root``; a file that is not there.
    """
    if isinstance(value, dict) and value.keys() <= {"bytes", "path"}:
        inner = value.get("bytes")
        value = value.get("path") if inner is None else inner
        if inner is not None and not isinstance(inner, bytes):
            raise ValueError(f"must hold bytes, found {repr(inner)[:60]}")
    if value is None:
        return None
    if isinstance(value, bytes) and value:
        return value
    if not isinstance(value, str) or not value or "\0" in value:
        raise ValueError(f"must be the path of a file, found {repr(value)[:60]}")
    if not _PLAIN.fullmatch(value):
        path = PurePath(value)
        if path.is_absolute() or PureWindowsPath(value).drive or ".." in path.parts:
            raise ValueError(f"must be a path below {root}, found {value[:60]!r}")
    found = root / value
    try:
        there = found.is_file()
    except (OSError, ValueError):  # a name that is too long, or that the system cannot write
        there = False
    if not there:
        raise ValueError(f"{value[:200]!r} is not there, below {root}; copy it there or set root")
    return found
