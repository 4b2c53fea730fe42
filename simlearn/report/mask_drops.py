"""What switching neurons off does to the answers, beside masks drawn by chance."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from simlearn.report import drawing, panels
from simlearn.report.masked_scores import (
    METRICS,
    RANDOM,
    Lines,
    MaskedScore,
    check_panels,
    check_points,
    drop_words,
    in_order,
    known_baselines,
    mined_groups,
    shown_ratio,
    shown_score,
)
from simlearn.report.report import FigureImage

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TALL, NAMES = 132.0, 110.0  # points: height of a panel, most room for a baseline's label
DODGE = 0.08  # how far groups stand beside each other, in steps between ratios
DOTTED: Any = (0, (1, 1.8))
BAND = 0.28  # strength of the band's grey


def mask_drops_figure(
    rows: Sequence[MaskedScore] | Sequence[tuple[Any, ...]],
    *,
    title: str,
    metric: str = "accuracy",
    baselines: Lines | None = None,
    name: str | None = None,
) -> FigureImage:
    """Draw a metric over the masked ratio: a line per group, the random control as a grey band.

    Ratios stand at equal distances in ascending order; there is a panel per kind of questions.

    Args:
        rows: points in any order (:class:`MaskedScore` or tuples like it) of 1 to 6 panels and of
            up to 7 groups beside ``random``.
        title: heading of the figure on the page.
        metric: "accuracy" (shares in [0, 1]), "loss" or "margin".
        baselines: per panel up to 3 reference values by label ("unmasked", "question only"); nan is
            left out.
        name: the figure's file name, ``mask_drops_`` and the metric where none is given.

    Raises:
        ValueError: no row with a value, an unknown metric, two rows of one point, a ratio outside
            (0, 1], a value that is infinite or no share where shares are drawn, half an interval
            or one that is upside down, too many panels, groups or baselines.
    """
    if metric not in METRICS:
        raise ValueError(f"metric {metric!r} is none of {', '.join(METRICS)}")
    points = [MaskedScore(*row) for row in rows]
    lines = known_baselines(baselines or {})
    check_points(points, share=METRICS[metric][1])
    check_panels(points, lines, share=METRICS[metric][1])
    with drawing.figure_style():
        svg = drawing.svg_text(_draw(points, lines, metric))
    return FigureImage(
        name=name or f"mask_drops_{metric}",
        title=title,
        alt=drop_words(points, lines, metric),
        svg=svg,
        caption="Each line is a group whose neurons are switched off; bars are 95 % intervals. "
        "Grey: masks of as many neurons drawn by chance, their mean and the range from 2.5 to "
        "97.5 % of them. Ratios stand at equal distances.",
    )


def _draw(rows: Sequence[MaskedScore], lines: Lines, metric: str) -> Figure:
    """Give every kind of questions its panel, all over the same ratios."""
    looks = panels.group_looks(groups) if (groups := mined_groups(rows)) else {}
    names = in_order(row.panel for row in rows)
    ratios = sorted({row.ratio for row in rows})
    labels = {name: _names(values, metric) for name, values in lines.items()}
    widest = drawing.text_width([w for words in labels.values() for w in words], 8.0)
    right = max(panels.RIGHT, widest + 14)
    handles = _legend(looks, [row for row in rows if row.group == RANDOM])
    figure, axes = panels.panel_axes(len(names), handles, tall=TALL, right=right)
    inner = panels.inner_width(len(names), right)
    scale = 100.0 if METRICS[metric][1] else 1.0
    for i, (name, ax) in enumerate(zip(names, axes, strict=True)):
        own = [row for row in rows if row.panel == name]
        ax.set_title(panels.fitted(name, inner + right - 10, 8.5, "bold"), pad=11)
        ax.set_ylabel(METRICS[metric][0] if i % 2 == 0 else "")
        _ratio_axis(ax, ratios, inner, named=i >= len(names) - min(len(names), 2))
        _points(ax, own, ratios, looks, scale)
        every = [value for row in own for value in (row.value, row.low, row.high)]
        ends = lines.get(name, {})
        panels.value_axis(ax, [*every, *ends.values()], share=METRICS[metric][1])
        if not any(math.isfinite(row.value) for row in own):
            ax.text(0.5, 0.5, "no value", transform=ax.transAxes, ha="center", color=drawing.MUTED)
        _baselines(ax, ends, labels.get(name, []), scale)
    return figure


def _legend(looks: Mapping[str, panels.Look], control: Sequence[MaskedScore]) -> list[Artist]:
    """Handles of the groups and of the control."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Artist] = [
        Line2D([], [], color=look.colour, marker=look.marker, markersize=4, linewidth=1.8,
               label=f"{panels.fitted(group, 170, panels.SMALL)} masked")
        for group, look in looks.items()
    ]  # fmt: skip
    if control:
        ranges = any(math.isfinite(row.low) for row in control)
        strength, words = (BAND, "mean and range") if ranges else (1.0, "mean")
        handles.append(Patch(color=drawing.GREY, alpha=strength, label=f"random masks, {words}"))
    return handles


def _ratio_axis(axes: Axes, ratios: Sequence[float], inner: float, *, named: bool) -> None:
    """Put a tick at every ratio, or at so few that their words stay apart."""
    words = [shown_ratio(ratio) for ratio in ratios]
    room = drawing.text_width(words, panels.SMALL) + 8
    step = max(1, math.ceil(len(ratios) * room / inner))
    axes.set_xlim(-0.5, len(ratios) - 0.5)
    axes.set_xticks(range(0, len(ratios), step), words[::step])
    axes.tick_params(axis="x", pad=5)
    axes.set_xlabel("share of neurons masked" if named else "")


def _points(
    axes: Axes,
    rows: Sequence[MaskedScore],
    ratios: Sequence[float],
    looks: Mapping[str, panels.Look],
    scale: float,
) -> None:
    """Draw the control behind, then each group's line with its intervals."""
    at = {ratio: place for place, ratio in enumerate(ratios)}
    by_chance = [row for row in rows if row.group == RANDOM]
    boxes = [
        (at[row.ratio] - 0.5, scale * row.low, 1.0, scale * (row.high - row.low))
        for row in by_chance
        if math.isfinite(row.low)
    ]
    panels.fill_boxes(axes, boxes, drawing.GREY, alpha=BAND)
    steps = [(at[row.ratio] - 0.5, at[row.ratio] + 0.5, row.value, row.value) for row in by_chance]
    _strokes(axes, steps, drawing.GREY, scale, 1.4)
    for k, (group, look) in enumerate(looks.items()):
        shift = DODGE * (k - (len(looks) - 1) / 2)
        mine = {row.ratio: row for row in rows if row.group == group}
        bars = [
            (at[r] + shift, at[r] + shift, row.low, row.high)
            for r, row in mine.items()
            if math.isfinite(row.low)
        ]
        _strokes(axes, bars, look.colour, scale, 1.2)
        values = [scale * mine[r].value if r in mine else math.nan for r in ratios]
        axes.plot([at[r] + shift for r in ratios], values, color=look.colour, linewidth=1.8,
                  marker=look.marker, markersize=4, clip_on=False)  # fmt: skip


def _strokes(
    axes: Axes,
    ends: Iterable[tuple[float, float, float, float]],
    colour: str,
    scale: float,
    width: float,
) -> None:
    """Draw separate strokes (x from, x to, y from, y to) as one path; nothing for none."""
    x: list[float] = []
    y: list[float] = []
    for left, right, low, high in ends:
        x += [left, right, math.nan]
        y += [scale * low, scale * high, math.nan]
    if x:
        axes.plot(x, y, color=colour, linewidth=width, solid_capstyle="butt")


def _names(values: Mapping[str, float], metric: str) -> list[str]:
    """Write what stands beside each baseline: its label, cut where it is long, and its value."""
    shown = [shown_score(value, metric) for value in values.values()]
    rooms = [NAMES - drawing.text_width([f" {word}"], 8.0) for word in shown]
    return [
        f"{panels.fitted(label, room, 8.0)} {word}"
        for label, room, word in zip(values, rooms, shown, strict=True)
    ]


def _baselines(
    axes: Axes, values: Mapping[str, float], labels: Sequence[str], scale: float
) -> None:
    """Dotted lines over the whole panel, their labels at the right."""
    ends = []
    for value, label in zip(values.values(), labels, strict=True):
        axes.axhline(scale * value, color=drawing.INK, linewidth=1.0, linestyle=DOTTED)
        ends.append((scale * value, label, drawing.INK))
    drawing.label_ends(axes, ends, 10.0)
