"""Figures that came as bytes, kept as files so that they need not lie in memory."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

from simlearn.data.errors import DataError


def kept_picture(image: Path | bytes | None, folder: Path) -> Path | None:
    """The file of a figure.

    Args:
        image: a file, which is left where it is; the bytes of one; or none.
        folder: where bytes are written, once, under a name made of their digest; made if missing.

    Raises:
        DataError: the folder cannot be written.
    """
    if not isinstance(image, bytes):
        return image
    path = folder / f"{hashlib.blake2b(image, digest_size=16).hexdigest()}.image"
    temporary = folder / f"{path.stem}.{os.getpid()}.{secrets.token_hex(4)}.tmp"
    try:
        if not path.is_file():
            folder.mkdir(parents=True, exist_ok=True)
            try:
                temporary.write_bytes(image)
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)
    except OSError as error:
        raise DataError(
            f"{folder}: a figure cannot be written ({error.strerror}); free space, or name another "
            "folder with data.cache=FOLDER"
        ) from error
    return path
