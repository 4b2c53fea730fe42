"""Where the selected neurons lie: stacked bars per layer, one colour per modality."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from simlearn.report import drawing, panels
from simlearn.report.report import FigureImage
from simlearn.report.wording import number, one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TALL, RIGHT, BAR = 190.0, 56.0, 0.8  # points, points, share of a layer's room


def neuron_layers_figure(
    counts: np.ndarray | Tensor | Sequence[Sequence[int]],
    names: Sequence[str],
    *,
    title: str,
    width: int | None = None,
    name: str = "neuron_layers",
) -> FigureImage:
    """Draw how many neurons each group has in each layer, the groups on top of each other.

    A neuron of two groups counts in both, so that a bar can be longer than the layer is wide.

    Args:
        counts: ``(G, L)`` whole numbers >= 0, G of 1 to 7 groups, L >= 1 layers; all 0 is said.
        names: G different names of the groups; modalities have their fixed colours.
        title: heading of the figure on the page.
        width: neurons of a layer; with it the right axis is the share of the layer in percent.
        name: the figure's file name.

    Raises:
        ValueError: another shape, a count that is negative, no whole number or above ``width``,
            not one name per group, more than seven groups.
    """
    table = _checked(counts, names, width)
    with drawing.figure_style():
        svg = drawing.svg_text(_draw(table, names, width))
    share = f" The right axis is the share of the {number(width)} neurons of a layer."
    return FigureImage(
        name=name,
        title=title,
        alt=_words(table, names),
        svg=svg,
        caption="Selected neurons per layer. A neuron that was selected for several groups counts "
        "in each." + (share if width else ""),
    )


def _checked(counts: Any, names: Sequence[str], width: int | None) -> np.ndarray:
    """Give ``(G, L)`` float64 of whole numbers, or refuse it by what was found."""
    table = np.asarray(counts.cpu() if isinstance(counts, Tensor) else counts, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] == 0 or len(table) != len(names):
        raise ValueError(
            f"neurons per layer must be (G, L) with L >= 1 and one name per group, found shape "
            f"{table.shape} and {len(names)} names"
        )
    panels.group_looks(names)
    most = np.inf if width is None else width
    wrong = np.argwhere(~((table >= 0) & (table <= most) & (table == np.floor(table)))).tolist()
    if wrong or not np.isfinite(table).all():
        group, layer = (wrong or np.argwhere(~np.isfinite(table)).tolist())[0]
        raise ValueError(
            f"neurons per layer: {table[group, layer]:g} of group {names[group]!r} in layer "
            f"{layer} is no number of neurons of a layer" + (f" of {width}" if width else "")
        )
    return table


def _words(table: np.ndarray, names: Sequence[str]) -> str:
    """Total and fullest layer of each group."""
    parts = [
        f"{one_line(name, 40)} {number(int(row.sum()))}"
        + (f", most in layer {int(row.argmax())} ({number(int(row.max()))})" if row.any() else "")
        for name, row in zip(names, table, strict=True)
    ]
    count = table.shape[1]
    return (
        f"Selected neurons in {count} layer{'' if count == 1 else 's'} by group. "
        f"{'; '.join(parts)}."
    )


def _draw(table: np.ndarray, names: Sequence[str], width: int | None) -> Figure:
    """Bars from below in the order of the legend, the share at the right."""
    from matplotlib.patches import Patch

    looks = panels.group_looks(names)
    handles = [
        Patch(
            color=looks[n].colour, label=f"{panels.fitted(n, 180, panels.SMALL)} ({number(int(v))})"
        )
        for n, v in zip(names, table.sum(1).tolist(), strict=True)
    ]
    figure, (axes,) = panels.panel_axes(1, handles, tall=TALL, right=RIGHT)
    panels.layer_axis(axes, table.shape[1])
    panels.value_axis(axes, table.sum(0).tolist(), share=False, whole=True)
    axes.set_ylabel("neurons")
    floor = np.zeros(table.shape[1])
    for group, row in zip(names, table, strict=True):
        places = enumerate(zip(floor.tolist(), row.tolist(), strict=True))
        boxes = [(x - BAR / 2, low, BAR, high) for x, (low, high) in places if high]
        panels.fill_boxes(axes, boxes, looks[group].colour)
        floor += row
    if not table.any():
        axes.text(0.5, 0.5, "no neuron was selected", transform=axes.transAxes, ha="center",
                  color=drawing.MUTED)  # fmt: skip
    if width:
        _share_axis(axes, width)
    return figure


def _share_axis(axes: Axes, width: int) -> None:
    """Write the share of the layer at the right, in percent, for the same heights."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    low, high = axes.get_ylim()
    right = axes.twinx()
    right.grid(False)
    right.set_ylim(100 * low / width, 100 * high / width)
    right.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]))
    right.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{number(float(f'{y:.6g}'))} %"))
    right.set_ylabel("share of the layer")
