"""Where the texts of a drawing begin and end, for tests of what stands inside and apart."""

from __future__ import annotations

import re
from typing import NamedTuple
from xml.etree import ElementTree

from simlearn.report import drawing


class Span(NamedTuple):
    """A level text: its ends and its base line in points."""

    text: str
    left: float
    right: float
    y: float


def text_spans(svg: str) -> list[Span]:
    """Measure every level text of an SVG drawing as the font of the drawings writes it."""
    found = []
    for e in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text"):
        style, turn = e.get("style") or "", e.get("transform") or ""
        if re.search(r"rotate\(-?[1-9]", turn):
            continue
        at = re.search(r"translate\(([\d.-]+) ([\d.-]+)\)", turn)
        x, y = map(float, (at[1], at[2]) if at else (e.get("x"), e.get("y")))
        size = float(re.search(r"([\d.]+)px", style)[1])
        weight = "bold" if re.search(r"\b(bold|700)\b", style) else "normal"
        wide = drawing.text_width([e.text or ""], size, weight)
        shift = {"middle": wide / 2, "end": wide}.get(
            (re.search(r"text-anchor: (\w+)", style) or ["", "start"])[1], 0.0
        )
        found.append(Span(e.text or "", x - shift, x - shift + wide, y))
    return found


def touching(spans: list[Span], height: float = 6.0) -> list[tuple[str, str]]:
    """Pairs of texts that lie over each other."""
    return [
        (a.text, b.text)
        for i, a in enumerate(spans)
        for b in spans[:i]
        if abs(a.y - b.y) < height and a.left < b.right and b.left < a.right
    ]
