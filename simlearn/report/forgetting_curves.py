"""Accuracy over the experiences: what is kept, what is learnt, and what could be had."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from simlearn.report import drawing
from simlearn.report.report import FigureImage
from simlearn.report.wording import NOTHING, one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, HEIGHT = 8.6, 3.5  # inches
MARKERS = "osD^v"
IDEAL = "ideal"


def forgetting_curves_figure(
    series: Mapping[str, Sequence[float]],
    *,
    title: str,
    name: str = "forgetting",
    bands: Mapping[str, tuple[Sequence[float], Sequence[float]]] | None = None,
) -> FigureImage:
    """Accuracy in percent after each experience, one line per series.

    Args:
        series: per name ("base classes", "new classes", "all seen") T shares in [0, 1], from the
            first experience on; nan leaves a gap. One whose name begins with ``ideal`` is the
            ceiling: a thin broken grey line.
        title: heading of the figure on the page.
        name: the figure's file name.
        bands: lower and upper ends of T intervals for some of the series, drawn as pale areas.

    Returns:
        The figure; names stand at the lines' ends, in a legend where they would collide.

    Raises:
        ValueError: no series, more than five, series of different lengths or without a value,
            a share outside [0, 1], a band of a series that there is not or of another length.
    """
    _check(series, bands or {})
    with drawing.figure_style():
        svg = drawing.svg_text(_draw(series, bands or {}))
    words = "; ".join(
        f"{one_line(key, 40)} from {_percent(shown[0])} to {_percent(shown[-1])}"
        for key, values in series.items()
        if (shown := [v for v in values if math.isfinite(v)])
    )
    count = len(next(iter(series.values())))
    return FigureImage(
        name=name,
        title=title,
        alt=f"Accuracy over {count} experience{'' if count == 1 else 's'}. {words}.",
        svg=svg,
        caption="Accuracy on test images after each experience, told among all classes seen by "
        "then." + (" Pale areas: 95 % intervals." if bands else ""),
    )


def _draw(
    series: Mapping[str, Sequence[float]],
    bands: Mapping[str, tuple[Sequence[float], Sequence[float]]],
) -> Figure:
    """One line per series and its name at the right."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, HEIGHT))
    count = len(next(iter(series.values())))
    ends: list[tuple[float, str, str]] = []
    for i, (key, values) in enumerate(series.items()):
        end = 100 * next(v for v in reversed(values) if math.isfinite(v))
        ends.append((end, f"{one_line(key, 40)}  {end:.1f} %", _colour(key, i)))
    room = min(drawing.text_width([label for _, label, _ in ends], 8.0) / 72 + 0.2, WIDTH / 2)
    axes = figure.add_axes((0.56 / WIDTH, 0.45 / HEIGHT, 1 - (0.56 + room) / WIDTH, 0.82))
    _set_axes(axes, count)
    handles = []
    for i, (key, values) in enumerate(series.items()):
        ideal = key.startswith(IDEAL)
        x = range(1, count + 1)
        if key in bands:
            low, high = ([100 * v for v in edge] for edge in bands[key])
            axes.fill_between(x, low, high, color=ends[i][2], alpha=0.15, linewidth=0)
        handles += axes.plot(
            x,
            [100 * value for value in values],
            color=ends[i][2],
            linestyle=(0, (5, 3)) if ideal else "-",
            linewidth=1.2 if ideal else 2.0,
            marker=None if ideal and count > 1 else MARKERS[i],
            markersize=4.2,
            clip_on=False,
            label=ends[i][1],
        )
    if not drawing.label_ends(axes, ends, 9.6):
        axes.legend(handles=handles, loc="lower left", bbox_to_anchor=(1.0, 0.0), handlelength=2.2)
    return figure


def _colour(key: str, place: int) -> str:
    """Grey for the ceiling, for others the colour of their place."""
    return drawing.GREY if key.startswith(IDEAL) else drawing.SERIES[place]


def _set_axes(axes: Axes, count: int) -> None:
    """Experiences 1 to ``count`` below, 0 to 100 percent at the left."""
    from matplotlib.ticker import FuncFormatter

    axes.set_xlim(1 - 0.02 * max(count - 1, 1), max(count, 1.02))
    step = next(s for s in (1, 2, 5, 10, 20, 50, count) if count <= 15 * s)
    axes.set_xticks(sorted({1, *range(step, count + 1, step)}))
    axes.set_ylim(0, 100)
    axes.set_yticks(range(0, 101, 20))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:.0f} %"))
    axes.set_xlabel("experience")


def _check(
    series: Mapping[str, Sequence[float]],
    bands: Mapping[str, tuple[Sequence[float], Sequence[float]]],
) -> None:
    """Refuse what cannot be drawn, naming the series and what was found."""
    if not 1 <= len(series) <= len(MARKERS):
        raise ValueError(
            f"forgetting curves show 1 to {len(MARKERS)} series, found {len(series)}: "
            f"{list(series)}"
        )
    lengths = {key: len(values) for key, values in series.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"forgetting curves need one value per experience each, found {lengths}")
    for key, values in series.items():
        if not any(math.isfinite(value) for value in values):
            raise ValueError(f"forgetting curve {key!r} has no value; leave it out")
        for number, value in enumerate(values, start=1):
            if not math.isnan(value) and not 0 <= value <= 1:
                raise ValueError(
                    f"forgetting curve {key!r}, experience {number}: {value} is no share in "
                    "[0, 1]; give shares, not percent"
                )
    for key, edges in bands.items():
        if [len(edge) for edge in edges] != [lengths.get(key)] * 2:
            raise ValueError(
                f"band {key!r} needs a series of its name and two ends per experience of it"
            )


def _percent(value: float) -> str:
    """Write a share in percent with one decimal."""
    return f"{100 * value:.1f} %" if math.isfinite(value) else NOTHING
