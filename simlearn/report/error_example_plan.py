"""Where the parts of a worked solution stand in the figure of examples."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from simlearn.analysis.errorradar.taxonomy import NAMES
from simlearn.report import drawing
from simlearn.report.answer_examples import wrapped
from simlearn.report.error_example import UNREADABLE, ErrorExample, picked
from simlearn.report.grid import DPI, MARGIN, WIDTH, enlarge
from simlearn.report.wording import one_line

COLUMNS, GAP = 2, 56  # examples of a row, pixels between them
CELL = (WIDTH - 2 * MARGIN - GAP) // COLUMNS
WIDE, SIDE, EDGE, APART = 360, 280, 2, 20
"""Pixels: most width and height of a picture, its frame, room between it and the question."""
LINE, PARAGRAPH, SIZE, MONO = 28, 14, 7.5, 6.5  # pixels, pixels, points, points
QUESTION, STEPS, LETTERS = 10, 8, 120  # most lines of a question, steps, letters of a line
INDENT, TAG = 62, 236  # pixels: left of a step's text, right of it
RIGHT, SAID = drawing.GREEN, drawing.ORANGE
FAMILY = "DejaVu Sans Mono"
MARKS = {True: "\u2713", False: "\u2717", None: "?"}


class Text(NamedTuple):
    """One line of an example: its words, where they begin (pixels) and how they look."""

    words: str
    left: int
    top: int
    colour: str = drawing.INK
    weight: str = "normal"
    family: str = "sans-serif"
    size: float = SIZE


class Band(NamedTuple):
    """The ground of a marked step: its colour, where it begins, how high it is (pixels)."""

    colour: str
    top: int
    height: int


class Plan(NamedTuple):
    """All that is drawn for one example, in pixels from its upper left corner.

    Attributes:
        picture: uint8 (H,W,3) or none; at the left.
        picture_top: where it begins.
        texts: lines of words.
        bands: grounds of the marked steps.
        height: of all of it.
    """

    picture: np.ndarray | None
    picture_top: int
    texts: list[Text]
    bands: list[Band]
    height: int


def example_plan(example: ErrorExample) -> Plan:
    """Lay out one example from the top: picture and question, steps, verdicts, reply."""
    texts: list[Text] = []
    bands: list[Band] = []
    picture = None if example.image is None else _picture(example.image)
    top = 0
    if example.id:
        (head,) = wrapped(example.id, _points(CELL), 1)
        texts.append(Text(head, 0, 0, drawing.MUTED))
        top = LINE
    left = 0 if picture is None else picture.shape[1] + APART
    lines = wrapped(example.question, _points(CELL - left), QUESTION)
    texts += [Text(line, left, top + LINE * k) for k, line in enumerate(lines)]
    below = top + max(LINE * len(lines), 0 if picture is None else picture.shape[0]) + PARAGRAPH
    below = _steps(example, below, texts, bands) + PARAGRAPH
    below = _verdicts(example, below, texts)
    for line in mono_lines(example.reply or "(empty)", _points(CELL), 2):
        texts.append(Text(line, 0, below, drawing.MUTED, family=FAMILY, size=MONO))
        below += LINE
    return Plan(picture, top, texts, bands, below)


def shown_steps(count: int, gold: int, said: int | None, most: int = STEPS) -> list[int]:
    """Choose the steps to draw: the wrong one, the picked one, and those nearest to the wrong one.

    Args:
        count: how many steps there are, at least 1.
        gold: number of the wrong step from 1, 0 for none (then those nearest to the pick, or the
            first ones).
        said: the picked step or 0; ``None`` where there is none.
        most: at least 2.

    Returns:
        min(count, most) numbers from 1, ascending.
    """
    centre = gold or said or 1
    kept = {step for step in (gold, said or 0) if step}
    near = sorted(set(range(1, count + 1)) - kept, key=lambda step: (abs(step - centre), step))
    return sorted([*kept, *near[: max(0, min(count, most) - len(kept))]])


def _picture(image: np.ndarray) -> np.ndarray:
    """Fit the image into ``WIDE`` x ``SIDE`` pixels, with a thin frame around it."""
    height, width = image.shape[:2]
    fitted = enlarge(image, min(WIDE, max(1, SIDE * width // height)) if width > height else SIDE)
    colour = [int(drawing.GRID[i : i + 2], 16) for i in (1, 3, 5)]
    out = np.empty((fitted.shape[0] + 2 * EDGE, fitted.shape[1] + 2 * EDGE, 3), np.uint8)
    out[:] = colour
    out[EDGE:-EDGE, EDGE:-EDGE] = fitted
    return out


def _points(pixels: int) -> float:
    """Pixels of the picture in points."""
    return pixels * 72 / DPI


def _steps(example: ErrorExample, top: int, texts: list[Text], bands: list[Band]) -> int:
    """Add the steps with their marks and what is left out; give where they end."""
    said = None if example.asked == "category" else example.said_step
    gold, count = example.gold_step, len(example.steps)
    numbers = shown_steps(count, gold, said)
    for before, step in pairwise((0, *numbers, count + 1)):
        if step - before > 1:
            out = step - before - 1
            words = f"\u2026 {out} {'step' if out == 1 else 'steps'} left out"
            texts.append(Text(words, INDENT, top, drawing.MUTED))
            top += LINE
        if step > count:
            break
        tag, colour = _tag(step, gold, said, asked=example.asked != "category")
        room = _points(CELL - INDENT - (TAG if tag else 0))
        most = 4 if tag else 2
        text = one_line(example.steps[step - 1], most * LETTERS) or "(empty)"
        lines = wrapped(text, room, most)
        if tag:
            bands.append(Band(colour, top, LINE * len(lines)))
            texts.append(Text(tag, CELL - TAG + 16, top, colour, "bold"))
        texts.append(Text(f"{step}.", 10, top, colour, "bold" if tag else "normal"))
        for k, line in enumerate(lines):
            texts.append(Text(line, INDENT, top + LINE * k))
        top += LINE * len(lines) + 4
    return top


def _tag(step: int, gold: int, said: int | None, *, asked: bool) -> tuple[str, str]:
    """What stands beside a step and its colour; nothing for a step that is not marked."""
    if step == gold:
        return ("wrong, found \u2713" if said == gold else "first wrong step"), RIGHT
    return ("model's pick \u2717", SAID) if asked and step == said else ("", drawing.INK)


def _verdicts(example: ErrorExample, top: int, texts: list[Text]) -> int:
    """Add what no step shows, and the true and the said kind of error; give where they end."""
    lines: list[tuple[str, str]] = []
    if not example.gold_step:
        lines.append(("no step is wrong", RIGHT))
    if example.asked != "category" and not example.said_step:
        right = example.step_right
        lines.append((f"{MARKS[right]} step said: {picked(example.said_step)}",
                      RIGHT if right else SAID))  # fmt: skip
    gold, said = example.gold_category, example.said_category
    if gold is not None:
        lines.append((f"kind of error: {gold}, {NAMES[gold]}", drawing.INK))
    if example.asked != "step":
        right = example.category_right
        words = f"{said}, {NAMES[said]}" if said else UNREADABLE
        colour = {True: RIGHT, False: SAID, None: drawing.MUTED}[right]
        lines.append((f"{MARKS[right]} kind said: {words}", colour))
    for words, colour in lines:
        texts.append(Text(words, 0, top, colour, "normal" if colour == drawing.INK else "bold"))
        top += LINE
    return top


def mono_lines(text: str, room: float, most: int) -> list[str]:
    """Break text anywhere into at most ``most`` lines of ``room`` points in a fixed-width face.

    What does not fit is cut with an ellipsis; all letters are as wide as the widest of the line.
    """
    from matplotlib.backends.backend_agg import RendererAgg
    from matplotlib.font_manager import FontProperties

    renderer, font = RendererAgg(16, 16, 72), FontProperties(family=FAMILY, size=MONO)
    line = one_line(text, 400)
    widest = max(
        renderer.get_text_width_height_descent(letter * 8, font, False)[0] / 8
        for letter in {*line, "M"}
    )
    each = max(1, int(room / widest))
    kept = line if len(line) <= each * most else line[: each * most - 1] + "\u2026"
    return [kept[i : i + each] for i in range(0, len(kept), each)]
