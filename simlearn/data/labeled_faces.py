r"""One ``<subject>.labeled_faces.txt`` of YouTube Faces: a face box for each labelled frame.

The file has no header; a row is ``filename,[ignore],x,y,width,height,[ignore],[ignore]`` with a
path of the form ``Subject\video\video.frame.jpg`` and the CENTRE of the face in x and y
(README of Wolf, Hassner and Maoz, "Face recognition in unconstrained videos", CVPR 2011).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from simlearn.data.errors import DataError
from simlearn.data.text_lines import read_text_lines
from simlearn.data.video import Box

SUFFIX = ".labeled_faces.txt"
"""What follows the subject's name in the name of its file."""

FRAME_NAME = re.compile(r"([0-9]{1,9})\.([0-9]{1,9})\.jpe?g", re.IGNORECASE)
"""``<video>.<frame>.jpg``: the name of a frame in the folder of its video."""

_NUMBER = re.compile(r"[+-]?[0-9]{1,6}(?:\.[0-9]{0,20})?")
_FIELDS = 8


class FaceRow(NamedTuple):
    """One row: its line number from 1, video id, frame number, face box and file name."""

    line: int
    video: str
    frame: int
    box: Box
    file_name: str


def read_labeled_faces(path: str | Path) -> dict[str, dict[int, tuple[Box, str]]]:
    """The face boxes of one subject.

    Backslashes or slashes, any line end and blank lines are taken. A row that repeats an earlier
    one is dropped. Boxes are not clipped: a face at the border reaches past the image.

    Args:
        path: ``<subject>.labeled_faces.txt``.

    Returns:
        Video id -> frame number -> ((left, top, right, bottom) in pixels, file name), in file
        order; ``{}`` for an empty file.

    Raises:
        DataError: the file is missing, or a row has the wrong number of fields, no number where
            one belongs, a file name of another pattern, or another box for a frame seen before.
    """
    path = Path(path)
    faces: dict[str, dict[int, tuple[Box, str]]] = {}
    first_line: dict[tuple[str, int], int] = {}
    for row in labeled_face_rows(path):
        frames = faces.setdefault(row.video, {})
        value = (row.box, row.file_name)
        if frames.setdefault(row.frame, value) != value:
            raise DataError(
                f"{path}, line {row.line}: frame {row.frame} of video {row.video} stands here as "
                f"{row.file_name} {row.box} and in line {first_line[row.video, row.frame]} as "
                f"{frames[row.frame][1]} {frames[row.frame][0]}; delete the wrong row"
            )
        first_line.setdefault((row.video, row.frame), row.line)
    return faces


def labeled_face_rows(path: Path) -> Iterator[FaceRow]:
    """The rows of one ``.labeled_faces.txt`` in file order, repeated ones included.

    Raises:
        DataError: as :func:`read_labeled_faces`, but for repeated frames.
    """
    subject = path.name.removesuffix(SUFFIX) if path.name.endswith(SUFFIX) else None
    for number, line in read_text_lines(path, "list of labelled faces"):
        fields = line.split(",")
        where = f"{path}, line {number}"
        if len(fields) != _FIELDS:
            raise DataError(
                f"{where}: {len(fields)} fields instead of {_FIELDS} (filename,-,x,y,width,height,"
                f"-,-) in {_short(line)}; correct or delete the row"
            )
        video, frame, file_name = _parse_path(fields[0], subject, where)
        yield FaceRow(number, video, frame, _parse_box(fields[2:6], where), file_name)


def _parse_path(text: str, subject: str | None, where: str) -> tuple[str, int, str]:
    r"""Video id, frame number and file name from ``Subject\3\3.618.jpg``."""
    parts = text.strip().replace("\\", "/").split("/")
    match = FRAME_NAME.fullmatch(parts[-1])
    if len(parts) != 3 or match is None or match[1] != parts[1]:
        raise DataError(
            f"{where}: {_short(text)} is not of the form Subject\\video\\video.frame.jpg "
            f"(such as Richard_Gere\\3\\3.618.jpg); correct or delete the row"
        )
    if subject is not None and parts[0] != subject:
        raise DataError(
            f"{where}: the row is of subject {_short(parts[0])}, the file of {subject!r}; "
            f"move the row to its own subject's file or delete it"
        )
    return parts[1], int(match[2]), parts[2]


def _parse_box(fields: list[str], where: str) -> Box:
    """Left, top, right, bottom from centre x, centre y, width, height."""
    values = []
    for name, field in zip(("x", "y", "width", "height"), fields, strict=True):
        if _NUMBER.fullmatch(field.strip()) is None:
            raise DataError(
                f"{where}: {name} is {_short(field)}, which is not a number of pixels; "
                f"correct or delete the row"
            )
        values.append(float(field))
    x, y, width, height = values
    if width <= 0 or height <= 0:
        raise DataError(
            f"{where}: a face of width {width:g} and height {height:g}; both must be above 0; "
            f"correct or delete the row"
        )
    return (x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def _short(text: str) -> str:
    """The text quoted, cut where it would flood the message."""
    return repr(text if len(text) <= 80 else text[:80] + "...")
