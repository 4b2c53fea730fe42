"""Examples of answers: picture or sound, question, right answer, what the model said."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from simlearn.report import drawing, panels
from simlearn.report.answer_example import AnswerExample, Reply, check_example
from simlearn.report.grid import DPI, FRAME, MARGIN, RIGHT, WIDTH, WRONG, enlarge, framed
from simlearn.report.report import FigureImage
from simlearn.report.wording import one_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST, COLUMNS, GAP, BETWEEN = 12, 4, 36, 40  # examples; pixels between columns, between rows
CELL = (WIDTH - 2 * MARGIN - (COLUMNS - 1) * GAP) // COLUMNS
EDGE = FRAME + 4  # pixels that a frame adds on each side
SIDE, HEAD = 192, 192 + 2 * EDGE + 18  # pixels: longer side of a picture, room for it
WAVE = (120, CELL - 2 * EDGE)  # pixels: height and width of a sound
LINE, SIZE, LETTERS = 28, 7.5, 600  # pixels, points, most letters of a question
LINES = 4  # of a question below its picture
SOUND = panels.COLOURS["audio"]


def answer_examples_figure(
    examples: Sequence[AnswerExample], *, title: str, name: str = "answer_examples"
) -> FigureImage:
    """Draw up to twelve examples, four to a row, as a PNG of 1600 pixels' width.

    A right reply is green with a tick, a wrong one red-orange with a cross, a partly right one
    red-orange with its score in percent; the frame of a picture or sound is solid green or broken
    red likewise. A question without a medium stands alone.

    Args:
        examples: 1 to 12, row by row.
        title: heading of the figure on the page.
        name: the figure's file name.

    Raises:
        ValueError: no example or more than 12, an image that is not uint8 (H,W,3) with
            H, W >= 1, a sound that is not finite floating-point (S,) with S >= 1, a score outside
            [0, 1]; the example is named.
    """
    if not 1 <= len(examples) <= MOST:
        raise ValueError(f"answer examples show 1 to {MOST} questions, found {len(examples)}")
    for i, example in enumerate(examples):
        check_example(example, f"example {i}, {one_line(example.question, 40)!r}")
    with drawing.figure_style():
        png = _draw(examples)
    right = sum(example.reply.score == 1 for example in examples)
    media = [example for example in examples if example.blanked is not None]
    blanked = sum(example.blanked is not None and example.blanked.score == 1 for example in media)
    alt = f"{len(examples)} questions with the model's answers: {right} are right"
    caption = "Solid green frame and tick: right; broken red frame and cross: wrong."
    if media:
        alt += f"; of {len(media)} with a picture or sound, {blanked} are right when it is blanked"
        caption += " Medium blanked: the model's answer to a grey picture or to silence."
    return FigureImage(name, title, f"{alt}.", png=png, caption=caption)


def waveform(sound: np.ndarray, height: int, width: int) -> np.ndarray:
    """Draw a sound: in each column the range of its samples, the loudest from edge to edge.

    Args:
        sound: floating-point (S,), S >= 1.
        height: pixels, at least 2.
        width: pixels.

    Returns:
        uint8 (height, width, 3); silence is a line through the middle.
    """
    centre, reach = (height - 1) / 2, (height - 2) / 2 / (float(np.abs(sound).max()) or 1.0)
    ends = np.linspace(0, len(sound), width + 1)
    first = np.minimum(ends[:-1].astype(int), len(sound) - 1)
    last = np.maximum(np.ceil(ends[1:]).astype(int), first + 1)
    parts = [sound[a:b] for a, b in zip(first, last, strict=True)]
    top = np.array([centre - reach * float(part.max()) for part in parts])
    low = np.array([centre - reach * float(part.min()) for part in parts])
    rows = np.arange(height)[:, None]
    out = np.full((height, width, 3), 255, np.uint8)
    inside = (rows >= np.floor(top)) & (rows <= np.ceil(low))
    out[inside] = [int(SOUND[i : i + 2], 16) for i in (1, 3, 5)]
    return out


def wrapped(text: str, room: float, size: float, most: int) -> list[str]:
    """Break text between words into at most ``most`` lines of ``room`` points, cut by an ellipsis.

    A word that is too long for a line is broken where the line ends.
    """
    rest, lines = one_line(text, LETTERS), []
    while len(lines) < most - 1 and drawing.text_width([rest], size) > room:
        fits = 1
        while drawing.text_width([rest[: fits + 1]], size) <= room:
            fits += 1
        space = rest.rfind(" ", 0, fits + 1)
        cut = space if space > 0 else fits
        lines.append(rest[:cut])
        rest = rest[cut:].lstrip()
    return [*lines, panels.fitted(rest, room, size)]


def _draw(examples: Sequence[AnswerExample]) -> bytes:
    """Pictures on a canvas, words over it; a row is as high as its longest example."""
    from matplotlib.figure import Figure

    pictures = [_picture(example) for example in examples]
    lines = []
    for i, example in enumerate(examples):
        row = slice(i // COLUMNS * COLUMNS, (i // COLUMNS + 1) * COLUMNS)
        beside = any(picture is not None for picture in pictures[row])
        extra = HEAD // LINE if pictures[i] is None else 0
        lines.append(wrapped(example.question, CELL * 72 / DPI, SIZE, LINES + extra * beside))
    tops, top = [], MARGIN
    for start in range(0, len(examples), COLUMNS):
        cells = range(start, min(start + COLUMNS, len(examples)))
        answers = top + max(HEAD * (pictures[i] is not None) + LINE * len(lines[i]) for i in cells)
        tops += [(top, answers + 8) for _ in cells]
        top = answers + 8 + 3 * LINE + BETWEEN
    height = top - BETWEEN + MARGIN
    canvas = np.full((height, WIDTH, 3), 255, np.uint8)
    figure = Figure(figsize=(WIDTH / DPI, height / DPI), dpi=DPI)
    for i, example in enumerate(examples):
        left, (y, answers) = MARGIN + i % COLUMNS * (CELL + GAP), tops[i]
        if (picture := pictures[i]) is not None:
            canvas[y : y + picture.shape[0], left : left + picture.shape[1]] = picture
            y += HEAD
        for k, line in enumerate(lines[i]):
            _write(figure, line, left, y + k * LINE)
        _write_answers(figure, example, left, answers)
    figure.figimage(canvas, zorder=-1)
    return drawing.png_bytes(figure)


def _picture(example: AnswerExample) -> np.ndarray | None:
    """The image or the sound in the frame of its reply; nothing for a question without either."""
    if example.image is None and example.sound is None:
        return None
    sound = np.zeros(1) if example.sound is None else example.sound
    medium = waveform(sound, *WAVE) if example.image is None else enlarge(example.image, SIDE)
    _, colour = _verdict(example.reply)
    return framed(medium, colour, broken=colour == WRONG)


def _verdict(reply: Reply) -> tuple[str, str]:
    """Mark and colour of a reply."""
    if math.isnan(reply.score):
        return "?", drawing.MUTED
    if reply.score == 1:
        return "\u2713", RIGHT
    return ("\u2717" if reply.score == 0 else panels.percent(reply.score, 0)), WRONG


def _write_answers(figure: Figure, example: AnswerExample, left: int, top: int) -> None:
    """Right answer, the model's reply, and its reply to the blanked medium, one below the other."""
    _write(figure, f"right: {example.right or 'not known'}", left, top, color=drawing.MUTED)
    mark, colour = _verdict(example.reply)
    said = f"{mark} {one_line(example.reply.text) or '(nothing)'}"
    _write(figure, said, left, top + LINE, color=colour, weight="bold")
    if example.blanked is not None:
        mark, _ = _verdict(example.blanked)
        said = f"{mark} medium blanked: {one_line(example.blanked.text) or '(nothing)'}"
        _write(figure, said, left, top + 2 * LINE, color=drawing.MUTED)


def _write(
    figure: Figure,
    text: str,
    x: int,
    y: int,
    *,
    color: str = drawing.INK,
    weight: str = "normal",
) -> None:
    """One line whose top left is a pixel from the top left, cut with an ellipsis to a cell."""
    place = x / WIDTH, 1 - (y + LINE / 2) / (figure.get_figheight() * DPI)
    line = panels.fitted(text, CELL * 72 / DPI, SIZE, weight)
    figure.text(*place, line, va="center", size=SIZE, color=color, weight=weight)
