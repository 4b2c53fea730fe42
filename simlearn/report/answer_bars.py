"""How many answers are right by kind of question, beside what needs no picture or no training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from simlearn.report import drawing, panels
from simlearn.report.report import FigureImage
from simlearn.report.wording import number, one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST = 12
NAMES, RIGHT, BELOW = 150.0, 52.0, 20.0  # points: most room for names, at the right, for ticks
THICK, THIN, SPACE = 10.0, 4.5, 11.0  # points: the trained model's bar, another's, between kinds
SHORT = 0.4  # percent: length of a bar of less, so that 0 is told from no value
ROUNDING = 1e-9  # by how much a mean of shares may leave [0, 1]
OTHERS = {
    "question_alone": ("question alone", drawing.ORANGE),
    "blanked": ("medium blanked", drawing.PURPLE),
    "untrained": ("untrained model", drawing.GREY),
}
"""Words and colour of the bars below the trained model's, by field of :class:`AnswerShares`."""


class AnswerShares(NamedTuple):
    """Right answers to one kind of question as shares in [0, 1]; nan where there is none.

    Attributes:
        name: of the data set, or of a kind within it.
        n: how many questions.
        trained: of the trained model.
        low: lower end of its 95 % interval.
        high: upper end.
        question_alone: the most frequent training answer to the same words.
        blanked: the trained model with grey pictures and silence.
        untrained: the model before its first step.
    """

    name: str
    n: int
    trained: float
    low: float = math.nan
    high: float = math.nan
    question_alone: float = math.nan
    blanked: float = math.nan
    untrained: float = math.nan


def answer_bars_figure(
    rows: Sequence[AnswerShares] | Sequence[tuple[Any, ...]], *, title: str, name: str = "answers"
) -> FigureImage:
    """Draw the accuracy per kind of question: the trained model's bar above those it must beat.

    Args:
        rows: 1 to 12 kinds, :class:`AnswerShares` or tuples like it, drawn from the top. A bar that
            is nan in every row is left out of the legend too.
        title: heading of the figure on the page.
        name: the figure's file name.

    Raises:
        ValueError: no row or more than 12, no value at all, a value outside [0, 1], half an
            interval or one that is upside down; the row is named.
    """
    shares = [AnswerShares(*row) for row in rows]
    _check(shares)
    others = [key for key in OTHERS if any(math.isfinite(getattr(row, key)) for row in shares)]
    with drawing.figure_style():
        svg = drawing.svg_text(_draw(shares, others))
    order = ["the trained model", *(OTHERS[key][0] for key in others)]
    caption = f"Right answers by kind of question; in each kind from the top: {', '.join(order)}."
    if any(math.isfinite(row.low) for row in shares):
        caption += " Whiskers: 95 % interval of the trained model."
    return FigureImage(name, title, _words(shares, others), svg=svg, caption=caption)


def _check(rows: Sequence[AnswerShares]) -> None:
    """Refuse what cannot be drawn, naming the row."""
    if not 1 <= len(rows) <= MOST:
        raise ValueError(f"answer bars show 1 to {MOST} kinds of questions, found {len(rows)}")
    for row in rows:
        for value in row[2:]:
            if not (math.isnan(value) or -ROUNDING <= value <= 1 + ROUNDING):
                raise ValueError(
                    f"answers to {row.name!r}: {value:g} is no share in [0, 1]; give shares, not "
                    "percent"
                )
        if math.isnan(row.low) != math.isnan(row.high) or row.low > row.high:
            raise ValueError(f"answers to {row.name!r}: [{row.low:g}, {row.high:g}] is no interval")
    if all(math.isnan(value) for row in rows for value in row[2:]):
        raise ValueError(f"answer bars: none of {len(rows)} kinds has a value; leave them out")


def _words(rows: Sequence[AnswerShares], others: Sequence[str]) -> str:
    """All values of all kinds."""
    parts = [
        f"{one_line(row.name, 40)} (n = {number(row.n)}): trained {panels.percent(row.trained)}"
        + "".join(
            f", {OTHERS[key][0]} {panels.percent(getattr(row, key))}"
            for key in others
            if math.isfinite(getattr(row, key))
        )
        for row in rows
    ]
    return f"Right answers by kind of question. {'; '.join(parts)}."


def _draw(rows: Sequence[AnswerShares], others: Sequence[str]) -> Figure:
    """One axis in points from the top downwards, so that every bar has its own thickness."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = [Patch(color=drawing.BLUE, label="trained model")]
    handles += [Patch(color=OTHERS[key][1], label=OTHERS[key][0]) for key in others]
    if any(math.isfinite(row.low) for row in rows):
        handles.append(Line2D([], [], color=drawing.INK, linewidth=1.4, label="95 % interval"))
    group = THICK + THIN * len(others)
    tall = len(rows) * (group + SPACE)
    room = max(1.0, tall + BELOW - panels.ABOVE - panels.BELOW)
    figure, (axes,) = panels.panel_axes(1, handles, tall=room)
    counts = [f"n = {number(row.n)}" for row in rows]
    away = drawing.text_width(counts, panels.SMALL) + 14
    names = [panels.fitted(row.name, NAMES, 8.0) for row in rows]
    left = drawing.text_width(names, 8.0) + away + 4
    width, height = panels.WIDTH, 72 * figure.get_figheight()
    axes.set_position((left / width, BELOW / height, 1 - (left + RIGHT) / width, tall / height))
    _percent_axis(axes, tall)
    boxes: dict[str, list[panels.Box]] = {}
    for i, row in enumerate(rows):
        top = i * (group + SPACE) + SPACE / 2
        boxes.setdefault(drawing.BLUE, []).append(_bar(row.trained, top, THICK))
        for k, key in enumerate(others):
            bar = _bar(getattr(row, key), top + THICK + k * THIN, THIN)
            boxes.setdefault(OTHERS[key][1], []).append(bar)
        _write_value(axes, row, top + THICK / 2)
        words = ((names[i], -away, 8.0, drawing.INK), (counts[i], -8, panels.SMALL, drawing.MUTED))
        for word, x, size, colour in words:
            axes.annotate(word, (0, top + group / 2), (x, 0), textcoords="offset points",
                          ha="right", va="center", size=size, color=colour)  # fmt: skip
    for colour, some in boxes.items():
        panels.fill_boxes(axes, [box for box in some if box[2] > 0], colour)
    return figure


def _bar(share: float, top: float, thick: float) -> panels.Box:
    """Place the bar of a share with a hair's breadth below it; of no width for nan."""
    width = 0.0 if math.isnan(share) else min(max(100 * share, SHORT), 100.0)
    return 0.0, top, width, thick - 0.6


def _percent_axis(axes: Axes, tall: float) -> None:
    """Run from 0 to 100 percent at the bottom, with upright lines only."""
    from matplotlib.ticker import FuncFormatter

    axes.set_xlim(0, 100)
    axes.set_ylim(tall, 0)
    axes.set_xticks(range(0, 101, 20))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:.0f} %"))
    axes.set_yticks([])
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x")
    axes.spines["bottom"].set_visible(False)


def _write_value(axes: Axes, row: AnswerShares, middle: float) -> None:
    """Draw the trained model's interval and write its value at the end of its bar."""
    if math.isfinite(row.low):
        low, high = 100 * row.low, 100 * row.high
        for x, y in (
            ((low, high), (0.0, 0.0)),
            ((low, low), (-2.6, 2.6)),
            ((high, high), (-2.6, 2.6)),
        ):
            axes.plot(x, [middle + v for v in y], color=drawing.INK, linewidth=1.4, clip_on=False)
    end = max(100 * value for value in (0.0, row.trained, row.high) if math.isfinite(value))
    known = math.isfinite(row.trained)
    axes.annotate(panels.percent(row.trained) if known else "no value", (end, middle), (6, 0),
                  textcoords="offset points", va="center", annotation_clip=False,
                  color=drawing.INK if known else drawing.MUTED)  # fmt: skip
