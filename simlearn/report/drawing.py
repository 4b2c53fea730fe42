"""Palette and matplotlib set-up of every figure: same bytes for the same data, never pyplot."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, MUTED, GRID, PAPER = "#1b2430", "#5a6472", "#e4e2dc", "#ffffff"
BLUE, GREY, ORANGE, GREEN, PURPLE = "#0b5fa5", "#6b7280", "#b4540a", "#00785f", "#7a3e9d"
SERIES = (BLUE, ORANGE, GREEN, PURPLE, GREY)
MODELS = {"trained": BLUE, "untrained": GREY, "pixels": ORANGE}
"""Fixed colours of models, the same as in the page's summary."""
STYLES: tuple[Any, ...] = ("-", "--", (0, (1, 1.2)), "-.", (0, (5, 1, 1, 1)))
# what the page puts in the place of each colour when the reader prefers a dark page
DARK = {
    INK: "#e6e9ed",
    MUTED: "#a5afbb",
    GRID: "#313a45",
    PAPER: "#1a2129",
    BLUE: "#6cb4f5",
    GREY: "#9aa5b3",
    ORANGE: "#f0a35e",
    GREEN: "#4fc7a6",
    PURPLE: "#c79ae6",
}
_OWN = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 8.0,
    "text.color": INK,
    "text.parse_math": False,
    "axes.edgecolor": GRID,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 8.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.formatter.use_mathtext": False,
    "axes.titlesize": 8.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "xtick.major.size": 0.0,
    "ytick.major.size": 0.0,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "legend.fontsize": 7.5,
    "figure.facecolor": PAPER,
    "axes.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "svg.fonttype": "none",
    "svg.hashsalt": "simlearn",
}
_ROOMS = (
    *("axes.", "font.", "lines.", "text.", "xtick.", "ytick.", "figure.", "legend.", "savefig."),
    *("path.", "grid.", "svg.", "patch.", "image.", "agg.", "hatch.", "markers.", "mathtext."),
)


def model_colour(name: str, number: int) -> str:
    """A model's fixed colour by the first word of its name, else that of its ``number``."""
    first = re.match(r"[a-z]*", name.strip().lower())
    return MODELS.get(first[0] if first else "", SERIES[number])


@contextmanager
def figure_style() -> Iterator[None]:
    """Set matplotlib's defaults with the house style on top, whatever the user's settings are.

    The user's settings are back when the block is left, by an exception too. A letter that the
    font lacks is drawn as a box in a PNG and left to the reader's fonts in an SVG: no warning.
    """
    import matplotlib

    defaults = {k: v for k, v in matplotlib.rcParamsDefault.items() if k.startswith(_ROOMS)}
    settings: dict[Any, Any] = {**defaults, **_OWN}
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def text_width(texts: Iterable[str], size: float, weight: str = "normal") -> float:
    """Measure the widest text in points, 0 for none; ``$`` is no mathematics."""
    from matplotlib.backends.backend_agg import RendererAgg
    from matplotlib.font_manager import FontProperties

    renderer = RendererAgg(16, 16, 72)
    font = FontProperties(size=size, weight=weight)
    return max(
        (renderer.get_text_width_height_descent(t, font, False)[0] for t in texts), default=0
    )


def svg_text(figure: Figure) -> str:
    """Write the figure as SVG without date or random ids; call it inside the style block.

    Text stays text, so it can be searched and takes the font of the page that shows it.
    """
    buffer = io.StringIO()
    nothing: dict[str, Any] = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(buffer, format="svg", metadata=nothing)
    text = buffer.getvalue().replace("'DejaVu Sans'", "system-ui, 'DejaVu Sans'")
    return re.sub(r"[ \t]+\n", "\n", text)


def png_bytes(figure: Figure) -> bytes:
    """Write the figure as PNG, no date and no writer's name; call it inside the style block."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def spread(places: list[float], gap: float) -> list[float]:
    """Move sorted places apart until neighbours are at least ``gap`` apart, as little as needed.

    Places that collide become a block around their mean; blocks that meet are merged.

    Returns:
        The moved places in the same (ascending) order; an empty list for no places.
    """
    blocks: list[tuple[float, int]] = []  # (centre, how many)
    for place in places:
        centre, count = place, 1
        while blocks and centre - gap * count / 2 < blocks[-1][0] + gap * blocks[-1][1] / 2:
            other, n = blocks.pop()
            centre, count = (centre * count + other * n) / (count + n), count + n
        blocks.append((centre, count))
    return [c + gap * (i - (n - 1) / 2) for c, n in blocks for i in range(n)]


def label_ends(axes: Axes, ends: list[tuple[float, str, str]], points: float) -> bool:
    """Write each line's label at the right edge of the axes, moved apart where they would touch.

    Args:
        axes: with its final vertical limits and size.
        ends: (y, label, colour) of each line's last point, y in data coordinates.
        points: height of a label's line in points.

    Returns:
        False, and nothing drawn, where a label would have to move more than three lines away.
    """
    dpi = axes.figure.dpi
    size = axes.get_window_extent().height / dpi * 72
    low, high = axes.get_ylim()
    unit = (high - low) / size  # data units per point
    ends = sorted(ends, key=lambda end: end[0])
    gap = points * unit
    places = spread([end[0] for end in ends], gap)
    for i in range(len(places)):  # none above or below the axes by more than half a line
        places[i] = max(places[i], low + gap * (i - 0.5))
        places[-1 - i] = min(places[-1 - i], high + gap * (0.5 - i))
    if any(abs(p - end[0]) > 3 * gap for p, end in zip(places, ends, strict=True)):
        return False
    for place, (_, label, colour) in zip(places, ends, strict=True):
        axes.annotate(
            label,
            (1.0, place),
            xycoords=("axes fraction", "data"),
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            color=colour,
            annotation_clip=False,
        )
    return True
