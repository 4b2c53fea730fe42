"""How many neurons each two groups share, and in which third of the layers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from simlearn.report import drawing, panels
from simlearn.report.heat_map import ON_DARK, STRENGTH, step
from simlearn.report.report import FigureImage
from simlearn.report.wording import number, one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST, CELL, LOW = 8, (74.0, 38.0), 22.0  # groups; points: largest cell, height in the thirds
NAMES, HEAD, SIZE, GAP, SPELT = 140.0, 52.0, 7.5, 34.0, 6
LINE = 14.0  # points: a line of names above the columns
NO_STEP = -1  # of cells without a share
TITLE, BELOW = 16.0, 8.0  # points above the names of the columns, below the cells
THIRDS = ("lower third of the layers", "middle third", "upper third")


def neuron_overlap_figure(
    counts: np.ndarray | Tensor | Sequence[Sequence[int]],
    jaccard: np.ndarray | Tensor | Sequence[Sequence[float]],
    names: Sequence[str],
    *,
    title: str,
    thirds: np.ndarray | Tensor | Sequence[Sequence[Sequence[float]]] | None = None,
    name: str = "neuron_overlap",
) -> FigureImage:
    """Draw how many neurons two groups share and which share of their union that is (Jaccard).

    Args:
        counts: ``(G, G)`` whole numbers >= 0, the diagonal the size of each group; 1 <= G <= 8.
        jaccard: ``(G, G)`` shares in [0, 1]; nan, of two empty groups say, is shown as "-".
        names: G names of the groups.
        title: heading of the figure on the page.
        thirds: ``(3, G, G)`` Jaccard shares among the lower, middle and upper third of the layers.
        name: the figure's file name.

    Raises:
        ValueError: another shape, a share outside [0, 1], a count that is no whole number >= 0,
            not one name per group.
    """
    size = len(names)
    table = _checked("counts", counts, (size, size), np.inf)
    shares = _checked("jaccard", jaccard, (size, size), 1.0)
    split = None if thirds is None else _checked("thirds", thirds, (3, size, size), 1.0)
    if not np.array_equal(table, np.floor(table)):
        raise ValueError("overlap: counts are whole numbers of neurons, found fractions or nan")
    with drawing.figure_style():
        svg = drawing.svg_text(_draw(table, shares, split, names))
    return FigureImage(
        name=name,
        title=title,
        alt=_words(table, shares, names),
        svg=svg,
        caption="Neurons that two groups share, and in percent of the neurons that either has "
        "(Jaccard). On the diagonal: neurons of the group."
        + (" Below: the same percent by thirds of the layers." if split is not None else ""),
    )


def _checked(what: str, values: Any, shape: tuple[int, ...], most: float) -> np.ndarray:
    """Give float64 of the shape, or refuse it by what was found."""
    table = np.asarray(values.cpu() if isinstance(values, Tensor) else values, dtype=np.float64)
    if table.shape != shape or not 1 <= shape[-1] <= MOST:
        raise ValueError(
            f"overlap: {what} must be {shape}, one row and column per name and 1 to {MOST} names, "
            f"found shape {table.shape}"
        )
    wrong = np.argwhere((table < 0) | (table > most) | np.isinf(table)).tolist()
    if wrong:
        bound = "a share in [0, 1]" if most == 1 else "a number of neurons"
        raise ValueError(
            f"overlap: {what}, place {tuple(wrong[0])}: {table[tuple(wrong[0])]:g} is not {bound}"
        )
    return table


def _words(table: np.ndarray, shares: np.ndarray, names: Sequence[str]) -> str:
    """Sizes of the groups and the pairs with the largest overlap."""
    sizes = [f"{one_line(n, 40)} {number(int(table[i, i]))}" for i, n in enumerate(names)]
    pairs = [(i, k) for i in range(len(names)) for k in range(i)]
    pairs.sort(key=lambda p: -np.nan_to_num(shares[p], nan=-1.0))
    told = [
        f"{one_line(names[k], 40)} and {one_line(names[i], 40)} {number(int(table[i, k]))} "
        f"({panels.percent(shares[i, k])})"
        for i, k in pairs[:SPELT]
    ]
    most = f" Largest overlaps: {', '.join(told)}." if told else ""
    return f"Overlap of neurons. Sizes of the groups: {', '.join(sizes)}.{most}"


def _draw(
    table: np.ndarray, shares: np.ndarray, thirds: np.ndarray | None, names: Sequence[str]
) -> Figure:
    """Put the matrix above, the thirds side by side below it."""
    from matplotlib.figure import Figure

    count = len(names)
    rows = [panels.fitted(n, NAMES, SIZE) for n in names]
    left = drawing.text_width(rows, SIZE) + 14
    wide = min(CELL[0], (panels.WIDTH - left - HEAD) / count)
    small = min(34.0, (panels.WIDTH - left - HEAD - 2 * GAP) / (3 * count))
    head = _head(names, wide)
    widest = drawing.text_width(THIRDS, 8.0) + 14
    pitch = max(count * small + GAP, widest)
    across = count * wide if thirds is None else max(count * wide, 3 * pitch - GAP)
    slanted = max(head, 0.0 if thirds is None else _head(names, small)) > LINE
    left += max(0.0, (panels.WIDTH - left - across - HEAD * slanted) / 2)
    lower = 0.0 if thirds is None else 20 + TITLE + _head(names, small) + count * LOW
    total = head + 4 + count * CELL[1] + lower + BELOW
    figure = Figure(figsize=(panels.WIDTH / 72, total / 72))
    axes = _grid(figure, (left, total - head - 4, wide, CELL[1]), count)
    _label(axes, rows, names, (wide, CELL[1]), with_rows=True)
    _cells(axes, shares, table)
    for third, part in enumerate([] if thirds is None else thirds):
        axes = _grid(figure, (left + third * pitch, BELOW + count * LOW, small, LOW), count)
        _label(axes, rows, names, (small, LOW), with_rows=third == 0, title=THIRDS[third])
        _cells(axes, part, None)
    return figure


def _head(names: Sequence[str], wide: float) -> float:
    """Tell how many points the names above columns take: a line, or more where they slant."""
    widest = drawing.text_width([one_line(n) for n in names], SIZE)
    return LINE if widest <= wide - 4 else 8 + 0.7 * min(widest, HEAD) + 6


def _grid(figure: Figure, place: tuple[float, float, float, float], count: int) -> Axes:
    """Axes in cells from (left, top) in points, of the cell's (width, height), without lines."""
    left, top, wide, high = place
    width, height = panels.WIDTH, 72 * figure.get_figheight()
    low = (top - count * high) / height
    axes = figure.add_axes((left / width, low, count * wide / width, count * high / height))
    axes.set_xlim(0, count)
    axes.set_ylim(count, 0)
    axes.set_axis_off()
    return axes


def _label(
    axes: Axes,
    rows: Sequence[str],
    names: Sequence[str],
    cell: tuple[float, float],
    *,
    with_rows: bool,
    title: str = "",
) -> None:
    """Write names at the left of the rows and above the columns, slanted where they are wide."""
    head = _head(names, cell[0])
    slants = head > LINE
    for i, name in enumerate(names):
        if with_rows:
            axes.annotate(rows[i], (0, i + 0.5), (-6, 0), textcoords="offset points", size=SIZE,
                          ha="right", va="center")  # fmt: skip
        axes.annotate(panels.fitted(name, HEAD if slants else cell[0], SIZE), (i + 0.5, 0),
                      (0, 4), textcoords="offset points", size=SIZE,
                      ha="left" if slants else "center", rotation=45 if slants else 0,
                      rotation_mode="anchor")  # fmt: skip
    axes.annotate(title, (0, 0), (0, head + 6), textcoords="offset points", size=8.0,
                  color=drawing.MUTED)  # fmt: skip


def _cells(axes: Axes, shares: np.ndarray, counts: np.ndarray | None) -> None:
    """Colour cells by their tenth and write count and percent, or only the rounded percent.

    The diagonal and what is nan are pale grey.
    """
    boxes: dict[int, list[panels.Box]] = {}
    for i, k in np.ndindex(shares.shape):
        share = float(shares[i, k])
        level = step(share) if i != k and math.isfinite(share) else NO_STEP
        boxes.setdefault(level, []).append((k + 0.02, i + 0.03, 0.96, 0.94))
        lines = [] if counts is None else [number(int(counts[i, k]))]
        if i != k:
            short = panels.percent(share, 0).removesuffix(" %")
            lines.append(short if counts is None else panels.percent(share))
        for line, word in enumerate(lines):
            y = i + 0.5 + 0.32 * (line - (len(lines) - 1) / 2)
            axes.text(k + 0.5, y, word, size=8.0 - line, ha="center", va="center_baseline",
                      color=drawing.PAPER if level >= ON_DARK else drawing.INK)  # fmt: skip
    for level, some in boxes.items():
        colour = drawing.GRID if level == NO_STEP else drawing.BLUE
        panels.fill_boxes(axes, some, colour, alpha=1.0 if level == NO_STEP else STRENGTH[level])
