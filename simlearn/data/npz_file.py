"""NumPy's ``.npz`` files, whose stated sizes are checked before anything is unpacked."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

from simlearn.data.errors import DataError

MAX_BYTES = 4 << 30
"""Most bytes of all wanted arrays together after unpacking (4 GiB)."""

_VERSIONS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def load_npz(
    path: Path, keys: Sequence[str], *, optional: Sequence[str] = ()
) -> dict[str, np.ndarray[Any, Any]]:
    """The named arrays of an ``.npz`` file; nothing in it is executed.

    Args:
        path: the file.
        keys: arrays that must be there.
        optional: arrays that are taken where they are there; all others are passed over.

    Raises:
        DataError: the file is missing, damaged or too large, or an array is missing, damaged or
            holds Python objects.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            sizes = {i.filename.removesuffix(".npy"): i.file_size for i in archive.infolist()}
            missing = [key for key in keys if key not in sizes]
            if missing:
                raise DataError(
                    f"{path}: no array named {' and none named '.join(missing)} (found: "
                    f"{', '.join(sorted(sizes)) or 'none'}). It must hold {', '.join(keys)}"
                )
            wanted = [key for key in (*keys, *optional) if key in sizes]
            total = sum(sizes[key] for key in wanted)
            if total > MAX_BYTES:
                raise DataError(
                    f"{path}: its arrays need {total / 2**30:.1f} GiB, more than "
                    f"{MAX_BYTES >> 30} GiB: give fewer or smaller images"
                )
            return {key: _array(archive, path, key, sizes[key]) for key in wanted}
    except DataError:
        raise
    except FileNotFoundError:
        raise DataError(f"{path}: the file is not there; check the path") from None
    except Exception as error:  # zipfile raises almost anything on damaged files
        raise DataError(
            f"{path}: cannot be read as an .npz file ({type(error).__name__}: {error}). Write it "
            "with numpy.savez"
        ) from error


def _array(archive: zipfile.ZipFile, path: Path, key: str, size: int) -> np.ndarray[Any, Any]:
    """One array; a header that states more or less than there is is refused first."""
    try:
        with archive.open(f"{key}.npy") as file:
            version = npy.read_magic(file)
            if version not in _VERSIONS:
                raise ValueError(f"version {version}")
            shape, fortran, dtype = _VERSIONS[version](file)
            if dtype.hasobject:
                raise ValueError("it holds Python objects, which are not read")
            stated = math.prod(shape) * dtype.itemsize
            if min(shape, default=0) < 0 or stated != size - file.tell():
                raise ValueError(f"shape {shape} of {dtype} in {size - file.tell()} bytes")
            content = file.read(stated)  # to the end, where zipfile compares the checksum
            flat = np.frombuffer(bytearray(content), dtype)
            return flat.reshape(shape, order="F" if fortran else "C")
    except Exception as error:  # NumPy and zlib raise almost anything on damaged files
        raise DataError(
            f"{path}: {key} cannot be read ({type(error).__name__}: {error}). Write it again with "
            "numpy.savez"
        ) from error
