"""The drawing of a confusion matrix as SVG: one path per colour and step, words as text."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

import numpy as np

from simlearn.report import drawing
from simlearn.report.confusion_plan import (
    BETWEEN,
    ON_DARK,
    STEPS,
    SWATCH,
    TOP,
    WIDTH,
    Plan,
    confusion_plan,
)
from simlearn.report.wording import number

MOST_RUNS = 25_000  # of equal cells in a row; about 200 kB of SVG
_FONT = "system-ui, 'DejaVu Sans', sans-serif"


def confusion_svg(table: np.ndarray, share: np.ndarray, names: Sequence[str]) -> tuple[str, str]:
    """Draw a confusion matrix; call it inside the style block.

    Args:
        table: (C,C) int64 counts, at least 0.
        share: (C,C) float, each count's share in [0, 1] of its row; zeros in an empty row.
        names: C names of the classes.

    Returns:
        The SVG text, and the words of the caption that depend on what could be drawn.
    """
    plan = confusion_plan(names)
    left = max(plan.widest, 28.0) + 8
    free = WIDTH - left - plan.map[0] - BETWEEN - 2 * SWATCH[0] - 34
    size = {"width": f"{WIDTH:g}", "height": f"{TOP + plan.bottom:.1f}"}
    root = ElementTree.Element("svg", {k: f"{v}pt" for k, v in size.items()})
    root.attrib |= {"xmlns": "http://www.w3.org/2000/svg"}
    root.attrib |= {"viewBox": f"0 0 {size['width']} {size['height']}"}
    _add(root, "rect", f"fill: {drawing.PAPER}", **size)
    whole = _add(root, "g", transform=f"translate({max(free / 2, 0) + left:.2f} {TOP:g})")
    levels, floor = _levels(share)
    _cells(whole, levels, plan)
    _frame(whole, plan)
    _names(whole, plan)
    _bar(whole, plan)
    words = _numbers(whole, table, share, levels, plan) if plan.small else ""
    words += "Colour: share of the row."
    if floor:
        words += f" Wrong cells of at most {STEPS[floor]} % are left blank."
    if len(plan.shown) < plan.classes:
        words += f" One class in {list(plan.shown)[1]} is named."
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n', words


def _add(
    parent: ElementTree.Element, tag: str, style: str = "", **more: str
) -> ElementTree.Element:
    """Put a new element into ``parent``."""
    return ElementTree.SubElement(parent, tag, {**({"style": style} if style else {}), **more})


def _texts(
    parent: ElementTree.Element,
    texts: Sequence[tuple[str, float, float]],
    colour: str = drawing.MUTED,
    *,
    size: float = 7.5,
    anchor: str = "middle",
    turn: int = 0,
) -> None:
    """Write (text, x, y) that look alike, each turned around its place."""
    look = f"font-size: {size:.2f}px; font-family: {_FONT}; text-anchor: {anchor}; fill: {colour}"
    group = _add(parent, "g", look)
    for text, x, y in texts:
        place = {"x": f"{x:.2f}", "y": f"{y:.2f}"}
        if turn:
            place = {"transform": f"translate({x:.2f} {y:.2f}) rotate(-{turn})"}
        _add(group, "text", **place).text = text


def _levels(share: np.ndarray) -> tuple[np.ndarray, int]:
    """Step (1 to 9) of each cell, 0 for none, and how many of the lowest steps were left out."""
    levels = np.searchsorted(np.array(STEPS) / 100, share, side="left")
    right = np.eye(len(share), dtype=bool)
    for floor in range(len(STEPS)):
        seen = np.where((levels > floor) | right, levels, 0)
        if len(_runs(seen)[0]) <= MOST_RUNS:
            break
    return seen, floor


def _runs(levels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Runs of equal coloured cells, by row: (rows, first columns, lengths)."""
    key = levels + 100 * np.eye(len(levels), dtype=np.int64)
    begin = np.ones(key.shape, dtype=bool)
    begin[:, 1:] = key[:, 1:] != key[:, :-1]
    first = np.flatnonzero(begin)
    length = np.diff(first, append=levels.size)
    row, column = np.divmod(first, len(levels))
    kept = levels[row, column] > 0
    return row[kept], column[kept], length[kept]


def _cells(parent: ElementTree.Element, levels: np.ndarray, plan: Plan) -> None:
    """One path of horizontal strokes per colour and step; a unit is a cell."""
    scale = f"scale({plan.cell[0]:.6g} {plan.cell[1]:.6g})"
    group = _add(parent, "g", "fill: none; stroke-width: 1", transform=scale)
    row, column, length = _runs(levels)
    step, right = levels[row, column], row == column
    for colour, own in ((drawing.BLUE, right), (drawing.ORANGE, ~right)):
        for level in sorted(set(step[own].tolist())):
            here = own & (step == level)
            y, x, n = row[here], column[here], length[here]
            along, down = x[1:] - x[:-1] - n[:-1], np.diff(y)
            moves = zip(along.tolist(), down.tolist(), n[1:].tolist(), strict=True)
            path = f"M{x[0]} {y[0] + 0.5}h{n[0]}" + "".join(f"m{a} {d}h{k}" for a, d, k in moves)
            look = f"stroke: {colour}; stroke-opacity: {plan.strength[colour][level - 1]:g}"
            _add(group, "path", look, d=path)


def _numbers(
    parent: ElementTree.Element,
    table: np.ndarray,
    share: np.ndarray,
    levels: np.ndarray,
    plan: Plan,
) -> str:
    """Write the counts, or the percent of the row where a count is too long; tell which."""
    width, height = plan.cell
    texts = [[number(int(n)) for n in row] for row in table]
    words, size = "Numbers: items. ", _size(texts, width)
    if size < 5:
        texts = [[f"{100 * value:.0f}" for value in row] for row in share]
        words, size = "Numbers: percent of the row. ", _size(texts, width)
    for colour, own in (
        (drawing.MUTED, levels == 0),
        (drawing.INK, (levels > 0) & (levels < ON_DARK)),
        (drawing.PAPER, levels >= ON_DARK),
    ):
        cells = np.argwhere(own).tolist()
        middle = 0.5 * height + 0.36 * size
        places = [(texts[i][j], (j + 0.5) * width, i * height + middle) for i, j in cells]
        _texts(parent, places, colour, size=size)
    return words


def _size(texts: list[list[str]], width: float) -> float:
    """Size of letters in points with which every text fits its cell, at most 8."""
    widest = drawing.text_width(sorted({text for row in texts for text in row}), 8.0)
    return min(8.0, 8.0 * (width - 3) / widest)


def _frame(parent: ElementTree.Element, plan: Plan) -> None:
    """Draw lines between the cells of a small map, a frame around a large one; name the axes."""
    (width, height), (w, h) = plan.cell, plan.map
    ends = range(plan.classes + 1) if plan.small else (0, plan.classes)
    path = "".join(f"M0 {i * height:.2f}H{w:.2f}M{i * width:.2f} 0V{h:.2f}" for i in ends)
    colour = drawing.GRID if plan.small else drawing.GREY
    _add(parent, "path", f"fill: none; stroke: {colour}; stroke-width: 0.7", d=path)
    _texts(parent, [("true \u2193", -6, -9)], anchor="end")
    _texts(parent, [("predicted \u2192", 0, -9)], anchor="start")


def _names(parent: ElementTree.Element, plan: Plan) -> None:
    """Names at the left of the rows and below the columns, with ticks where not all are named."""
    width, height = plan.cell
    size, turn, low = plan.size, plan.turn, plan.map[1]
    rows = [(name, -6.0, (i + 0.5) * height + 0.36 * size) for i, name in plan.shown.items()]
    _texts(parent, rows, drawing.INK, size=size, anchor="end")
    right, down = {0: (0.0, size + 4), 45: (0.3 * size, size), 90: (0.36 * size, 6.0)}[turn]
    columns = [(name, (i + 0.5) * width + right, low + down) for i, name in plan.shown.items()]
    anchor = "end" if turn else "middle"
    _texts(parent, columns, drawing.INK, size=size, anchor=anchor, turn=turn)
    if len(plan.shown) < plan.classes:
        ticks = "".join(
            f"M0 {(i + 0.5) * height:.2f}h-4M{(i + 0.5) * width:.2f} {low:.2f}v4"
            for i in plan.shown
        )
        _add(parent, "path", f"fill: none; stroke: {drawing.GREY}; stroke-width: 0.5", d=ticks)


def _bar(parent: ElementTree.Element, plan: Plan) -> None:
    """Draw the steps of both colours from high to low, their ends in percent at the right."""
    x, (width, height) = plan.map[0] + BETWEEN, SWATCH
    columns = ((drawing.BLUE, "right"), (drawing.ORANGE, "wrong"))
    for place, (colour, _) in enumerate(columns):
        for level, strength in enumerate(reversed(plan.strength[colour])):
            corner = {"x": f"{x + place * width:.2f}", "y": f"{level * height:g}"}
            size = {"width": f"{width - 1.5:g}", "height": f"{height:g}"}
            _add(parent, "rect", f"fill: {colour}; fill-opacity: {strength:g}", **corner, **size)
    heads = [(word, x + (i + 0.5) * width - 0.75, -4.0) for i, (_, word) in enumerate(columns)]
    _texts(parent, [*heads, ("share of the row", x + width, -15.0)], size=7.0)
    ends = [f"{end} %" for end in (100, *reversed(STEPS))]
    places = [(end, x + 2 * width + 3, i * height + 2.5) for i, end in enumerate(ends)]
    _texts(parent, places, size=7.0, anchor="start")
