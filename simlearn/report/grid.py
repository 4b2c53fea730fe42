"""The retrieval grid: queries at the left, what the network finds nearest at the right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from simlearn.report import drawing
from simlearn.report.report import FigureImage
from simlearn.report.wording import number, one_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NEAREST = 5
WIDTH, DPI = 1600, 200  # pixels; 1 point = 2.78 pixels
MARGIN, GAP, QUERY_GAP, HEAD, WORDS, FRAME = 24, 22, 70, 96, 78, 9
CELL = (WIDTH - 2 * MARGIN - QUERY_GAP - (NEAREST - 1) * GAP) // (NEAREST + 1)
RIGHT, WRONG = "#00785f", "#c8321f"
_COUNT = ("", "nearest", "nearest two", "nearest three", "nearest four", "nearest five")


@dataclass(frozen=True)
class Neighbour:
    """One retrieved item: its picture, whose it is, how far away, whether it is of the right class.

    Attributes:
        image: uint8 (H,W,3), RGB.
        label: the item's name.
        distance: to the query; nan is shown as "-".
        correct: whether it is of the query's class.
    """

    image: np.ndarray
    label: str
    distance: float
    correct: bool


@dataclass(frozen=True)
class GridRow:
    """One query and what was found for it.

    Attributes:
        query: uint8 (H,W,3), RGB.
        query_label: the query's name.
        neighbours: nearest first; more than five are cut, fewer leave empty places.
    """

    query: np.ndarray
    query_label: str
    neighbours: Sequence[Neighbour]


def retrieval_grid(rows: Sequence[GridRow], *, title: str) -> FigureImage:
    """Draw queries and their nearest five as a PNG of 1600 pixels' width.

    A right neighbour has a solid green frame and a tick, a wrong one a broken red frame and a
    cross; below stand distance and name. Small images are enlarged by whole factors, so that
    every pixel stays a sharp square.

    Raises:
        ValueError: no rows, or an image that is not uint8 (H,W,3) with H, W >= 1; the row is named.
    """
    if not rows:
        raise ValueError("a retrieval grid needs at least one row: no query was given")
    for i, row in enumerate(rows):
        _check(row.query, f"row {i}, query {row.query_label!r}")
        for j, neighbour in enumerate(row.neighbours[:NEAREST]):
            _check(neighbour.image, f"row {i}, neighbour {j} {neighbour.label!r}")
    from matplotlib.figure import Figure

    height = HEAD + len(rows) * (CELL + WORDS) + MARGIN // 2
    canvas = np.full((height, WIDTH, 3), 255, np.uint8)
    with drawing.figure_style():
        figure = Figure(figsize=(WIDTH / DPI, height / DPI), dpi=DPI)
        _headings(figure, max(len(row.neighbours[:NEAREST]) for row in rows))
        for i, row in enumerate(rows):
            _draw_row(canvas, figure, row, HEAD + i * (CELL + WORDS))
        figure.figimage(canvas, zorder=-1)
        png = drawing.png_bytes(figure)
    shown = [n for row in rows for n in row.neighbours[:NEAREST]]
    right = sum(n.correct for n in shown)
    return FigureImage(
        name="retrieval",
        title=title,
        alt=f"{len(rows)} queries, each with its nearest neighbours: {right} of {len(shown)} "
        "neighbours are of the query's class.",
        png=png,
        caption="Nearest neighbours of each query, closest first. Solid green frame and tick: same "
        "class as the query; broken red frame and cross: another class. Below: distance and name.",
    )


def enlarge(image: np.ndarray, side: int) -> np.ndarray:
    """``image`` (H,W,3) uint8 fitted into side x side pixels with its shape kept.

    An image of at most half the side grows by the largest whole factor (no blur); a larger one
    is resampled (Lanczos) so that its longer side is ``side``.
    """
    height, width = image.shape[:2]
    factor = side // max(height, width)
    if factor >= 2:
        return np.repeat(np.repeat(image, factor, axis=0), factor, axis=1)
    from PIL import Image

    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))


def framed(image: np.ndarray, colour: str, *, broken: bool) -> np.ndarray:
    """Put a white line and a frame of ``FRAME`` pixels, broken or solid, around ``image``."""
    h, w = image.shape[:2]
    edge = FRAME + 4
    out = np.full((h + 2 * edge, w + 2 * edge, 3), 255, np.uint8)
    y, x = np.mgrid[: out.shape[0], : out.shape[1]]
    along = np.where(
        (y < FRAME) | (y >= out.shape[0] - FRAME), np.abs(x - w / 2), np.abs(y - h / 2)
    )
    ring = np.minimum.reduce([y, x, out.shape[0] - 1 - y, out.shape[1] - 1 - x]) < FRAME
    drawn = ring & ((along % 30 < 20) if broken else True)
    out[drawn] = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    out[edge : edge + h, edge : edge + w] = image
    return out


def _check(image: np.ndarray, place: str) -> None:
    """Refuse what is not an 8-bit colour image."""
    fine = getattr(image, "dtype", None) == np.uint8 and image.ndim == 3 and image.shape[2] == 3
    if not fine or 0 in image.shape:
        raise ValueError(
            f"retrieval grid, {place}: expected a uint8 image (H,W,3), found "
            f"{getattr(image, 'dtype', type(image).__name__)} {getattr(image, 'shape', '')}"
        )


def _left(column: int) -> int:
    """Left edge in pixels of column 0 (query) to 5."""
    return MARGIN if column == 0 else MARGIN + QUERY_GAP + CELL + (column - 1) * (CELL + GAP)


def _headings(figure: Figure, most: int) -> None:
    """Write "query" and "nearest five" above their columns, and a number above each neighbour."""
    _write(figure, "query", _left(0) + CELL // 2, 34, CELL, weight="bold", size=8.5)
    if most == 0:
        return
    words = f"{_COUNT[most]}, closest first" if most > 1 else _COUNT[1]
    middle = (_left(1) + _left(most) + CELL) // 2
    _write(figure, words, middle, 34, most * (CELL + GAP), weight="bold", size=8.5)
    for column in range(1, most + 1):
        _write(figure, str(column), _left(column) + CELL // 2, 74, CELL, color=drawing.MUTED)


def _draw_row(canvas: np.ndarray, figure: Figure, row: GridRow, top: int) -> None:
    """One query and its neighbours with their words; ``canvas`` is changed."""
    words = top + CELL + 22
    _paste(canvas, framed(_fit(row.query), drawing.MUTED, broken=False), 0, top)
    _write(figure, row.query_label, _left(0) + CELL // 2, words, CELL, color=drawing.INK)
    for column, neighbour in enumerate(row.neighbours[:NEAREST], start=1):
        colour = RIGHT if neighbour.correct else WRONG
        picture = framed(_fit(neighbour.image), colour, broken=not neighbour.correct)
        _paste(canvas, picture, column, top)
        middle = _left(column) + CELL // 2
        mark = "\u2713" if neighbour.correct else "\u2717"
        distance = _distance(neighbour.distance)
        _write(figure, mark, middle - 46, words, CELL, color=colour, size=9.5, weight="bold")
        _write(figure, distance, middle + 10, words, CELL, weight="bold", size=7.5)
        _write(figure, neighbour.label, middle, words + 30, CELL + GAP // 2, color=drawing.MUTED)


def _distance(value: float) -> str:
    """Three decimals, "-" where it is not finite."""
    return f"{value:.3f}" if abs(value) < 1000 else number(float(value))


def _fit(image: np.ndarray) -> np.ndarray:
    """Give the image the size that leaves room for its frame inside a cell."""
    return enlarge(image, CELL - 2 * (FRAME + 4))


def _paste(canvas: np.ndarray, picture: np.ndarray, column: int, top: int) -> None:
    """Put ``picture`` into the middle of its cell."""
    h, w = picture.shape[:2]
    y, x = top + (CELL - h) // 2, _left(column) + (CELL - w) // 2
    canvas[y : y + h, x : x + w] = picture


def _write(
    figure: Figure,
    text: str,
    x: int,
    y: int,
    room: int,
    *,
    color: str = drawing.INK,
    size: float = 7.0,
    weight: str = "normal",
) -> None:
    """Text centred at a pixel from the top left, cut with an ellipsis to ``room`` pixels."""
    line = one_line(text)
    shown = line
    while len(line) > 1 and drawing.text_width([shown], size, weight) > room * 72 / DPI:
        line = line[:-1]
        shown = line.rstrip() + "\u2026"
    place = x / WIDTH, 1 - y / (figure.get_figheight() * DPI)
    font: dict[str, Any] = {"fontsize": size, "fontweight": weight, "color": color}
    figure.text(*place, shown, ha="center", va="center", parse_math=False, **font)
