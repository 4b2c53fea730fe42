"""The drawing of the confusion of kinds of errors: cells, words, steps of the colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simlearn.analysis.errorradar.taxonomy import CATEGORIES, NAMES
from simlearn.report import drawing, panels
from simlearn.report.confusion_plan import NUMBERS, ON_DARK, STEPS
from simlearn.report.wording import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

UNPARSED = "unparsed"
COLUMNS = (*CATEGORIES, UNPARSED)
CODE = 40.0  # points: room for a code beside its number of problems
CELL, TOP, BELOW = (56.0, 34.0), 34.0, 10.0  # points: a cell, heads above, below
SWATCH, APART = (30.0, 11.0), 22.0  # points: a cell of the colour bar, between it and the map
STRENGTH = {**NUMBERS, drawing.GREY: (0.07, 0.12, 0.18, 0.25, 0.33, 0.41, 0.49, 0.97, 1.0)}
"""How strong each colour is in each of the steps; words of the last two are in PAPER."""
COLOURS = {"right": drawing.BLUE, "wrong": drawing.ORANGE, UNPARSED: drawing.GREY}


def error_map(table: np.ndarray) -> Figure:
    """Draw the cells, words at the left and above, and the steps of the colours at the right.

    Call it inside the style block.

    Args:
        table: (5,6) int64 counts, at least 0; a row of zeros stays blank.
    """
    from matplotlib.figure import Figure

    count = len(CATEGORIES)
    counts = [f"n = {number(int(n))}" for n in table.sum(axis=1)]
    names = [NAMES[code] for code in CATEGORIES]
    left = max(drawing.text_width(names, 7.5), drawing.text_width(counts, 7.5) + CODE) + 12
    wide, tall = CELL[0] * len(COLUMNS), CELL[1] * count
    bar = (len(COLOURS) * SWATCH[0], SWATCH[1] * len(STEPS))
    width, height = panels.WIDTH, TOP + tall + BELOW
    start = left + max(0.0, (width - left - wide - bar[0] - APART - 28) / 2)
    figure = Figure(figsize=(width / 72, height / 72))
    axes = figure.add_axes((start / width, BELOW / height, wide / width, tall / height))
    _bare(axes, len(COLUMNS), count)
    _cells(axes, table)
    heads = zip(COLUMNS, range(len(COLUMNS)), strict=True)
    for head, j in heads:
        _write(axes, head, (j + 0.5, 0), (0, 5), 8.0, drawing.INK, ha="center",
               weight="normal" if head == UNPARSED else "bold")  # fmt: skip
    _write(axes, "true \u2193", (0, 0), (-8, 18), 7.5, drawing.MUTED, ha="right")
    _write(axes, "said \u2192", (0, 0), (2, 18), 7.5, drawing.MUTED)
    for i, code in enumerate(CATEGORIES):
        _write(axes, code, (0, i + 0.5), (-8, 2), 8.0, drawing.INK, ha="right",
               weight="bold")  # fmt: skip
        _write(axes, counts[i], (0, i + 0.5), (-8 - CODE, 2), 7.5, drawing.MUTED, ha="right")
        _write(axes, names[i], (0, i + 0.5), (-8, -8.5), 7.5, drawing.MUTED, ha="right")
    x = start + wide + APART
    place = (x / width, 1 - (TOP + bar[1]) / height, bar[0] / width, bar[1] / height)
    _bar(figure.add_axes(place))
    return figure


def _bare(axes: Axes, columns: float, rows: float) -> None:
    """Axes in cells from the upper left corner, without lines and ticks."""
    axes.set_xlim(0, columns)
    axes.set_ylim(rows, 0)
    axes.grid(visible=False)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)


def _cells(axes: Axes, table: np.ndarray) -> None:
    """Fill the cells by step and colour, write the count and the percent of the row in each."""
    texts = [number(n) for n in table.ravel().tolist()]
    size = min(8.0, 8.0 * (CELL[0] - 10) / drawing.text_width(texts, 8.0))
    boxes: dict[tuple[str, float], list[panels.Box]] = {}
    for i, row in enumerate(table.tolist()):
        total = sum(row)
        for j, count in enumerate(row if total else ()):
            kind = "right" if i == j else UNPARSED if j == len(CATEGORIES) else "wrong"
            level = int(np.searchsorted(STEPS, 100 * count / total, side="left"))
            if level:
                key = COLOURS[kind], STRENGTH[COLOURS[kind]][level - 1]
                boxes.setdefault(key, []).append((j + 0.015, i + 0.03, 0.97, 0.94))
            ink = drawing.PAPER if level >= ON_DARK else drawing.INK if level else drawing.MUTED
            middle = (j + 0.5, i + 0.5)
            _write(axes, number(count), middle, (0, 1), size, ink, ha="center")
            if count:
                _write(axes, panels.percent(count / total), middle, (0, -10), 6.5, ink, ha="center")
    for (colour, strength), some in boxes.items():
        panels.fill_boxes(axes, some, colour, alpha=strength)
    lines = [((0, i), (len(COLUMNS), i)) for i in range(len(CATEGORIES) + 1)]
    lines += [((j, 0), (j, len(CATEGORIES))) for j in range(len(COLUMNS) + 1)]
    for (x, y), (right, low) in lines:
        axes.plot((x, right), (y, low), color=drawing.GRID, linewidth=0.7, clip_on=False, zorder=0)


def _write(
    axes: Axes,
    text: str,
    at: tuple[float, float],
    shift: tuple[float, float],
    size: float,
    colour: str,
    *,
    ha: str = "left",
    weight: str = "normal",
) -> None:
    """Write text so many points right of and above a place of the axes."""
    axes.annotate(text, at, shift, textcoords="offset points", ha=ha, size=size, color=colour,
                  weight=weight, annotation_clip=False)  # fmt: skip


def _bar(axes: Axes) -> None:
    """Draw the steps of the three colours from high to low, their ends in percent at the right."""
    _bare(axes, len(COLOURS), len(STEPS))
    for j, (kind, colour) in enumerate(COLOURS.items()):
        for i, strength in enumerate(reversed(STRENGTH[colour])):
            panels.fill_boxes(axes, [(j, i, 0.95, 1)], colour, alpha=strength)
        _write(axes, kind, (j + 0.48, 0), (0, 4), 6.5, drawing.MUTED, ha="center")
    _write(
        axes, "share of the row", (len(COLOURS) / 2, 0), (0, 15), 7.0, drawing.MUTED, ha="center"
    )
    for i, end in enumerate((100, *reversed(STEPS))):
        _write(axes, f"{end} %", (len(COLOURS), i), (3, -2.5), 7.0, drawing.MUTED)
