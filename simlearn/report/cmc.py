"""The CMC curve: how often the right identity is among the n nearest."""

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

WIDTH, HEIGHT = 8.6, 3.7  # inches
_MARKERS = "osD^v"


def cmc_figure(curves: Mapping[str, Sequence[float]], *, title: str) -> FigureImage:
    """Hit rate in percent against rank n = 1, 2, ..., one line per model.

    Args:
        curves: per model the share in [0, 1] of queries with a hit among the n nearest, for
            n = 1 to its length; nan leaves a gap. Models named ``trained``, ``untrained`` and
            ``pixels...`` have fixed colours.
        title: heading of the figure on the page.

    Returns:
        The figure; names stand at the lines' ends, in a legend where they would collide.

    Raises:
        ValueError: no model, more than five, a model without a rank, a share outside [0, 1].
    """
    _check(curves)
    with drawing.figure_style():
        svg = drawing.svg_text(_draw(curves))
    words = "; ".join(
        f"{name} {_percent(curve[0])} at rank 1, {_percent(curve[-1])} at rank {len(curve)}"
        for name, curve in curves.items()
    )
    return FigureImage(
        name="cmc",
        title=title,
        alt=f"Hit rate against rank. {words}.",
        svg=svg,
        caption="Share of queries that have an item of their own class among the n nearest.",
    )


def _draw(curves: Mapping[str, Sequence[float]]) -> Figure:
    """One line per model and its name at the right."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, HEIGHT))
    last = max(len(curve) for curve in curves.values())
    ends: list[tuple[float, str, str]] = []
    for i, (name, curve) in enumerate(curves.items()):
        end = next((v for v in reversed(curve) if math.isfinite(v)), math.nan)
        ends.append(
            (100 * end, f"{one_line(name, 40)}  {_percent(end)}", drawing.model_colour(name, i))
        )
    room = min(drawing.text_width([label for _, label, _ in ends], 8.0) / 72 + 0.2, WIDTH / 2)
    axes = figure.add_axes((0.56 / WIDTH, 0.42 / HEIGHT, 1 - (0.56 + room) / WIDTH, 0.85))
    _set_axes(axes, last)
    handles = []
    for i, curve in enumerate(curves.values()):
        handles += axes.plot(
            range(1, len(curve) + 1),
            [100 * value for value in curve],
            color=ends[i][2],
            linestyle=drawing.STYLES[i],
            linewidth=2.4 if i == 0 else 1.7,
            marker=_MARKERS[i] if last <= 30 else None,
            markersize=3.6,
            clip_on=False,
            label=ends[i][1],
        )
    finite = [end for end in ends if math.isfinite(end[0])]
    if len(finite) < len(ends) or not drawing.label_ends(axes, finite, 9.6):
        axes.legend(handles=handles, loc="lower left", bbox_to_anchor=(1.0, 0.0), handlelength=1.2)
    return figure


def _check(curves: Mapping[str, Sequence[float]]) -> None:
    """Refuse what cannot be drawn, naming the model and what was found."""
    if not 1 <= len(curves) <= len(_MARKERS):
        raise ValueError(
            f"a CMC figure shows 1 to {len(_MARKERS)} models, found {len(curves)}: {list(curves)}"
        )
    for name, curve in curves.items():
        if len(curve) == 0:
            raise ValueError(
                f"CMC curve {name!r} has no rank; give the hit rate at rank 1 at least"
            )
        for rank, value in enumerate(curve, start=1):
            if not math.isnan(value) and not 0 <= value <= 1:
                raise ValueError(
                    f"CMC curve {name!r}, rank {rank}: {value} is no share in [0, 1]; "
                    "give shares, not percent"
                )


def _set_axes(axes: Axes, last: int) -> None:
    """Ranks from 1 to ``last`` below, 0 to 100 percent at the left."""
    from matplotlib.ticker import FuncFormatter

    step = 1 if last <= 10 else next(s for s in (5, 10, 20, 50, last) if last <= 6 * s)
    ticks = sorted({1, *range(step, last + 1, step)})
    axes.set_xlim(1 - 0.02 * max(last - 1, 1), max(last, 1.02))
    axes.set_xticks(ticks)
    axes.set_ylim(0, 100)
    axes.set_yticks(range(0, 101, 20))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:.0f} %"))
    axes.set_xlabel("rank n")


def _percent(value: float) -> str:
    """Write a share in percent with one decimal."""
    return f"{100 * value:.1f} %" if math.isfinite(value) else NOTHING
