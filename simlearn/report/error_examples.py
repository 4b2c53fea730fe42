"""Worked solutions with the first wrong step marked, and what the model said about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from simlearn.report import drawing
from simlearn.report.error_example import UNREADABLE, ErrorExample, check_error_example, picked
from simlearn.report.error_example_plan import CELL, COLUMNS, GAP, LINE, Plan, example_plan
from simlearn.report.grid import DPI, MARGIN, WIDTH
from simlearn.report.report import FigureImage
from simlearn.report.wording import one_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST, BETWEEN = 8, 64  # examples, pixels between rows


def error_examples_figure(
    examples: Sequence[ErrorExample], *, title: str, name: str = "error_examples"
) -> FigureImage:
    """Draw up to eight worked solutions, two to a row, as a PNG of 1600 pixels' width.

    The first wrong step stands on green, the model's pick on orange (on green with a tick where
    both are one step). Of more than eight steps those around the wrong one are shown. Below: the
    true kind of error, the kind that the model said, and the beginning of its reply.

    Args:
        examples: 1 to 8, row by row.
        title: heading of the figure on the page.
        name: the figure's file name.

    Raises:
        ValueError: no example or more than 8, or one that :func:`check_error_example` refuses; it
            is named.
    """
    if not 1 <= len(examples) <= MOST:
        raise ValueError(f"error examples show 1 to {MOST} solutions, found {len(examples)}")
    for i, example in enumerate(examples):
        check_error_example(example, f"example {i}, {one_line(example.question, 40)!r}")
    with drawing.figure_style():
        png = drawing.png_bytes(_draw([example_plan(example) for example in examples]))
    totals = []
    for noun, found in (
        ("step", [example.step_right for example in examples]),
        ("kind of error", [example.category_right for example in examples]),
    ):
        asked = [right for right in found if right is not None]
        if asked:
            totals.append(f"the {noun} is right in {sum(asked)} of {len(asked)}")
    words = "; ".join(_words(i, example) for i, example in enumerate(examples, start=1))
    return FigureImage(
        name=name,
        title=title,
        alt=f"Worked solutions and what the model said: {', '.join(totals) or 'no verdict'}. "
        f"{words}.",
        png=png,
        caption="Green: the first wrong step; orange: the step that the model picked; green with "
        "a tick: both. The last line is the beginning of the model's reply as it came.",
    )


def _words(place: int, example: ErrorExample) -> str:
    """One example for those who cannot see it."""
    parts = []
    if example.asked != "category":
        parts.append(f"{_wrong(example.gold_step)}, said: {picked(example.said_step)}")
    if example.asked != "step":
        parts.append(
            f"{example.gold_category or 'kind not known'}, said: "
            f"{example.said_category or UNREADABLE}"
        )
    return f"example {place}: {', '.join(parts)}"


def _wrong(step: int) -> str:
    """The true step in words."""
    return f"step {step} of the solution is wrong" if step else "no step is wrong"


def _draw(plans: Sequence[Plan]) -> Figure:
    """Pictures and bands on a canvas, words over it; the rows are as high as their tallest."""
    from matplotlib.figure import Figure

    rows = [plans[i : i + COLUMNS] for i in range(0, len(plans), COLUMNS)]
    heights = [max(plan.height for plan in row) for row in rows]
    height = sum(heights) + BETWEEN * (len(rows) - 1) + 2 * MARGIN
    canvas = np.full((height, WIDTH, 3), 255, np.uint8)
    figure = Figure(figsize=(WIDTH / DPI, height / DPI), dpi=DPI)
    top = MARGIN
    for row, tall in zip(rows, heights, strict=True):
        if top > MARGIN:
            _fill(canvas[top - BETWEEN // 2 :][:2, MARGIN : WIDTH - MARGIN], drawing.GRID, 1.0)
        for k, plan in enumerate(row):
            left = MARGIN + k * (CELL + GAP)
            _paste(canvas, plan, left, top)
            for text in plan.texts:
                place = (left + text.left) / WIDTH, 1 - (top + text.top + LINE / 2) / height
                figure.text(*place, text.words, va="center", size=text.size, color=text.colour,
                            weight=text.weight, family=text.family)  # fmt: skip
        top += tall + BETWEEN
    figure.figimage(canvas, zorder=-1)
    return figure


def _paste(canvas: np.ndarray, plan: Plan, left: int, top: int) -> None:
    """Put the grounds of the marked steps and the picture onto the canvas."""
    for band in plan.bands:
        ground = canvas[top + band.top :][: band.height, left : left + CELL]
        _fill(ground, band.colour, 0.12)
        _fill(ground[:, :5], band.colour, 1.0)
    if (picture := plan.picture) is not None:
        place = canvas[top + plan.picture_top :, left:]
        place[: picture.shape[0], : picture.shape[1]] = picture


def _fill(pixels: np.ndarray, colour: str, strength: float) -> None:
    """Mix white pixels with so much of a colour; ``pixels`` is changed."""
    rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])
    pixels[...] = np.round(255 + strength * (rgb - 255)).astype(np.uint8)
