"""The accuracy matrix as a heat map: what each experience left of the ones before it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from simlearn.report import drawing
from simlearn.report.report import FigureImage
from simlearn.report.wording import NOTHING, one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NUMBERED = 30  # most experiences with a number in each cell
SPELT = 6  # most experiences that the words for those who cannot see it name
WIDTH, SIDE, CELL, NAMES, TOP, BELOW = 619.2, 400.0, (62.0, 30.0), 150.0, 34.0, 10.0  # points
BAR = (26.0, 22.0)  # points: left of the colour bar, its width
STRENGTH = (0.05, 0.10, 0.16, 0.22, 0.28, 0.34, 0.41, 0.49, 0.84, 1.0)
"""How strong the colour is for accuracies of 0 to 10 %, 10 to 20 %, ...; words of the last two are
in PAPER, the others in INK, so that they are readable on a light and on a dark page."""
ON_DARK = 8  # first step with words in PAPER


def accuracy_matrix_figure(
    acc: np.ndarray | Tensor | Sequence[Sequence[float | None]],
    names: Sequence[str],
    *,
    title: str,
) -> FigureImage:
    """Draw the accuracy on the classes of experience k (columns) after experience t (rows).

    The darker a cell the higher the accuracy, in ten steps; up to 30 experiences each cell has its
    percent. What is nan or ``None``, such as all above the diagonal, stays empty.

    Args:
        acc: ``(T, T)`` shares in [0, 1], T >= 1.
        names: T names of the experiences (their classes, say); shortened where they are long.
        title: heading of the figure on the page.

    Returns:
        The figure ``accuracy_matrix`` as SVG.

    Raises:
        ValueError: a matrix that is not square, a value outside [0, 1], not one name per
            experience.
    """
    table = _checked(acc, names)
    with drawing.figure_style():
        svg = drawing.svg_text(_draw(table, names))
    return FigureImage(
        name="accuracy_matrix",
        title=title,
        alt=_words(table, names),
        svg=svg,
        caption="Row t: after experience t; column k: accuracy in percent on the test images of "
        "the classes that experience k brought, told among all classes seen by then.",
    )


def step(value: float) -> int:
    """Which of the ten steps 0 to 9 a share in [0, 1] lies in; a lower end belongs to its step."""
    return min(9, int(10 * value + 1e-9))


def _checked(acc: Any, names: Sequence[str]) -> np.ndarray:
    """Give ``(T, T)`` float64, or refuse it by what was found."""
    table = np.asarray(acc.cpu() if isinstance(acc, Tensor) else acc, dtype=np.float64)
    if table.ndim != 2 or table.shape[0] != table.shape[1] or table.size == 0:
        raise ValueError(f"accuracy matrix must be (T, T) with T >= 1, found shape {table.shape}")
    if len(names) != len(table):
        raise ValueError(
            f"accuracy matrix: {len(names)} names for {len(table)} experiences; give one each"
        )
    wrong = np.argwhere((table < 0) | (table > 1)).tolist()
    if wrong:
        t, k = wrong[0]
        raise ValueError(
            f"accuracy matrix: {table[t, k]:g} in row {t}, column {k} is no share in [0, 1]; give "
            "shares, not percent"
        )
    return table


def _words(table: np.ndarray, names: Sequence[str]) -> str:
    """What the picture shows: all experiences of a few, the first and the last of many."""
    count = len(table)
    shown = range(count) if count <= SPELT else (0, count - 1)
    parts = [
        f"{one_line(names[k], 40)} {_percent(table[k, k])} when learnt, "
        f"{_percent(table[-1, k])} after the last"
        for k in shown
    ]
    noun = "experience" if count == 1 else "experiences"
    return f"Accuracy matrix of {count} {noun}. {'; '.join(parts)}."


def _draw(table: np.ndarray, names: Sequence[str]) -> Figure:
    """Cells, their names and the colour bar, centred."""
    from matplotlib.figure import Figure

    count = len(table)
    size = min(7.5, SIDE / count - 2.0) if count > NUMBERED else 7.5
    size = max(size, 5.0)
    rows = [_fitted(f"{t + 1}: {one_line(name, 60)}", size) for t, name in enumerate(names)]
    left = max(drawing.text_width(rows, size), 72.0) + 8
    width = min(CELL[0], SIDE / count, (WIDTH - left - sum(BAR) - 40) / count)
    height = min(CELL[1], max(width, size + 2.0))
    total = left + count * width + sum(BAR) + 40
    tall = TOP + max(count * height, 10 * 11.0) + BELOW
    start = max((WIDTH - total) / 2, 0.0) + left
    figure = Figure(figsize=(WIDTH / 72, tall / 72))
    bottom = tall - TOP - count * height
    place = (start / WIDTH, bottom / tall, count * width / WIDTH, count * height / tall)
    axes = figure.add_axes(place)
    _bare(axes, count, count)
    _cells(axes, table, min(8.0, 0.36 * width, 0.5 * height))
    _texts(axes, rows, size, width)
    x = start + count * width + BAR[0]
    bar = figure.add_axes((x / WIDTH, 1 - (TOP + 110) / tall, BAR[1] / WIDTH, 110 / tall))
    _bar(bar)
    return figure


def _bare(axes: Axes, columns: float, rows: float) -> None:
    """Axes in cells from the upper left corner, without lines and ticks."""
    axes.set_xlim(0, columns)
    axes.set_ylim(rows, 0)
    axes.grid(False)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)


def _cells(axes: Axes, table: np.ndarray, size: float) -> None:
    """Colour the cells that have a value, one path per step, and write the percent in them."""
    digits = 1 if len(table) <= 9 else 0
    levels = np.where(np.isfinite(table), np.vectorize(step)(np.nan_to_num(table)), -1)
    for level, strength in enumerate(STRENGTH):
        cells = np.argwhere(levels == level)
        _fill(axes, [(k + 0.02, t + 0.03, 0.96, 0.94) for t, k in cells.tolist()], strength)
        colour = drawing.PAPER if level >= ON_DARK else drawing.INK
        for t, k in cells.tolist() if len(table) <= NUMBERED else ():
            text = f"{100 * table[t, k]:.{digits}f}"
            axes.text(k + 0.5, t + 0.5, text, color=colour, size=size, ha="center",
                      va="center_baseline")  # fmt: skip


def _fill(axes: Axes, boxes: Sequence[tuple[float, float, float, float]], strength: float) -> None:
    """Fill boxes (x, y, width, height) as one path; nothing for none."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    if not boxes:
        return
    corners = [[(x, y), (x + w, y), (x + w, y + h), (x, y + h), (x, y)] for x, y, w, h in boxes]
    path = Path.make_compound_path(*[Path(c, closed=True) for c in corners])
    axes.add_patch(PathPatch(path, facecolor=drawing.BLUE, alpha=strength, linewidth=0))


def _texts(axes: Axes, rows: Sequence[str], size: float, width: float) -> None:
    """Names at the left of the rows, numbers above the columns, and what they stand for."""
    from matplotlib.transforms import offset_copy

    figure: Any = axes.figure
    beside = offset_copy(axes.transData, figure, -6, 0, units="points")
    above = offset_copy(axes.transData, figure, 0, 5, units="points")
    higher = offset_copy(axes.transData, figure, 0, 18, units="points")
    corner = offset_copy(axes.transData, figure, -6, 18, units="points")
    every = next(n for n in (1, 2, 5, 10, 20, 50, len(rows)) if n * width >= 1.7 * size)
    for t, name in enumerate(rows):
        axes.text(0, t + 0.5, name, size=size, ha="right", va="center_baseline", transform=beside)
        if (t + 1) % every == 0:
            axes.text(t + 0.5, 0, str(t + 1), size=size, ha="center", transform=above)
    axes.text(0, 0, "after experience \u2193", ha="right", color=drawing.MUTED, size=7.5,
              transform=corner)  # fmt: skip
    axes.text(0, 0, "on the classes of experience \u2192", ha="left", color=drawing.MUTED, size=7.5,
              transform=higher)  # fmt: skip


def _bar(axes: Axes) -> None:
    """Draw the ten steps from high to low, every other end in percent at the right."""
    _bare(axes, 1, 10)
    for level, strength in enumerate(reversed(STRENGTH)):
        _fill(axes, [(0, level, 1, 1)], strength)
    for end in range(0, 101, 20):
        axes.text(1.18, 10 - end / 10, f"{end} %", size=7.0, va="center_baseline",
                  color=drawing.MUTED)  # fmt: skip


def _fitted(line: str, size: float) -> str:
    """Cut a name with an ellipsis to ``NAMES`` points."""
    if drawing.text_width([line], size) <= NAMES:
        return line
    cut = bisect_left(
        range(1, len(line)),
        True,
        key=lambda n: drawing.text_width([line[:n] + "\u2026"], size) > NAMES,
    )
    return line[:cut].rstrip() + "\u2026"


def _percent(value: float) -> str:
    """Write a share in percent with one decimal."""
    return f"{100 * value:.1f} %" if np.isfinite(value) else NOTHING
