"""Photographs with marked eyes, turned upright and cut to one size, a folder per person.

    python benchmarks/scrapshots.py SOURCE TARGET [--side 96]
    python -m simlearn.train recipe=... data=image_folder data.root=TARGET

SOURCE is a folder like the Scrapshots of PyVision: grey pictures 00001aa.pgm, whose first five
characters are the person, and coords.txt with a line ``name x1 y1 x2 y2`` for each: the eyes, in
pixels. The photographs themselves are not part of this project.
"""

from __future__ import annotations

import argparse
import math
import re
import tempfile
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from simlearn.data.errors import DataError
from simlearn.data.text_lines import read_text_lines

LEFT_EYE, RIGHT_EYE = (0.35, 0.4), (0.65, 0.4)
"""Where the eyes come to lie, in shares of the side; left and right in the picture."""

COORDS = "coords.txt"
PERSON = 5
"""Characters of a picture's name that are the person."""

_NAME = re.compile(r"[0-9A-Za-z]{6,64}")


class Eyes(NamedTuple):
    """The eyes of one picture, left and right in the picture, and where they were read.

    Positions are ``x + iy`` in pixels, whole numbers at pixel centres, y downwards.
    """

    left: complex
    right: complex
    where: str


def read_eyes(path: Path) -> dict[str, Eyes]:
    """Name of each picture -> its eyes; ``{}`` for a file without lines.

    Raises:
        DataError: the file is missing, or a line is not ``name x1 y1 x2 y2``, names a picture a
            second time or sets the eyes above one another; names the line.
    """
    found: dict[str, Eyes] = {}
    for number, line in read_text_lines(path, "list of eye positions"):
        where = f"{path}, line {number}"
        name, *fields = line.split()
        name = name.removesuffix(".pgm")
        try:
            x1, y1, x2, y2 = map(float, fields)
        except ValueError:
            x1 = y1 = x2 = y2 = math.nan
        if _NAME.fullmatch(name) is None or not all(map(math.isfinite, (x1, y1, x2, y2))):
            raise DataError(f"{where}: {line[:80]!r} is not of the form name x1 y1 x2 y2")
        if x1 == x2:
            raise DataError(f"{where}: both eyes of {name} at x = {x1:g}; correct the line")
        if name in found:
            raise DataError(f"{where}: {name} stands there twice, see {found[name].where}")
        left, right = sorted((complex(x1, y1), complex(x2, y2)), key=lambda eye: eye.real)
        found[name] = Eyes(left, right, where)
    return found


def align_by_eyes(image: np.ndarray, eyes: Eyes, side: int) -> np.ndarray:
    """Turn, scale and shift a picture so that the eyes come to :data:`LEFT_EYE`, :data:`RIGHT_EYE`.

    Args:
        image: ``(H, W)`` uint8. Past the border its edge is repeated.
        eyes: where they are.
        side: height and width of the result in pixels.

    Returns:
        ``(side, side)`` uint8. A picture that shrinks is drawn larger first and averaged.
    """
    left, right = (complex(x * side - 0.5, y * side - 0.5) for x, y in (LEFT_EYE, RIGHT_EYE))
    turn = (right - left) / (eyes.right - eyes.left)
    finer = max(1, math.ceil(1 / abs(turn)))
    turn *= finer
    # a place p of the small picture is finer * p + (finer - 1) / 2 of the large one
    move = finer * left + complex(1, 1) * (finer - 1) / 2 - turn * eyes.left
    matrix = np.array([[turn.real, -turn.imag, move.real], [turn.imag, turn.real, move.imag]])
    large = cv2.warpAffine(
        image, matrix, (finer * side, finer * side), borderMode=cv2.BORDER_REPLICATE
    )
    return cv2.resize(large, (side, side), interpolation=cv2.INTER_AREA)


def prepare_scrapshots(source: Path, target: Path, side: int = 96) -> int:
    """Write ``target/<person>/<name>.png`` for every picture ``source/<name>.pgm``.

    The target appears whole or not at all. A second call finds the same pictures and changes
    nothing.

    Args:
        source: folder of the pictures and of ``coords.txt``.
        target: folder to write.
        side: height and width of the pictures in pixels, at least 8.

    Returns:
        The number of pictures.

    Raises:
        ValueError: ``side`` below 8.
        DataError: no pictures, a picture that cannot be read or has no line in ``coords.txt``, a
            line that is wrong, has no picture or sets an eye beside it; names file and line.
        FileExistsError: ``target`` holds something else, which is left as it is.
    """
    if side < 8:
        raise ValueError(f"side is {side}, must be at least 8 pixels")
    source, target = Path(source), Path(target)
    eyes = read_eyes(source / COORDS)
    pictures = {path.stem: path for path in sorted(source.glob("*.pgm"))}
    _check_names(source, pictures, eyes)
    target.absolute().parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as holder:
        made = Path(holder) / "made"
        for name, path in pictures.items():
            folder = made / name[:PERSON]
            folder.mkdir(parents=True, exist_ok=True)
            picture = align_by_eyes(_read(path, eyes[name]), eyes[name], side)
            (folder / f"{name}.png").write_bytes(cv2.imencode(".png", picture)[1].tobytes())
        if not target.exists() or (target.is_dir() and not _contents(target)):
            made.replace(target)  # also over an empty folder
        elif _contents(target) != _contents(made):
            raise FileExistsError(
                f"{target} holds something else than these {len(pictures)} pictures of {side} "
                "pixels; delete it or name another folder"
            )
    return len(pictures)


def _check_names(source: Path, pictures: dict[str, Path], eyes: dict[str, Eyes]) -> None:
    """Refuse a folder whose pictures and lines do not belong together."""
    if not pictures:
        raise DataError(f"{source}: no picture *.pgm there; give the folder that holds {COORDS}")
    for name, path in pictures.items():
        if name not in eyes:
            raise DataError(f"{path}: no line for {name} in {source / COORDS}; add it")
    for name, found in eyes.items():
        if name not in pictures:
            raise DataError(f"{found.where}: there is no picture {source / name}.pgm; restore it")


def _read(path: Path, eyes: Eyes) -> np.ndarray:
    """The grey picture ``(H, W)``, which must hold both eyes."""
    image = cv2.imdecode(np.frombuffer(path.read_bytes() or b"\0", np.uint8), cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise DataError(f"{path}: not an image that OpenCV can read; copy the file again")
    height, width = image.shape
    for eye in (eyes.left, eyes.right):
        if not (0 <= eye.real < width and 0 <= eye.imag < height):
            raise DataError(
                f"{eyes.where}: the eye at ({eye.real:g}, {eye.imag:g}) lies beside {path}, which "
                f"has {width} x {height} pixels; correct the line"
            )
    return image


def _contents(folder: Path) -> dict[str, bytes | None]:
    """Relative path -> bytes of all that lies below a folder; ``None`` for a folder."""
    return {
        str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None
        for p in folder.rglob("*")
    }


def main() -> None:
    """Prepare one folder and say how many pictures it holds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--side", type=int, default=96, help="pixels")
    options = parser.parse_args()
    count = prepare_scrapshots(options.source, options.target, options.side)
    print(f"{count} pictures in {options.target}")


if __name__ == "__main__":
    main()
