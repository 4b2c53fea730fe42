"""How well models find the wrong step and its kind: bars of step and category side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from simlearn.report import drawing, panels
from simlearn.report.model_score import KINDS, SCORES, ModelScore, check_scores, score_words
from simlearn.report.report import FigureImage
from simlearn.report.shares import share_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAMES, VALUES, JOINT, BELOW = 156.0, 46.0, 56.0, 20.0  # points: most room for names, right of bars
THICK, SPACE = 10.0, 9.0  # points: a bar, between bars
SHORT = 0.4  # percent: length of a bar of less, so that 0 is told from no value


def model_bars_figure(
    rows: Sequence[ModelScore] | Sequence[tuple[Any, ...]], *, title: str, name: str = "models"
) -> FigureImage:
    """Draw step and category accuracy of models in two panels, the best at finding steps first.

    Both panels have one order: by step accuracy, then category accuracy, then as given; models
    without a value come last. A panel or the column of what is right in both is left out where no
    row has a value for it. This run has a grey band and a bold name.

    Args:
        rows: 1 to 16 models, :class:`ModelScore` or tuples like it.
        title: heading of the figure on the page.
        name: the figure's file name.

    Raises:
        ValueError: no row or more than 16, an unknown kind, no step or category accuracy at all,
            a value outside [0, 1], half an interval, one that is upside down or without its value;
            the row is named.
    """
    scores = [ModelScore(*row) for row in rows]
    check_scores(scores)
    scores.sort(key=lambda row: [-1.0 if math.isnan(v) else v for v in (row.step, row.category)],
                reverse=True)  # fmt: skip
    shown = [key for key in SCORES if any(math.isfinite(getattr(row, key)) for row in scores)]
    with drawing.figure_style():
        svg = drawing.svg_text(_draw(scores, shown))
    caption = f"{' and '.join(SCORES[key] for key in shown)}, best first."
    if any(math.isfinite(row.step_low) or math.isfinite(row.category_low) for row in scores):
        caption += " Whiskers: 95 % interval."
    if any(math.isfinite(row.joint) for row in scores):
        caption += " Both right: step and category of one problem."
    words = "; ".join(score_words(row, shown) for row in scores)
    return FigureImage(
        name=name,
        title=title,
        alt=f"Accuracy of models, best first. {words}.",
        svg=svg,
        caption=caption[0].upper() + caption[1:],
    )


def _draw(rows: Sequence[ModelScore], shown: Sequence[str]) -> Figure:
    """Names at the left, then a panel for each accuracy, then what is right in both."""
    from matplotlib.patches import Patch, Rectangle

    kinds = [key for key in KINDS if any(row.kind == key for row in rows)]
    handles = [Patch(color=KINDS[key][1], label=KINDS[key][0]) for key in kinds]
    tall = len(rows) * (THICK + SPACE)
    figure, axes = panels.panel_axes(
        len(shown), handles, tall=max(1.0, tall + BELOW - panels.BELOW)
    )
    weights = ["bold" if row.kind == "this" else "normal" for row in rows]
    names = [panels.fitted(row.name, NAMES, 8.0, w) for row, w in zip(rows, weights, strict=True)]
    left = 12 + max(drawing.text_width([n], 8.0, w) for n, w in zip(names, weights, strict=True))
    joint = JOINT if any(math.isfinite(row.joint) for row in rows) else 0.0
    width, height = panels.WIDTH, 72 * figure.get_figheight()
    each = (width - left - joint) / len(shown)
    for i, (key, ax) in enumerate(zip(shown, axes, strict=True)):
        place = (left + i * each) / width, BELOW / height, (each - VALUES) / width, tall / height
        ax.set_position(place)
        ax.set_title(SCORES[key], pad=8)
        _percent_axis(ax, tall)
        _bars(ax, rows, key)
    for i, row in enumerate(rows):
        middle = (i + 0.5) * (THICK + SPACE)
        axes[0].annotate(names[i], (0, middle), (-8, 0), textcoords="offset points", ha="right",
                         va="center", size=8.0, weight=weights[i])  # fmt: skip
        if row.kind == "this":
            low = (BELOW + tall - (i + 1) * (THICK + SPACE)) / height
            band = Rectangle((0, low), 1, (THICK + SPACE) / height, facecolor=drawing.GRID,
                             alpha=0.55, linewidth=0, zorder=-1)  # fmt: skip
            figure.add_artist(band)
    if joint:
        _joint(axes[-1], rows)
    return figure


def _percent_axis(axes: Axes, tall: float) -> None:
    """Run from 0 to 100 percent at the bottom, with upright lines only, on no ground of its own."""
    from matplotlib.ticker import FuncFormatter

    axes.set_xlim(0, 100)
    axes.set_ylim(tall, 0)
    axes.set_xticks(range(0, 101, 20 if axes.get_position().width > 0.4 else 25))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:.0f} %"))
    axes.set_yticks([])
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x")
    axes.spines["bottom"].set_visible(False)
    axes.patch.set_visible(False)


def _bars(axes: Axes, rows: Sequence[ModelScore], key: str) -> None:
    """Draw the bars, their whiskers, and the values at their ends."""
    boxes: dict[str, list[panels.Box]] = {}
    for i, row in enumerate(rows):
        value, high = getattr(row, key), getattr(row, f"{key}_high")
        low = getattr(row, f"{key}_low")
        middle = (i + 0.5) * (THICK + SPACE)
        known = math.isfinite(value)
        if known:
            long = min(max(100 * value, SHORT), 100.0)
            boxes.setdefault(KINDS[row.kind][1], []).append((0.0, middle - THICK / 2, long, THICK))
        if math.isfinite(low):
            axes.errorbar(50 * (low + high), middle, xerr=50 * (high - low), fmt="none",
                          color=drawing.INK, elinewidth=1.3, capsize=2.6, capthick=1.3,
                          clip_on=False)  # fmt: skip
        end = max(100 * v for v in (0.0, value, high) if math.isfinite(v))
        axes.annotate(share_words(value), (end, middle), (6, 0),
                      textcoords="offset points", va="center", annotation_clip=False,
                      size=panels.SMALL, color=drawing.INK if known else drawing.MUTED,
                      weight="bold" if known and row.kind == "this" else "normal")  # fmt: skip
    for colour, some in boxes.items():
        panels.fill_boxes(axes, some, colour)


def _joint(axes: Axes, rows: Sequence[ModelScore]) -> None:
    """Write the share that is right in both at the right of the last panel."""
    at = VALUES + JOINT - 8
    axes.annotate("both right", (1, 1), (at, 8), xycoords="axes fraction", ha="right",
                  textcoords="offset points", size=8.5, weight="bold",
                  annotation_clip=False)  # fmt: skip
    for i, row in enumerate(rows):
        axes.annotate(panels.percent(row.joint), (100, (i + 0.5) * (THICK + SPACE)), (at, 0),
                      textcoords="offset points", ha="right", va="center", size=panels.SMALL,
                      color=drawing.INK if math.isfinite(row.joint) else drawing.MUTED,
                      weight="bold" if row.kind == "this" else "normal",
                      annotation_clip=False)  # fmt: skip
