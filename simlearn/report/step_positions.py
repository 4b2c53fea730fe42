"""How often the wrong step is found, by where it stands and by how many steps there are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from simlearn.report import drawing, panels
from simlearn.report.report import FigureImage
from simlearn.report.shares import share_words
from simlearn.report.step_share import PANELS, StepShare, check_steps, step_words
from simlearn.report.wording import number

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TALL, BELOW = 132.0, 16.0  # points: height of a panel, room for a second line below its bars
BAR, CHANCE = 0.56, 0.74  # width of a bar and of the mark of chance, in steps between bars
SHORT = 0.4  # percent: height of a bar of less, so that 0 is told from no value
POSITIONS = ("first third", "middle third", "last third")
LENGTHS = ((1, 2), (3, 5), (6, 8), (9, 12), (13, 20))
"""Numbers of steps that are counted together; the paper's data has 3 to 20."""


def length_group(n_steps: int) -> str:
    """Name the group of so many steps: "3-5", "6-8", "9-12", "13-20", "1-2" or "over 20".

    Raises:
        ValueError: less than one step.
    """
    if n_steps < 1:
        raise ValueError(f"n_steps is {n_steps}, must be at least 1")
    for low, high in LENGTHS:
        if n_steps <= high:
            return f"{low}-{high}"
    return f"over {LENGTHS[-1][1]}"


def step_positions_figure(
    rows: Sequence[StepShare] | Sequence[tuple[Any, ...]],
    *,
    title: str,
    name: str = "step_positions",
) -> FigureImage:
    """Draw step accuracy by place of the wrong step and by number of steps, beside chance.

    Args:
        rows: 1 to 6 bars for each of the panels "position" and "length", from the left;
            :class:`StepShare` or tuples like it. A panel without a row is left out.
        title: heading of the figure on the page.
        name: the figure's file name.

    Raises:
        ValueError: no row, more than 6 of a panel, an unknown panel, two rows of one bar, a
            negative n, no value at all, a value outside [0, 1], half an interval, one that is
            upside down or without its value; the row is named.
    """
    shares = [StepShare(*row) for row in rows]
    check_steps(shares)
    shown = [key for key in PANELS if any(row.panel == key for row in shares)]
    with drawing.figure_style():
        svg = drawing.svg_text(_draw(shares, shown))
    caption = "Share of problems whose first wrong step is found"
    caption += f", {' and '.join(PANELS[key] for key in shown)}; n: problems."
    if any(math.isfinite(row.chance) for row in shares):
        caption += " Orange marks: chance, the mean of 1 / number of steps."
    if any(math.isfinite(row.low) for row in shares):
        caption += " Whiskers: 95 % interval."
    parts = [
        f"{PANELS[key]}: {', '.join(step_words(row) for row in shares if row.panel == key)}"
        for key in shown
    ]
    return FigureImage(name, title, f"Step accuracy {'; '.join(parts)}.", svg=svg, caption=caption)


def _draw(rows: Sequence[StepShare], shown: Sequence[str]) -> Figure:
    """One or two panels over the same heights."""
    figure, axes = panels.panel_axes(len(shown), _legend(rows), tall=TALL + BELOW)
    height = 72 * figure.get_figheight()
    values = [v for row in rows for v in (row.accuracy, row.high, row.chance) if math.isfinite(v)]
    room = panels.inner_width(len(shown)) / max(
        sum(row.panel == key for row in rows) for key in shown
    )
    for i, (key, ax) in enumerate(zip(shown, axes, strict=True)):
        box = ax.get_position()
        ax.set_position((box.x0, box.y0 + BELOW / height, box.width, TALL / height))
        own = [row for row in rows if row.panel == key]
        ax.set_title(PANELS[key], pad=11)
        ax.set_ylabel("step accuracy" if i == 0 else "")
        _axes(ax, own, 100 * max(values), room)
        _bars(ax, own)
    return figure


def _legend(rows: Sequence[StepShare]) -> list[Artist]:
    """Handles of what the rows have."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Artist] = [Patch(color=drawing.BLUE, label="step accuracy")]
    if any(math.isfinite(row.chance) for row in rows):
        handles.append(Line2D([], [], color=drawing.ORANGE, linewidth=2.0, label="chance"))
    if any(math.isfinite(row.low) for row in rows):
        handles.append(Line2D([], [], color=drawing.INK, linewidth=1.3, label="95 % interval"))
    return handles


def _axes(axes: Axes, rows: Sequence[StepShare], high: float, room: float) -> None:
    """Put names and numbers of problems below the bars, percent at the left."""
    top = next(end for end in (10, 20, 50, 100) if end >= min(high, 100.0))
    axes.set_ylim(0, 1.12 * top)
    axes.set_yticks([top * i / 5 for i in range(6)], [f"{top * i // 5} %" for i in range(6)])
    axes.set_xlim(-0.5, max(len(rows), 3) - 0.5)
    axes.set_xticks(range(len(rows)), [panels.fitted(row.name, room - 6, 7.5) for row in rows])
    axes.tick_params(axis="x", pad=4)
    for i, row in enumerate(rows):
        words = f"n = {number(row.n)}"
        size = min(7.0, 7.0 * (room - 4) / drawing.text_width([words], 7.0))
        axes.annotate(words, (i, 0), (0, -21), textcoords="offset points", ha="center",
                      size=size, color=drawing.MUTED, annotation_clip=False)  # fmt: skip


def _bars(axes: Axes, rows: Sequence[StepShare]) -> None:
    """Draw bars, chance over them, whiskers, and values above all of it."""
    boxes = [
        (i - BAR / 2, 0.0, BAR, min(max(100 * row.accuracy, SHORT), 100.0))
        for i, row in enumerate(rows)
        if math.isfinite(row.accuracy)
    ]
    panels.fill_boxes(axes, boxes, drawing.BLUE)
    for i, row in enumerate(rows):
        if math.isfinite(row.low):
            axes.errorbar(i, 50 * (row.low + row.high), yerr=50 * (row.high - row.low), fmt="none",
                          color=drawing.INK, elinewidth=1.3, capsize=2.6, capthick=1.3,
                          clip_on=False)  # fmt: skip
        if math.isfinite(row.chance):
            ends = (i - CHANCE / 2, i + CHANCE / 2)
            axes.plot(ends, [100 * row.chance] * 2, color=drawing.ORANGE, linewidth=2.0,
                      solid_capstyle="butt", clip_on=False)  # fmt: skip
        over = max(100 * v for v in (0.0, *row[3:]) if math.isfinite(v))
        known = math.isfinite(row.accuracy)
        axes.annotate(share_words(row.accuracy), (i, over), (0, 4), textcoords="offset points",
                      ha="center", va="bottom", size=panels.SMALL, annotation_clip=False,
                      color=drawing.INK if known else drawing.MUTED)  # fmt: skip
