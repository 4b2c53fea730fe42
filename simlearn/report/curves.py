"""Training curves: one panel per kind of quantity above a shared axis of steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from simlearn.report import drawing
from simlearn.report.report import FigureImage
from simlearn.report.series import (
    Series,
    by_name,
    last_value,
    of_kind,
    running_mean,
    thin,
    window,
)
from simlearn.report.wording import is_percent, metric_label, number, one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Lines = dict[str, Series]
Panel = tuple[str, Callable[["Axes", Lines], None], Lines]  # heading, how to draw, what
WIDTH, TALL, LOW, BETWEEN, ABOVE, BELOW = 8.6, 1.75, 0.95, 0.42, 0.26, 0.42  # inches
LABEL = 8.0  # points


def training_curves(rows: Sequence[tuple[int, str, float]], *, title: str) -> FigureImage:
    """Draw loss, validation metrics, share of active tuples, effective rank, learning rate.

    A name's kind is read from it: ``train/loss``, ``.../active...``, ``val/...``, ``lr...``,
    ``.../effective_rank``. What is missing is left out, other names are not drawn. Percent
    metrics are shown in percent.

    Args:
        rows: (step, name, value) in any order; values that are not finite leave a gap.
        title: heading of the figure on the page.

    Raises:
        ValueError: no row has a name of these kinds; the text lists the names there are.
    """
    series = by_name(rows)
    panels: list[Panel] = []
    for kind, (heading, draw) in _PANELS.items():
        if names := of_kind(kind, series):
            panels.append((heading, draw, {name: series[name] for name in names}))
    if not panels:
        raise ValueError(
            "no curve to draw: expected names such as train/loss, val/map_at_r or lr, found "
            f"{sorted(series) or 'no rows with finite values'}"
        )
    with drawing.figure_style():
        svg = drawing.svg_text(_draw(panels))
    losses = [len(series[name][0]) for name in of_kind("loss", series)]
    mean = window(max(losses, default=0))
    ends = [f"{n} {number(last_value(s))}" for *_, lines in panels for n, s in lines.items()]
    return FigureImage(
        name="curves",
        title=title,
        alt=f"Curves over the training steps: {', '.join(h for h, *_ in panels)}. "
        f"Last values: {', '.join(ends)}.",
        svg=svg,
        caption=f"Loss: the thin line is each logged step, the strong one the mean of the last "
        f"{mean} logged steps."
        if mean > 1
        else "",
    )


def _draw(panels: list[Panel]) -> Figure:
    """Put the panels below each other, all as wide as the longest label allows."""
    from matplotlib.figure import Figure

    heights = [TALL if draw in (_loss, _validation) else LOW for _, draw, _ in panels]
    total = sum(heights) + BETWEEN * (len(panels) - 1) + ABOVE + BELOW
    figure = Figure(figsize=(WIDTH, total))
    labels = [label for _, draw, lines in panels for _, label, _ in _ends(draw, lines)]
    right = WIDTH - 0.15 - drawing.text_width(labels, LABEL) / 72
    steps = np.concatenate([s[0] for *_, lines in panels for s in lines.values()])
    top = total - ABOVE
    for i, ((heading, draw, lines), height) in enumerate(zip(panels, heights, strict=True)):
        place = (0.56 / WIDTH, (top - height) / total, (right - 0.56) / WIDTH, height / total)
        axes = figure.add_axes(place)
        top -= height + BETWEEN
        axes.set_title(heading, pad=5)
        _steps_axis(axes, int(steps.min()), int(steps.max()), named=i == len(panels) - 1)
        draw(axes, lines)
        _name_lines(axes, _ends(draw, lines))
    return figure


def _percent(draw: object, lines: Lines) -> bool:
    """Tell whether a panel's vertical axis is in percent."""
    return draw is _share or (draw is _validation and all(map(is_percent, lines)))


def _ends(draw: object, lines: Lines) -> list[tuple[float, str, str]]:
    """Each line's end in the axis' unit, its label (named only beside others), its colour."""
    out = []
    for (name, series), colour in zip(lines.items(), drawing.SERIES, strict=False):
        value = last_value(_smooth(series) if draw is _loss else series)
        shown = number(float(f"{value:.3g}"))
        if _percent(draw, lines):
            value *= 100
            shown = f"{value:.1f} %"
        words = metric_label(name) if draw is _validation else name.replace("/", " ")
        label = f"{one_line(words.replace('_', ' '), 40)} {shown}" if len(lines) > 1 else shown
        out.append((value, label, colour))
    return out


def _smooth(series: Series) -> Series:
    """Take the running mean over the window that suits the number of points."""
    steps, values = series
    return steps, running_mean(values, window(len(values)))


def _steps_axis(axes: Axes, low: int, high: int, *, named: bool) -> None:
    """Run from the first to the last step of all panels, whole numbers below the last panel."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    half = 0.5 if low == high else 0.0
    axes.set_xlim(low - half, high + half)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=10, steps=[1, 2, 5, 10], integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: number(round(x))))
    axes.tick_params(labelbottom=named)
    axes.set_xlabel("step" if named else "")


def _plot(axes: Axes, lines: Lines, scale: float = 1.0) -> None:
    """Draw one line per series; series of few points get markers."""
    for i, (steps, values) in enumerate(lines.values()):
        few = len(steps) <= 40
        axes.plot(
            *thin(steps, values * scale),
            color=drawing.SERIES[i],
            linestyle=drawing.STYLES[i],
            linewidth=1.6,
            marker="o" if few else None,
            markersize=3,
            clip_on=not few,
        )


def _loss(axes: Axes, lines: Lines) -> None:
    """Draw every logged value as a thin line below its running mean, from 0."""
    for i, (steps, values) in enumerate(lines.values()):
        axes.plot(*thin(steps, values), color=drawing.SERIES[i], linewidth=0.7, alpha=0.4)
    _plot(axes, {name: _smooth(series) for name, series in lines.items()})
    lowest = min(float(np.nanmin(values)) for _, values in lines.values())
    axes.set_ylim(min(0.0, lowest), None)


def _validation(axes: Axes, lines: Lines) -> None:
    """Draw validation metrics, in percent from 0 where they are percent metrics."""
    percent = _percent(_validation, lines)
    _plot(axes, lines, 100.0 if percent else 1.0)
    if percent:
        _percent_axis(axes, max(float(np.nanmax(v)) for _, v in lines.values()))


def _share(axes: Axes, lines: Lines) -> None:
    """Draw shares in [0, 1], in percent from 0 to 100."""
    _plot(axes, lines, 100.0)
    _percent_axis(axes, 1.0)
    axes.set_yticks([0, 50, 100])


def _plain(axes: Axes, lines: Lines) -> None:
    """Draw values as they are, from 0."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    _plot(axes, lines)
    top = max(float(np.nanmax(values)) for _, values in lines.values())
    axes.set_ylim(0, 1.12 * top if top > 0 else 1)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=3, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: number(y)))


def _percent_axis(axes: Axes, top: float) -> None:
    """Set percent from 0 to a little above ``top``, a share."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.set_ylim(0, min(103.0, 118 * top) or 100)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:.0f} %"))


def _name_lines(axes: Axes, ends: list[tuple[float, str, str]]) -> None:
    """Write labels at the line's ends, or a legend in their place where they do not fit."""
    if drawing.label_ends(axes, ends, 1.2 * LABEL):
        return
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], color=colour, label=label) for _, label, colour in ends]
    axes.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.0, 1.08), handlelength=0.8)


_PANELS: dict[str, tuple[str, Callable[[Axes, Lines], None]]] = {
    "loss": ("loss", _loss),
    "val": ("validation", _validation),
    "active": ("share of active tuples", _share),
    "rank": ("effective rank of the embedding", _plain),
    "lr": ("learning rate", _plain),
}
