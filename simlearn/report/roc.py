"""The ROC curve: pairs of one class recognised against pairs of two taken for one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from simlearn.report import drawing
from simlearn.report.report import FigureImage
from simlearn.report.wording import NOTHING, one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from torch import Tensor

Points = tuple["Sequence[float] | np.ndarray | Tensor", "Sequence[float] | np.ndarray | Tensor"]
WIDTH, HEIGHT, SIDE = 8.6, 4.2, 3.6  # inches: figure, and the square of the axes
MOST_MODELS, MOST_POINTS = 5, 400


def roc_figure(
    curves: Mapping[str, Points], *, title: str, auc: Mapping[str, float] | None = None
) -> FigureImage:
    """True against false positive rate in percent, one line per model, and the diagonal of chance.

    Args:
        curves: per model (fpr, tpr), each (K,) with K >= 2 shares in [0, 1] that never fall; at
            most 400 points of them are drawn. Models have the colours of
            :func:`simlearn.report.cmc_figure`.
        title: heading of the figure on the page.
        auc: area under the curve in [0, 1] of some or all models, written beside their names;
            nan is "-".

    Returns:
        The figure.

    Raises:
        ValueError: no model, more than five, rates that are no curve, an area of a model that has
            no curve or outside [0, 1].
    """
    areas = dict(auc or {})
    if not 1 <= len(curves) <= MOST_MODELS:
        raise ValueError(
            f"a ROC figure shows 1 to {MOST_MODELS} models, found {len(curves)}: {list(curves)}"
        )
    points = {name: _checked(name, *curve) for name, curve in curves.items()}
    for name, area in areas.items():
        if name not in curves:
            raise ValueError(f"auc names {name!r}, but the curves are of {list(curves)}")
        if not np.isnan(area) and not 0 <= area <= 1:
            raise ValueError(f"auc of {name!r} is {area}, must be in [0, 1]")
    words = {name: f", AUC {_area(areas[name])}" if name in areas else "" for name in curves}
    with drawing.figure_style():
        svg = drawing.svg_text(_draw(points, words))
    said = "; ".join(
        f"{name}{words[name]}, {_at(curve, 0.1)} true at 10 % false positives"
        for name, curve in points.items()
    )
    return FigureImage(
        name="roc",
        title=title,
        alt=f"True positive rate against false positive rate. {said}.",
        svg=svg,
        caption="Each point is a threshold on the score. Up: share of the pairs of one class that "
        "are taken for one. Right: share of the pairs of two classes that are taken for one. The "
        "nearer to the upper left corner the better; the dashed diagonal is chance."
        + (" AUC: area under the curve, 0.5 by chance, 1 at best." if areas else ""),
    )


def thin_curve(x: np.ndarray, y: np.ndarray, most: int = MOST_POINTS) -> np.ndarray:
    """Choose at most ``most`` points, evenly along a curve that never falls.

    Args:
        x: (K,) float, never falling, in [0, 1].
        y: (K,) like ``x``.
        most: at least 2.

    Returns:
        (M,) int64 ascending places of the points to keep, M <= max(most, 2), the first and the last
        among them. Points between two kept ones that are not neighbours lie in a box with
        width + height <= 2 (x range + y range) / (most - 1).
    """
    if len(x) <= most:
        return np.arange(len(x))
    length = (x - x[0]) + (y - y[0])
    # of the points of each of most - 1 equal pieces the first; a piece never spans a kept step
    piece = np.floor(length / max(length[-1], 1e-300) * (most - 1)).astype(np.int64)
    _, first = np.unique(np.minimum(piece, most - 2), return_index=True)
    return np.union1d(first, [len(x) - 1])


def _checked(name: str, *rates: Sequence[float] | np.ndarray | Tensor) -> np.ndarray:
    """Give a curve as (2,K) float64, or refuse it, naming the model and what was found."""
    if len(rates) != 2:
        raise ValueError(f"ROC curve {name!r}: expected (fpr, tpr), found {len(rates)} parts")
    x, y = (np.asarray(r, dtype=np.float64) for r in rates)
    if x.ndim != 1 or x.shape != y.shape or len(x) < 2:
        raise ValueError(
            f"ROC curve {name!r}: fpr and tpr must be of one length >= 2, found shapes {x.shape} "
            f"and {y.shape}"
        )
    for kind, rate in (("fpr", x), ("tpr", y)):
        wrong = np.flatnonzero(~((rate >= 0) & (rate <= 1)))
        if len(wrong):
            raise ValueError(
                f"ROC curve {name!r}, {kind} {wrong[0]}: {rate[wrong[0]]} is no share in [0, 1]; "
                "give shares, not percent"
            )
        falls = np.flatnonzero(np.diff(rate) < 0)
        if len(falls):
            raise ValueError(
                f"ROC curve {name!r}: {kind} falls from {rate[falls[0]]} to {rate[falls[0] + 1]}; "
                "sort by falling threshold"
            )
    return np.stack([x, y])


def _area(area: float) -> str:
    """Write an area with three decimals."""
    return NOTHING if np.isnan(area) else f"{area:.3f}"


def _at(curve: np.ndarray, fpr: float) -> str:
    """True positive rate at a false positive rate, in percent, by linear interpolation."""
    return f"{100 * float(np.interp(fpr, curve[0], curve[1])):.1f} %"


def _draw(points: Mapping[str, np.ndarray], words: Mapping[str, str]) -> Figure:
    """A square with the lines, their names at the right."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, HEIGHT))
    axes = figure.add_axes((1.2 / WIDTH, 0.45 / HEIGHT, SIDE / WIDTH, SIDE / HEIGHT))
    _set_axes(axes)
    for i, (name, (x, y)) in enumerate(points.items()):
        kept = thin_curve(x, y)
        axes.plot(
            100 * x[kept],
            100 * y[kept],
            color=drawing.model_colour(name, i),
            linestyle=drawing.STYLES[i],
            linewidth=2.4 if i == 0 else 1.7,
            clip_on=False,
            label=one_line(name, 40) + words[name],
        )
    axes.legend(
        loc="lower left", bbox_to_anchor=(1.04, 0.0), handlelength=2.6, labelcolor="linecolor"
    )
    return figure


def _set_axes(axes: Axes) -> None:
    """0 to 100 percent both ways, and the dashed diagonal."""
    from matplotlib.ticker import FuncFormatter

    percent = FuncFormatter(lambda value, _: f"{value:.0f} %")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(percent)
        axis.set_ticks(range(0, 101, 20))
    axes.set_xlim(0, 100)
    axes.set_ylim(0, 100)
    axes.grid(True, axis="both")
    axes.set_xlabel("false positive rate")
    axes.set_ylabel("true positive rate")
    axes.plot([0, 100], [0, 100], color=drawing.MUTED, linestyle=(0, (4, 3)), linewidth=0.9)
    axes.text(85, 78, "chance", rotation=45, ha="center", va="center", color=drawing.MUTED)
