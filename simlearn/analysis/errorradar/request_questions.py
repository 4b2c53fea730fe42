"""A prompt as the question that a model in this process is asked."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from simlearn.data.errors import DataError
from simlearn.data.media import on_white
from simlearn.data.questions import Question

if TYPE_CHECKING:
    from simlearn.analysis.errorradar.endpoint import Request

LONGEST = 300
"""Letters of a reason."""


def one_text(system: str, text: str) -> str:
    """Role and prompt in one message: many chat templates know no system message.

    Args:
        system: the role; may be empty.
        text: of the user.

    Returns:
        The role, an empty line and the text; the text alone where there is no role.
    """
    return f"{system}\n\n{text}" if system else text


def request_question(request: Request) -> Question:
    """A request as a question, its picture decoded.

    Args:
        request: its picture is a file, the bytes of one, or none.

    Raises:
        DataError: the picture cannot be read.
    """
    image = request.image
    return Question(
        id=request.id,
        text=one_text(request.system, request.text),
        answers=(),
        kind=request.task,
        dataset="error",
        image=None if image is None else picture(image, request.id),
    )


def picture(image: Path | bytes, name: str) -> np.ndarray:
    """The pixels of a figure, turned as its EXIF data say, on white where it is transparent.

    Args:
        image: a file or the bytes of one.
        name: of the record, for the error.

    Returns:
        uint8 ``(H, W, 3)``.

    Raises:
        DataError: it is missing, cut short, no image or larger than Pillow's limit.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(io.BytesIO(image) if isinstance(image, bytes) else image) as file:
            return np.asarray(on_white(ImageOps.exif_transpose(file)))
    except Exception as error:  # Pillow raises almost anything on damaged files
        what = f"its {len(image)} bytes" if isinstance(image, bytes) else f"{str(image)!r}"
        raise DataError(
            f"question {name!r}: {what} cannot be read as an image "
            f"({type(error).__name__}: {error}). Copy the data again, or leave the record out"
        ) from error


def reason_of(error: Exception) -> str:
    """What an exception says, in one printable line of at most ``LONGEST`` letters."""
    text = " ".join(str(error).split()) or type(error).__name__
    shown = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text[:LONGEST])
    return shown if len(text) <= LONGEST else shown[: LONGEST - 1] + "\u2026"
