"""The drawing of projected embeddings as SVG: one path per class and kind of point."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from xml.etree import ElementTree

import numpy as np

from simlearn.report import drawing
from simlearn.report.wording import one_line

WIDTH, EDGE, GAP, HEAD, SIDE = 619.2, 2.0, 13.0, 18.0, 300.0  # points; SIDE: largest panel
LABELLED = 12  # most classes of a panel with their names in it
SIZE = 7.5  # of letters
_FONT = "system-ui, 'DejaVu Sans', sans-serif"
# relative moves from a point's centre; areas are about the same
SHAPES = (
    "m-2 0a2 2 0 1 0 4 0a2 2 0 1 0-4 0",  # circle
    "m-1.8-1.8h3.6v3.6h-3.6z",  # square
    "m0-2.6l2.5 4.3h-5z",  # triangle
    "m0-2.6l2.6 2.6l-2.6 2.6l-2.6-2.6z",  # diamond
)


@dataclass(frozen=True)
class Panel:
    """Points of one picture.

    Attributes:
        title: above it.
        points: ``(N, 2)`` float64.
        y: ``(N,)`` int labels.
        hollow: ``(N,)`` bool: drawn as outlines.
    """

    title: str
    points: np.ndarray
    y: np.ndarray
    hollow: np.ndarray


def look(label: int) -> tuple[str, str]:
    """Colour and shape of a class: neighbours differ in both, twenty classes in one at least."""
    return drawing.SERIES[label % len(drawing.SERIES)], SHAPES[label % len(SHAPES)]


def projection_svg(panels: Sequence[Panel], names: Sequence[str]) -> str:
    """Draw panels, at most three in a row, and a legend; call it inside the style block.

    Args:
        panels: at least one, with at least one point in all.
        names: by label, short.

    Returns:
        The SVG text.
    """
    columns = min(len(panels), 3)
    side = min(SIDE, (WIDTH - 2 * EDGE - (columns - 1) * GAP) / columns)
    rows = -(-len(panels) // columns)
    seen = sorted({int(label) for panel in panels for label in panel.y})
    entries = [(names[label], label) for label in seen]
    if any(panel.hollow.any() for panel in panels):
        entries.append(("replayed", -1))
    top = rows * (side + HEAD + GAP)
    places, low = _flow([name for name, _ in entries], top + 6)
    size = {"width": f"{WIDTH:g}", "height": f"{low + 8:.1f}"}
    root = ElementTree.Element("svg", {k: f"{v}pt" for k, v in size.items()})
    root.attrib |= {"xmlns": "http://www.w3.org/2000/svg"}
    root.attrib |= {"viewBox": f"0 0 {size['width']} {size['height']}"}
    _add(root, "rect", f"fill: {drawing.PAPER}", **size)
    start = (WIDTH - columns * side - (columns - 1) * GAP) / 2
    scale = _scale(panels, side)
    for i, panel in enumerate(panels):
        x = start + i % columns * (side + GAP)
        y = HEAD + i // columns * (side + HEAD + GAP)
        group = _add(root, "g", transform=f"translate({x:.2f} {y:.2f})")
        _panel(group, panel, side, scale, names)
    for (name, label), (x, y) in zip(entries, places, strict=True):
        _points(root, [(x + 3, y)], label if label >= 0 else 0, hollow=label < 0, grey=label < 0)
        _text(root, name, x + 10, y + 0.36 * SIZE, drawing.INK, "start")
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'


def _add(
    parent: ElementTree.Element, tag: str, style: str = "", **more: str
) -> ElementTree.Element:
    """Put a new element into ``parent``."""
    return ElementTree.SubElement(parent, tag, {**({"style": style} if style else {}), **more})


def _text(
    parent: ElementTree.Element,
    text: str,
    x: float,
    y: float,
    colour: str,
    anchor: str,
    **more: str,
) -> None:
    """Write a text at its place."""
    style = f"font-size: {SIZE}px; font-family: {_FONT}; text-anchor: {anchor}; fill: {colour}"
    style += "".join(f"; {key.replace('_', '-')}: {value}" for key, value in more.items())
    _add(parent, "text", style, x=f"{x:.1f}", y=f"{y:.1f}").text = text


def _scale(panels: Sequence[Panel], side: float) -> tuple[float, float, float]:
    """Points of a page per unit, the same on both axes, and the middle of all points."""
    every = np.concatenate([panel.points for panel in panels])
    low, high = every.min(axis=0), every.max(axis=0)
    reach = float((high - low).max())
    middle = (low + high) / 2
    return (side - 24) / reach if reach > 0 else 1.0, float(middle[0]), float(middle[1])


def _panel(
    group: ElementTree.Element,
    panel: Panel,
    side: float,
    scale: tuple[float, float, float],
    names: Sequence[str],
) -> None:
    """Frame, title, points and, of few classes, names where their points lie."""
    edge = f"{side:.2f}"
    frame = f"fill: none; stroke: {drawing.GRID}; stroke-width: 0.9"
    _add(group, "rect", frame, width=edge, height=edge)
    line = one_line(panel.title, 80)
    while len(line) > 1 and drawing.text_width([line], SIZE, "bold") > side:
        line = line.rstrip("\u2026")[:-1].rstrip() + "\u2026"
    _text(group, line, 0, -6, drawing.INK, "start", font_weight="bold")
    zoom, left, low = scale
    x = side / 2 + zoom * (panel.points[:, 0] - left)
    y = side / 2 - zoom * (panel.points[:, 1] - low)
    labels = sorted(set(panel.y.tolist()))
    for hollow in (False, True):
        for label in labels:
            own = (panel.y == label) & (panel.hollow == hollow)
            _points(group, zip(x[own].tolist(), y[own].tolist(), strict=True), label, hollow=hollow)
    if not 0 < len(labels) <= LABELLED:
        return
    centres = [(np.median(x[panel.y == i]), np.median(y[panel.y == i])) for i in labels]
    widths = [drawing.text_width([names[i]], SIZE) + 4 for i in labels]
    paper = f"fill: {drawing.PAPER}; fill-opacity: 0.8"
    for i, (at, down), wide in zip(labels, _apart(centres, widths, side), widths, strict=True):
        corner = {"x": f"{at - wide / 2:.1f}", "y": f"{down - 0.6 * SIZE:.1f}"}
        _add(group, "rect", paper, **corner, width=f"{wide:.1f}", height=f"{1.2 * SIZE:g}")
        _text(group, names[i], at, down + 0.36 * SIZE, drawing.INK, "middle")


def _points(
    group: ElementTree.Element,
    places: Iterable[tuple[float, float]],
    label: int,
    *,
    hollow: bool,
    grey: bool = False,
) -> None:
    """One path of all points of a class and kind; none for no point."""
    colour, shape = look(label)
    colour = drawing.MUTED if grey else colour
    path = "".join(f"M{x:.1f} {y:.1f}{shape}" for x, y in places)
    style = f"fill: none; stroke: {colour}; stroke-width: 0.8" if hollow else f"fill: {colour}"
    if path:
        _add(group, "path", style + ("" if hollow else "; fill-opacity: 0.7"), d=path)


def _apart(
    centres: Sequence[tuple[float, float]], widths: Sequence[float], side: float
) -> list[tuple[float, float]]:
    """Move names apart until none lies on another, inside the panel where there is room."""
    at = np.array(centres, dtype=np.float64)
    high = 1.25 * SIZE
    half = np.array(widths) / 2
    for _ in range(200):
        moved = False
        for i, j in combinations(range(len(at)), 2):
            over_x = half[i] + half[j] - abs(at[i, 0] - at[j, 0])
            over_y = high - abs(at[i, 1] - at[j, 1])
            if over_x > 0.01 and over_y > 0.01:
                axis, push = (0, over_x / 2) if over_x < over_y else (1, over_y / 2)
                sign = 1.0 if at[i, axis] >= at[j, axis] else -1.0
                at[i, axis] += sign * push
                at[j, axis] -= sign * push
                moved = True
        at[:, 0] = np.clip(at[:, 0], half, np.maximum(side - half, half))
        at[:, 1] = np.clip(at[:, 1], high / 2, side - high / 2)
        if not moved:
            break
    return [(float(x), float(y)) for x, y in at]


def _flow(names: Sequence[str], top: float) -> tuple[list[tuple[float, float]], float]:
    """Places of the legend's entries, row by row, and where the last row ends."""
    places: list[tuple[float, float]] = []
    x, y = EDGE, top
    for name in names:
        wide = 10 + drawing.text_width([name], SIZE) + 14
        if places and x + wide > WIDTH:
            x, y = EDGE, y + 13
        places.append((x, y))
        x += wide
    return places, y + SIZE / 2
