"""Small panels side by side: looks of modalities, places, axes, a legend that fits, cut words."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from simlearn.report import drawing
from simlearn.report.wording import number, one_line

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, BETWEEN, LEFT, RIGHT, ABOVE, BELOW, ROW = 619.2, 16.0, 50.0, 14.0, 24.0, 34.0, 14.0  # points
SMALL = 7.5  # points: legend and ticks
MOST = 7  # groups that can be told apart
COLOURS = {
    "text": drawing.BLUE,
    "image": drawing.ORANGE,
    "audio": drawing.GREEN,
    "video": drawing.PURPLE,
    "special": drawing.INK,
    "generated": drawing.GREY,
}
"""Fixed colours of modalities, the same in every figure."""
_OTHERS = (drawing.INK, *reversed(list(COLOURS.values())[:4]), drawing.GREY, drawing.MUTED)
_MARKERS = dict(zip((*COLOURS.values(), drawing.MUTED), "osD^vPX", strict=True))
Box = tuple[float, float, float, float]


class Look(NamedTuple):
    """How a group is drawn: its colour and the marker of its points."""

    colour: str
    marker: str


def group_looks(names: Sequence[str]) -> dict[str, Look]:
    """Give a modality its fixed look, any other name ("union", "all") one that is still free.

    Raises:
        ValueError: no name, more than seven, or one name twice.
    """
    if not 1 <= len(names) <= MOST or len(set(names)) < len(names):
        raise ValueError(
            f"a figure tells 1 to {MOST} different groups apart, found {len(names)}: {list(names)}"
        )
    taken = {COLOURS[name] for name in names if name in COLOURS}
    free = [colour for colour in _OTHERS if colour not in taken]
    chosen = {name: COLOURS[name] if name in COLOURS else free.pop(0) for name in names}
    return {name: Look(colour, _MARKERS[colour]) for name, colour in chosen.items()}


def fitted(text: str, most: float, size: float, weight: str = "normal") -> str:
    """Write text as one line, cut with an ellipsis to ``most`` points."""
    line = one_line(text)
    if drawing.text_width([line], size, weight) <= most:
        return line
    cut = bisect_left(
        range(1, len(line)),
        True,
        key=lambda n: drawing.text_width([line[:n] + "\u2026"], size, weight) > most,
    )
    return line[:cut].rstrip() + "\u2026"


def percent(share: float, digits: int = 1) -> str:
    """Write a share in percent, "-" for nan."""
    return f"{100 * share:.{digits}f} %" if math.isfinite(share) else "-"


def panel_axes(
    count: int, handles: Sequence[Artist], *, tall: float, right: float = RIGHT
) -> tuple[Figure, list[Axes]]:
    """Make a figure of equal panels, one or two to a row, below the legend of ``handles``.

    Args:
        count: how many panels.
        handles: what the legend shows with their labels; none, no legend.
        tall: height of a panel's axes in points.
        right: room at the right of each panel's axes in points.

    Returns:
        The figure and its axes, row by row.
    """
    from matplotlib.figure import Figure

    columns = min(count, 2)
    rows = math.ceil(count / columns)
    beside = _beside([str(handle.get_label()) for handle in handles])
    top = ROW * math.ceil(len(handles) / beside) + 6
    total = top + rows * (ABOVE + tall + BELOW)
    cell = (WIDTH - BETWEEN * (columns - 1)) / columns
    figure = Figure(figsize=(WIDTH / 72, total / 72))
    if handles:
        figure.legend(  # matplotlib fills columns: sorted so that it reads row by row
            handles=[handle for i in range(beside) for handle in handles[i::beside]],
            loc="upper left",
            bbox_to_anchor=((LEFT - 4) / WIDTH, 1 - 4 / total),
            ncols=beside,
            borderaxespad=0,
            handlelength=2.2,
            columnspacing=1.8,
            labelspacing=0.55,
        )
    axes = []
    for i in range(count):
        x = (i % columns) * (cell + BETWEEN) + LEFT
        y = total - top - (i // columns + 1) * (ABOVE + tall + BELOW) + BELOW
        place = (x / WIDTH, y / total, (cell - LEFT - right) / WIDTH, tall / total)
        axes.append(figure.add_axes(place))
    return figure, axes


def _beside(labels: Sequence[str]) -> int:
    """How many entries of the legend stand in a row so that rows are few and full, at least 1."""
    room = WIDTH - LEFT
    for rows in range(1, len(labels)):
        columns = math.ceil(len(labels) / rows)
        widths = [drawing.text_width(labels[i::columns], SMALL) for i in range(columns)]
        if sum(widths) + 38 * columns <= room:
            return columns
    return 1


def inner_width(count: int, right: float = RIGHT) -> float:
    """Tell how many points wide the axes of one of ``count`` panels are."""
    columns = min(count, 2)
    return (WIDTH - BETWEEN * (columns - 1)) / columns - LEFT - right


def value_axis(axes: Axes, values: Iterable[float], *, share: bool, whole: bool = False) -> None:
    """Let the vertical axis hold 0 and all finite values, shares in percent, counts ``whole``."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    scale = 100.0 if share else 1.0
    ends = [0.0, *(scale * v for v in values if math.isfinite(v))]
    low, high = min(ends), max(ends)
    room = 0.1 * (high - low) or 1.0
    axes.set_ylim(low - room * (low < 0), min(high + room, 103.0) if share else high + room)
    if low < 0:
        axes.axhline(0, color=drawing.MUTED, linewidth=0.8, zorder=1)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10], integer=whole))
    axes.yaxis.set_major_formatter(
        FuncFormatter(lambda y, _: number(float(f"{y:.6g}")) + (" %" if share else ""))
    )


def layer_axis(axes: Axes, count: int) -> None:
    """Run from layer 0 to the last with a tick at every layer, or at every 2nd, 5th, 10th, ...

    Fewer than ten layers stand in the middle, as near to each other as ten would.
    """
    room = max(0.6, (11 - count) / 2)
    step = next(s for s in (1, 2, 5, 10, 20, 50, count) if count <= 20 * s)
    axes.set_xlim(-room, count - 1 + room)
    axes.set_xticks(range(0, count, step))
    axes.set_xlabel("layer")


def fill_boxes(axes: Axes, boxes: Sequence[Box], colour: str, **look: Any) -> None:
    """Fill boxes (x, y, width, height) as one path; nothing for none."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    if not boxes:
        return
    corners = [[(x, y), (x + w, y), (x + w, y + h), (x, y + h), (x, y)] for x, y, w, h in boxes]
    path = Path.make_compound_path(*[Path(c, closed=True) for c in corners])
    axes.add_patch(PathPatch(path, facecolor=colour, linewidth=0, **look))
