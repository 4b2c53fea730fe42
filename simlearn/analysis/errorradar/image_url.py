"""The figure of a problem as the data URL that chat servers take."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Final

from simlearn.data.errors import DataError

MOST_BYTES: Final = 20 * 2**20
"""Largest picture that is sent; servers refuse larger ones."""
_KINDS: Final = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"))


def image_data_url(image: Path | bytes) -> str:
    """``data:image/png;base64,...`` of a picture.

    PNG and JPEG are sent as they are; whatever else Pillow reads becomes a PNG (of several
    pictures in a file the first).

    Args:
        image: a file or the bytes of one.

    Raises:
        DataError: it is not there, no picture, damaged or larger than ``MOST_BYTES``; the text
            names a file.
    """
    name = "the picture" if isinstance(image, bytes) else f"the picture {str(image)!r}"
    data = image if isinstance(image, bytes) else _read(image, name)
    kind = next((kind for magic, kind in _KINDS if data.startswith(magic)), None)
    data = _checked(data, name, convert=kind is None)
    if len(data) > MOST_BYTES:
        raise DataError(f"{name} is larger than {MOST_BYTES // 2**20} MiB; make it smaller")
    return f"data:{kind or 'image/png'};base64,{base64.b64encode(data).decode('ascii')}"


def _read(path: Path, name: str) -> bytes:
    """The bytes of a file, one more than may be sent at most."""
    try:
        if not path.is_file():
            raise DataError(f"{name} is not there; put it back or leave the problem out")
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{name} cannot be read ({reason})") from error


def _checked(data: bytes, name: str, *, convert: bool) -> bytes:
    """The same bytes after a look at them, or the picture as a PNG."""
    from PIL import Image, ImageOps

    try:
        with Image.open(io.BytesIO(data)) as file:
            if not convert:
                if len(data) <= MOST_BYTES:
                    file.verify()
                return data
            image = ImageOps.exif_transpose(file)
            if image.mode not in ("L", "RGB", "RGBA"):
                image = image.convert("RGBA" if image.has_transparency_data else "RGB")
            written = io.BytesIO()
            image.save(written, "PNG")
            return written.getvalue()
    except Exception as error:  # Pillow raises almost anything on damaged files
        raise DataError(f"{name} is damaged or no picture ({type(error).__name__})") from error
