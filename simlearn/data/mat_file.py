"""MATLAB 5 files as arrays, checked before SciPy reads them.

SciPy trusts the sizes a file states: a damaged one makes it ask for any amount of memory or
recurse without end. So the elements of the wanted variables are walked first (layout: MathWorks,
"MAT-File Format", level 5), and what states more than it holds is refused.
"""

from __future__ import annotations

import io
import math
import struct
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from simlearn.data.errors import DataError

MAX_BYTES = 1 << 26
"""Largest file, and largest variable after decompression, in bytes (64 MiB)."""

MAX_VALUES = 10_000_000
"""Most array entries, added up over a file."""

_HEADER = 128
_MATRIX, _COMPRESSED = 14, 15
_PLAIN = frozenset({1, 2, 3, 4, 5, 6, 7, 9, 12, 13, 16, 17, 18})
_CELL, _CHAR, _NUMERIC = 1, 4, frozenset(range(6, 16))
_UINT32, _INT32, _INT8 = 6, 5, 1
_DEPTH = 2


def load_mat(path: Path, variables: Collection[str]) -> dict[str, np.ndarray[Any, Any]]:
    """The named variables of a MATLAB 5 file, not squeezed.

    Args:
        path: the file, numbers, text and cells of text only.
        variables: names that must be there; all others are passed over.

    Returns:
        Name -> array of at least two dimensions; cells as object arrays.

    Raises:
        DataError: missing, too large, cut short, of another format, or a variable is missing.
    """
    data = _read(path)
    try:
        _check_elements(data, frozenset(variables))
    except (_DamagedError, struct.error, zlib.error) as error:
        raise DataError(f"{path}: a damaged MATLAB file ({error}); copy it again") from error
    from scipy.io import loadmat

    try:
        found = loadmat(io.BytesIO(data), variable_names=list(variables))
    except Exception as error:  # SciPy raises almost anything on damaged files
        raise DataError(
            f"{path}: a damaged MATLAB file ({type(error).__name__}: {error}); copy it again"
        ) from error
    for name in variables:
        if not isinstance(found.get(name), np.ndarray):
            there = ", ".join(sorted(k for k in found if not k.startswith("__"))) or "none"
            raise DataError(f"{path}: no array named {name!r} (found of those sought: {there})")
    return {name: found[name] for name in variables}


class _DamagedError(Exception):
    """What is wrong inside a file, without its name."""


def _read(path: Path) -> bytes:
    """The bytes of a file whose header is that of a MATLAB 5 file of bearable size."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise DataError(f"{path}: the file is not there; check the path") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: the file cannot be read ({error})") from error
    if len(data) > MAX_BYTES:
        raise DataError(f"{path}: larger than {MAX_BYTES >> 20} MiB; not a list of pairs")
    if data[:10] == b"MATLAB 7.3" or data[:8] == b"\x89HDF\r\n\x1a\n":
        raise DataError(f"{path}: a MATLAB 7.3 (HDF5) file; save it again with the option -v7")
    if data[:6] != b"MATLAB" or data[124:128] not in (b"\x00\x01IM", b"\x01\x00MI"):
        raise DataError(f"{path}: not a MATLAB 5 file (its header is missing); copy it again")
    return data


def _check_elements(data: bytes, variables: frozenset[str]) -> None:
    """Walk the variables of a file."""
    order = "<" if data[126:128] == b"IM" else ">"
    budget = [MAX_VALUES]
    for kind, body in _elements(data, _HEADER, order):
        inner = [(kind, body)]
        if kind == _COMPRESSED:
            unpacker = zlib.decompressobj()
            plain = unpacker.decompress(body, MAX_BYTES)
            if not unpacker.eof:
                raise _DamagedError("a compressed variable is cut short or too large")
            inner = list(_elements(plain, 0, order))
        if [k for k, _ in inner] != [_MATRIX]:
            raise _DamagedError(
                f"an element of type {inner[0][0] if inner else None} for a variable"
            )
        _check_matrix(inner[0][1], order, variables, budget, depth=1)


def _elements(data: bytes, position: int, order: str) -> Iterator[tuple[int, bytes]]:
    """(type, content) of the elements in ``data`` from ``position`` on."""
    while position < len(data):
        kind, size = struct.unpack_from(f"{order}II", data, position)
        start = position + 8
        if kind >> 16:  # the short form: size and type share four bytes, content in the next
            kind, size, start = kind & 0xFFFF, kind >> 16, position + 4
            if size > 4:
                raise _DamagedError(f"a short element of {size} bytes at byte {position}")
        if start + size > len(data):
            raise _DamagedError(
                f"{size} bytes announced at byte {position}, {len(data) - start} there"
            )
        yield kind, data[start : start + size]
        padded = size if kind == _COMPRESSED else -(-size // 8) * 8
        position = position + 8 if start == position + 4 else start + padded


def _check_matrix(
    body: bytes, order: str, variables: frozenset[str], budget: list[int], depth: int
) -> None:
    """Check the class and sizes of one variable, or of one entry of a cell."""
    parts = list(_elements(body, 0, order))
    kinds = [kind for kind, _ in parts]
    if kinds[:3] != [_UINT32, _INT32, _INT8] or len(parts[0][1]) != 8 or len(parts[1][1]) % 4:
        raise _DamagedError(f"a variable that begins with elements of types {kinds[:3]}")
    if depth == 1 and parts[2][1].decode("latin-1") not in variables:
        return
    dims = struct.unpack(f"{order}{len(parts[1][1]) // 4}i", parts[1][1])
    if not 2 <= len(dims) <= 8 or min(dims) < 0:
        raise _DamagedError(f"a variable of size {dims[:8]}")
    budget[0] -= max(1, math.prod(dims))
    if budget[0] < 0:
        raise _DamagedError(f"more than {MAX_VALUES} entries, one variable of size {dims}")
    array_class = struct.unpack_from(f"{order}I", parts[0][1])[0] & 0xFF
    if array_class == _CELL:
        if depth == _DEPTH or kinds[3:] != [_MATRIX] * math.prod(dims):
            raise _DamagedError(f"a cell of size {dims} with {len(parts) - 3} entries")
        for _, entry in parts[3:]:
            _check_matrix(entry, order, variables, budget, depth + 1)
    elif array_class != _CHAR and array_class not in _NUMERIC:
        raise _DamagedError(
            f"a variable of class {array_class}; only numbers, text and cells are read"
        )
    elif not _PLAIN.issuperset(kinds[3:]):
        raise _DamagedError(f"values of element types {kinds[3:]}")
