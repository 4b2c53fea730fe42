"""Examples of answers: picture or sound, question, right answer, what the model said."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from simlearn.report import drawing, panels
from simlearn.report.answer_example import AnswerExample, Reply, check_example
from simlearn.report.grid import DPI, FRAME, MARGIN, RIGHT, WIDTH, WRONG, enlarge, framed
from simlearn.report.report import FigureImage
from simlearn.report.wording import one_line

MOST, COLUMNS, GAP, BETWEEN = 12, 4, 36, 40  # examples; pixels between columns, between rows
CELL = (WIDTH - 2 * MARGIN - (COLUMNS - 1) * GAP) // COLUMNS
EDGE = FRAME + 4  # pixels that a frame adds on each side
SIDE, BELOW, APART = 192, 16, 8  # pixels: longer side of a picture, room below it and a question
WAVE = (110, CELL - 2 * EDGE)  # pixels: height and width of a sound
LINE, SIZE, LETTERS = 28, 7.5, 600  # pixels, points, most letters of a text
BESIDE, ALONE, ANSWER = 4, 11, 2  # most lines: of a question with and without a medium, an answer
NOTHING = "(nothing)"


class Words(NamedTuple):
    """One text of an example, broken into lines."""

    lines: list[str]
    colour: str
    weight: str = "normal"


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
    alt = f"Questions with the model's answers, {right} of {len(examples)} right"
    caption = "Solid green frame and tick: right; broken red frame and cross: wrong."
    if media:
        alt += f"; with the picture or sound blanked {blanked} of {len(media)}"
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
    last = np.maximum(np.ceil(ends[1:]).astype(int), first + 1) + 1  # the next column's first too
    parts = [sound[a:b] for a, b in zip(first, last, strict=True)]
    top = np.array([centre - reach * float(part.max()) for part in parts])
    low = np.array([centre - reach * float(part.min()) for part in parts])
    rows = np.arange(height)[:, None]
    out = np.full((height, width, 3), 255, np.uint8)
    inside = (rows >= np.floor(top)) & (rows <= np.ceil(low))
    out[inside] = [int(drawing.INK[i : i + 2], 16) for i in (1, 3, 5)]
    return out


def wrapped(text: str, room: float, most: int, weight: str = "normal") -> list[str]:
    """Break text between words into at most ``most`` lines of ``room`` points, cut by an ellipsis.

    A word that is too long for a line is broken where the line ends.
    """

    def too_long(line: str) -> bool:
        return drawing.text_width([line], SIZE, weight) > room

    rest = one_line(text, LETTERS)
    lines: list[str] = []
    while len(lines) < most - 1 and too_long(rest):
        sizes = range(2, len(rest) + 1)
        end = 1 + bisect_left(sizes, True, key=lambda n: too_long(rest[:n]))
        space = rest.rfind(" ", 0, end + 1)
        cut = space if space > 0 else end
        lines.append(rest[:cut])
        rest = rest[cut:].lstrip()
    return [*lines, panels.fitted(rest, room, SIZE, weight)]


def _draw(examples: Sequence[AnswerExample]) -> bytes:
    """Pictures on a canvas, words over it; in a row the same texts begin at the same height."""
    from matplotlib.figure import Figure

    pictures, texts = [_picture(e) for e in examples], [_texts(e) for e in examples]
    pasted: list[tuple[np.ndarray, int, int]] = []
    written: list[tuple[Words, int, int]] = []
    top = MARGIN
    for start in range(0, len(examples), COLUMNS):
        cells = range(start, min(start + COLUMNS, len(examples)))
        heads = {i: 0 if (p := pictures[i]) is None else p.shape[0] + BELOW for i in cells}
        head, below = max(heads.values()), 0
        for i in cells:
            left = MARGIN + (i - start) * (CELL + GAP)
            if (picture := pictures[i]) is not None:
                pasted.append((picture, left, top))
            high = head if heads[i] else 0
            written.append((texts[i][0], left, top + high))
            below = max(below, top + high + LINE * len(texts[i][0].lines) + APART)
        for k in range(1, len(texts[start])):
            for i in cells:
                written.append((texts[i][k], MARGIN + (i - start) * (CELL + GAP), below))
            below += LINE * max(len(texts[i][k].lines) for i in cells)
        top = below + BETWEEN
    height = top - BETWEEN + MARGIN
    canvas = np.full((height, WIDTH, 3), 255, np.uint8)
    for picture, left, y in pasted:
        canvas[y : y + picture.shape[0], left : left + picture.shape[1]] = picture
    figure = Figure(figsize=(WIDTH / DPI, height / DPI), dpi=DPI)
    figure.figimage(canvas, zorder=-1)
    for words, left, y in written:
        for k, line in enumerate(words.lines):
            place = left / WIDTH, 1 - (y + (k + 0.5) * LINE) / height
            figure.text(*place, line, va="center", size=SIZE, color=words.colour,
                        weight=words.weight)  # fmt: skip
    return drawing.png_bytes(figure)


def _picture(example: AnswerExample) -> np.ndarray | None:
    """The image or the sound in the frame of its reply; nothing for a question without either."""
    if example.image is not None:
        medium = enlarge(example.image, SIDE)
    elif example.sound is not None:
        medium = waveform(example.sound, *WAVE)
    else:
        return None
    _, colour = _verdict(example.reply)
    return framed(medium, colour, broken=colour == WRONG)


def _verdict(reply: Reply) -> tuple[str, str]:
    """Mark and colour of a reply."""
    if math.isnan(reply.score):
        return "?", drawing.MUTED
    if reply.score == 1:
        return "\u2713", RIGHT
    return ("\u2717" if reply.score == 0 else panels.percent(reply.score, 0)), WRONG


def _texts(example: AnswerExample) -> tuple[Words, ...]:
    """Question, right answer, the model's reply, and its reply to the blanked medium."""
    room = CELL * 72 / DPI
    alone = example.image is None and example.sound is None
    mark, colour = _verdict(example.reply)
    said = f"{mark} {one_line(example.reply.text, LETTERS) or NOTHING}"
    blanked: list[str] = []
    if example.blanked is not None:
        text = one_line(example.blanked.text, LETTERS) or NOTHING
        words = f"{_verdict(example.blanked)[0]} medium blanked: {text}"
        blanked = wrapped(words, room, ANSWER)
    return (
        Words(wrapped(example.question, room, ALONE if alone else BESIDE), drawing.INK),
        Words(wrapped(f"right: {example.right or 'not known'}", room, ANSWER), drawing.MUTED),
        Words(wrapped(said, room, ANSWER, "bold"), colour, "bold"),
        Words(blanked, drawing.MUTED),
    )
