"""What masks of neurons cost when wrong steps are sought, beside random masks of their size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from simlearn.report import drawing, panels
from simlearn.report.mask_drop import METRICS, MaskDrop, check_drops, mask_words, points
from simlearn.report.masked_scores import in_order
from simlearn.report.report import FigureImage
from simlearn.report.wording import one_line

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TALL, BELOW, HIGH = 118.0, 12.0, 13.0  # points: of a panel, for a second line, for a value
OWN, CONTROL, GAP = 0.38, 0.30, 0.05  # widths of bars and between them, in steps between metrics
FAINT = 0.5  # strength of the control's grey


def mask_bars_figure(
    rows: Sequence[MaskDrop] | Sequence[tuple[Any, ...]], *, title: str, name: str = "mask_bars"
) -> FigureImage:
    """Draw for each mask what four metrics lose, each beside the mean loss under random masks.

    A whisker is the 95 % interval of the excess, set on top of the random bar: it is clear of the
    random bar's end exactly when the excess is clear of 0. There is a panel for each group.

    Args:
        rows: :class:`MaskDrop` or tuples like it, of 1 to 7 groups, drawn in the order in which the
            groups first come; a metric that no row has is left out.
        title: heading of the figure on the page.
        name: the figure's file name.

    Raises:
        ValueError: no row, more than 7 groups, an unknown metric, two rows of one bar, no value at
            all, a value that is no difference of shares, half an interval, one that is upside down
            or without an excess; the row is named.
    """
    drops = [MaskDrop(*row) for row in rows]
    check_drops(drops)
    groups = in_order(row.group for row in drops)
    with drawing.figure_style():
        svg = drawing.svg_text(_draw(drops, groups))
    caption = "Fall in percentage points when a group's neurons are switched off; below 0 it got "
    caption += "better."
    if any(math.isfinite(row.random_drop) for row in drops):
        caption += " Grey: mean fall under random masks of as many neurons."
    if any(math.isfinite(row.low) for row in drops):
        caption += (
            " Whiskers: 95 % interval of the difference of both, set on the end of the grey bar."
        )
    parts = []
    for group in groups:
        told = ", ".join(mask_words(row) for row in drops if row.group == group)
        parts.append(f"{one_line(group, 40)} masked: {told}")
    return FigureImage(
        name=name,
        title=title,
        alt=f"Falls under masks in percentage points. {'; '.join(parts)}.",
        svg=svg,
        caption=caption,
    )


def _draw(rows: Sequence[MaskDrop], groups: Sequence[str]) -> Figure:
    """Give every group its panel, all over the same heights and metrics."""
    looks = panels.group_looks(groups)
    metrics = [key for key in METRICS if any(row.metric == key for row in rows)]
    figure, axes = panels.panel_axes(len(groups), _legend(rows), tall=TALL + BELOW)
    height = 72 * figure.get_figheight()
    for i, (group, ax) in enumerate(zip(groups, axes, strict=True)):
        box = ax.get_position()
        ax.set_position((box.x0, box.y0 + BELOW / height, box.width, TALL / height))
        room = panels.inner_width(len(groups))
        ax.set_title(f"{panels.fitted(group, room - 40, 8.5, 'bold')} masked", pad=11)
        ax.set_ylabel("fall (points)" if i % 2 == 0 else "")
        _axes(ax, rows, metrics)
        own = {row.metric: row for row in rows if row.group == group}
        _bars(ax, [own.get(key) for key in metrics], looks[group].colour)
    return figure


def _legend(rows: Sequence[MaskDrop]) -> list[Artist]:
    """Handles of the random masks and of the whiskers; the panels' heads name the groups."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Artist] = []
    if any(math.isfinite(row.random_drop) for row in rows):
        handles.append(Patch(color=drawing.GREY, alpha=FAINT, label="random masks, mean"))
    if any(math.isfinite(row.low) for row in rows):
        handles.append(Line2D([], [], color=drawing.INK, linewidth=1.3,
                              label="95 % interval of the difference"))  # fmt: skip
    return handles


def _axes(axes: Axes, rows: Sequence[MaskDrop], metrics: Sequence[str]) -> None:
    """Hold 0 and all values of all groups with room for words at both ends; name the metrics."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    ends = [0.0, *(100 * v for row in rows for v in _ends(row) if math.isfinite(v))]
    low, high = min(ends), max(ends)
    if high - low < 1:
        low, high = (low, low + 1) if high > 0 or low == 0 else (high - 1, high)
    unit = (high - low) / (TALL - HIGH * (1 + (low < 0)))
    axes.set_ylim(low - HIGH * unit * (low < 0), high + HIGH * unit)
    axes.axhline(0, color=drawing.INK, linewidth=0.9, zorder=3)
    axes.spines["bottom"].set_visible(False)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}".replace("-", "\u2212")))
    axes.set_xlim(-0.5, max(len(metrics), 2) - 0.5)
    axes.set_xticks([])
    for i, key in enumerate(metrics):
        for k, line in enumerate(METRICS[key][0]):
            axes.annotate(line, (i, 0), (0, -13 - 9.5 * k), xycoords=("data", "axes fraction"),
                          textcoords="offset points", ha="center", size=panels.SMALL,
                          color=drawing.MUTED, annotation_clip=False)  # fmt: skip


def _ends(row: MaskDrop) -> tuple[float, ...]:
    """All places that a row draws something at."""
    return row.drop, row.random_drop, row.random_drop + row.low, row.random_drop + row.high


def _bars(axes: Axes, rows: Sequence[MaskDrop | None], colour: str) -> None:
    """Draw both bars of each metric, whiskers and values; say so where there is no value."""
    own, control = -(CONTROL + GAP) / 2, (OWN + GAP) / 2  # middles
    places: list[panels.Box] = []
    faint: list[panels.Box] = []
    for i, row in enumerate(rows):
        if row is None or math.isnan(row.drop):
            axes.annotate("no value", (i, 0), (0, 4), textcoords="offset points", ha="center",
                          size=panels.SMALL, color=drawing.MUTED)  # fmt: skip
            continue
        places.append(_box(i + own, OWN, row.drop))
        drop, random_drop, *ends = _ends(row)
        if math.isfinite(row.low):
            _whisker(axes, i + own, *ends)
        _value(axes, i + own, drop, ends, drawing.INK)
        if math.isfinite(random_drop):
            faint.append(_box(i + control, CONTROL, random_drop))
            _value(axes, i + control, random_drop, (), drawing.MUTED)
    panels.fill_boxes(axes, places, colour)
    panels.fill_boxes(axes, faint, drawing.GREY, alpha=FAINT)


def _whisker(axes: Axes, x: float, low: float, high: float) -> None:
    """Draw an interval on a lighter ground, so that it is seen on a dark bar too."""
    middle, half = 50 * (low + high), 50 * (high - low)
    for colour, wide, cap in ((drawing.PAPER, 3.1, 3.5), (drawing.INK, 1.3, 2.6)):
        axes.errorbar(x, middle, yerr=half, fmt="none", color=colour, elinewidth=wide,
                      capsize=cap, capthick=wide, zorder=4)  # fmt: skip


def _box(middle: float, width: float, drop: float) -> panels.Box:
    """Place a bar between 0 and the drop."""
    return middle - width / 2, min(0.0, 100 * drop), width, abs(100 * drop)


def _value(axes: Axes, x: float, drop: float, ends: Sequence[float], colour: str) -> None:
    """Write a drop beyond its bar and its whisker, above 0 or below."""
    known = [100 * v for v in (0.0, drop, *ends) if math.isfinite(v)]
    below = drop < 0
    at = min(known) if below else max(known)
    axes.annotate(points(drop), (x, at), (0, -3 if below else 3), textcoords="offset points",
                  ha="center", va="top" if below else "bottom", size=6.8, color=colour,
                  annotation_clip=False)  # fmt: skip
