"""How the scores of the neurons are spread, and what the threshold of the selection takes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from simlearn.report import drawing, panels
from simlearn.report.report import FigureImage
from simlearn.report.wording import number, one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TALL, BINS, LOWEST = 112.0, 60, 0.7  # points, columns of a panel, where the axis of counts begins
NOTE = 7.0  # points


def score_histogram_figure(
    scores: Mapping[str, np.ndarray | Tensor | Sequence[float]],
    thresholds: Mapping[str, float],
    *,
    title: str,
    name: str = "score_histogram",
) -> FigureImage:
    """Draw one histogram of scores per group with the threshold of the selection.

    All panels share both axes; counts are on a log scale. What lies at or above the threshold is
    drawn strong, the rest pale.

    Args:
        scores: 1 to 7 groups with n >= 1 finite scores each, of any shape.
        thresholds: lowest selected score of those groups that have one (a selection by layer or
            by chance has none).
        title: heading of the figure on the page.
        name: the figure's file name.

    Raises:
        ValueError: no group, more than seven, a group without scores or with one that is not
            finite, a threshold that is not finite or of a group that there is not.
    """
    values = _checked(scores, thresholds)
    with drawing.figure_style():
        svg = drawing.svg_text(_draw(values, thresholds))
    words = "; ".join(
        f"{one_line(group, 40)} from {v.min():.3g} to {v.max():.3g}, "
        f"{_taken(v, thresholds.get(group))}"
        for group, v in values.items()
    )
    return FigureImage(
        name=name,
        title=title,
        alt=f"Histograms of neuron scores by group. {words}.",
        svg=svg,
        caption="Neurons by score, counts on a log scale. Strong columns lie at or above the "
        "threshold of the selection (dotted line).",
    )


def _checked(scores: Mapping[str, Any], thresholds: Mapping[str, float]) -> dict[str, np.ndarray]:
    """Give flat float64 scores by group, or refuse them by what was found."""
    panels.group_looks(list(scores))
    values = {
        group: np.asarray(v.cpu() if isinstance(v, Tensor) else v, dtype=np.float64).ravel()
        for group, v in scores.items()
    }
    for group, v in values.items():
        if v.size == 0 or not np.isfinite(v).all():
            raise ValueError(
                f"scores of group {group!r}: {int((~np.isfinite(v)).sum())} of {v.size} are not "
                "finite; give at least one score and only finite ones"
            )
    for group, threshold in thresholds.items():
        if group not in values or not np.isfinite(threshold):
            raise ValueError(
                f"threshold {threshold} of group {group!r}: groups with scores are {list(values)}, "
                "a threshold is a finite score"
            )
    return values


def _taken(values: np.ndarray, threshold: float | None) -> str:
    """Say how many scores reach the threshold."""
    if threshold is None:
        return f"{number(values.size)} neuron{'' if values.size == 1 else 's'}, no threshold"
    taken = int((values >= threshold).sum())
    return f"{number(taken)} of {number(values.size)} at or above {threshold:.3g}"


def _draw(values: Mapping[str, np.ndarray], thresholds: Mapping[str, float]) -> Figure:
    """Draw a panel per group, all with columns of one width."""
    low = min([0.0, *(float(v.min()) for v in values.values()), *thresholds.values()])
    high = max([*(float(v.max()) for v in values.values()), *thresholds.values()])
    width = (high - low) / BINS if high > low else 1.0 / BINS
    edges = {g: _edges(thresholds.get(g, low), low, high, width) for g in values}
    counts = {group: np.histogram(v, edges[group])[0] for group, v in values.items()}
    most = max(int(c.max()) for c in counts.values())
    figure, axes = panels.panel_axes(len(values), (), tall=TALL)
    inner = panels.inner_width(len(values))
    looks = panels.group_looks(list(values))
    for i, (group, v) in enumerate(values.items()):
        axes[i].set_xlim(low, max(high, low + BINS * width) + width)
        _axes(axes[i], most, named=i >= len(values) - min(len(values), 2))
        axes[i].set_ylabel("neurons" if i % 2 == 0 else "")
        _columns(axes[i], edges[group], counts[group], looks[group].colour, thresholds.get(group))
        note = _taken(v, thresholds.get(group))
        room = inner - drawing.text_width([note], NOTE) - 10
        axes[i].set_title(panels.fitted(group, room, 8.5, "bold"), pad=6)
        axes[i].annotate(note, (1, 1), xycoords="axes fraction", xytext=(0, 6.5), size=NOTE,
                         textcoords="offset points", ha="right", color=drawing.MUTED)  # fmt: skip
    return figure


def _edges(start: float, low: float, high: float, width: float) -> np.ndarray:
    """Edges of columns from ``low`` or below to above ``high``, one of them exactly ``start``."""
    before = math.ceil((start - low) / width - 1e-9)
    after = math.floor((high - start) / width + 1e-9) + 1
    return start + width * np.arange(-before, after + 1)


def _axes(axes: Axes, most: int, *, named: bool) -> None:
    """Scores below, counts from 1 to above the fullest column of all panels at the left."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: number(float(f"{x:.6g}"))))
    axes.set_yscale("log")
    axes.set_ylim(LOWEST, max(1.6 * most, 12))
    axes.yaxis.set_major_locator(LogLocator(numticks=7))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: number(round(y))))
    axes.set_xlabel("score" if named else "")


def _columns(
    axes: Axes, edges: np.ndarray, counts: np.ndarray, colour: str, threshold: float | None
) -> None:
    """Fill the columns that hold something, strong from the threshold on, and mark it."""
    gap = 0.1 * (edges[1] - edges[0])
    boxes = [
        (low, LOWEST, high - low - gap, n - LOWEST)
        for low, high, n in zip(edges[:-1].tolist(), edges[1:].tolist(), counts, strict=True)
        if n
    ]
    if threshold is None:
        panels.fill_boxes(axes, boxes, colour, alpha=0.7)
        return
    panels.fill_boxes(axes, [box for box in boxes if box[0] < threshold], colour, alpha=0.35)
    panels.fill_boxes(axes, [box for box in boxes if box[0] >= threshold], colour)
    axes.axvline(threshold, color=drawing.INK, linewidth=1.0, linestyle=(0, (1, 1.6)))
