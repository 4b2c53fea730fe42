"""A small drawing board: clean lines and labels, the same pixels on every machine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from PIL.Image import Image

Point = tuple[float, float]
WIDTH: Final = 480
HEIGHT: Final = 340
INK: Final = (35, 35, 45)
PALE: Final = (
    (205, 224, 245),
    (250, 222, 196),
    (212, 237, 208),
    (244, 209, 214),
    (226, 215, 242),
    (252, 240, 190),
    (203, 234, 234),
    (232, 228, 220),
)
"""Colours that areas are filled with."""
_SCALE: Final = 2


class Canvas:
    """A white board of WIDTH x HEIGHT pixels; x goes right and y down, in pixels.

    It is drawn at twice the size and brought down, so lines are smooth. Letters are those that
    Pillow brings along.
    """

    def __init__(self) -> None:
        """An empty board."""
        from PIL import Image, ImageDraw

        self._image = Image.new("RGB", (WIDTH * _SCALE, HEIGHT * _SCALE), "white")
        self._draw = ImageDraw.Draw(self._image)

    def line(self, points: Sequence[Point], *, width: float = 2, dashed: bool = False) -> None:
        """Straight lines from point to point."""
        if not dashed:
            self._draw.line(_scaled(points), fill=INK, width=int(width * _SCALE), joint="curve")
            return
        for start, end in pairwise(points):
            pieces = max(int(math.dist(start, end) // 5), 1)
            for piece in range(0, pieces, 2):
                ends = [_between(start, end, k / pieces) for k in (piece, piece + 1)]
                self._draw.line(_scaled(ends), fill=INK, width=int(width * _SCALE))

    def polygon(self, points: Sequence[Point], fill: tuple[int, int, int] | None = None) -> None:
        """A closed shape with its outline."""
        if fill is not None:
            self._draw.polygon(_scaled(points), fill=fill)
        self.line([*points, points[0], points[1]])

    def box(
        self, left: float, top: float, right: float, bottom: float, fill: tuple[int, int, int]
    ) -> None:
        """A rectangle with its sides along the board's."""
        self.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], fill)

    def ellipse(
        self,
        centre: Point,
        across: float,
        down: float,
        fill: tuple[int, int, int] | None = None,
        *,
        arc: tuple[float, float] | None = None,
    ) -> None:
        """An ellipse with half axes ``across`` and ``down``, or an arc of it.

        Args:
            centre: of it.
            across: half its width.
            down: half its height.
            fill: colour, ``None`` for none.
            arc: only the outline from one angle to another, in degrees clockwise from the right.
        """
        x, y = centre
        (frame,) = [_scaled([(x - across, y - down), (x + across, y + down)])]
        if arc is not None:
            self._draw.arc(frame, arc[0], arc[1], fill=INK, width=2 * _SCALE)
        else:
            self._draw.ellipse(frame, fill=fill, outline=INK, width=2 * _SCALE)

    def slice(
        self, centre: Point, radius: float, start: float, end: float, fill: tuple[int, int, int]
    ) -> None:
        """A sector of a circle; angles in degrees clockwise from the right."""
        x, y = centre
        frame = _scaled([(x - radius, y - radius), (x + radius, y + radius)])
        self._draw.pieslice(frame, start, end, fill=fill, outline=INK, width=2 * _SCALE)

    def dot(self, centre: Point, radius: float = 4) -> None:
        """A filled disc."""
        x, y = centre
        frame = _scaled([(x - radius, y - radius), (x + radius, y + radius)])
        self._draw.ellipse(frame, fill=INK)

    def text(self, place: Point, text: str, *, size: int = 16, anchor: str = "mm") -> None:
        """A label; ``anchor`` says which point of it is at ``place`` (Pillow's two letters)."""
        from PIL import ImageFont

        font = ImageFont.load_default(size * _SCALE)
        (spot,) = _scaled([place])
        self._draw.text(spot, text, fill=INK, font=font, anchor=anchor)

    def label_side(
        self, start: Point, end: Point, text: str, *, away: Point, gap: float = 15, size: int = 16
    ) -> None:
        """A label beside the middle of a line, on the side that is not ``away``'s.

        Args:
            start: of the line.
            end: of the line.
            text: the label.
            away: a point on the other side.
            gap: from the line; longer labels beside upright lines are moved further.
            size: of the letters.
        """
        middle = _between(start, end, 0.5)
        length = math.dist(start, end) or 1.0
        across = ((end[1] - start[1]) / length, (start[0] - end[0]) / length)
        if across[0] * (middle[0] - away[0]) + across[1] * (middle[1] - away[1]) < 0:
            across = (-across[0], -across[1])
        far = gap + abs(across[0]) * max(len(text) * size * 0.27 - 8, 0)
        self.text((middle[0] + across[0] * far, middle[1] + across[1] * far), text, size=size)

    def arrow(self, start: Point, end: Point) -> None:
        """A line with a head at its end."""
        self.line([start, end])
        angle = math.atan2(end[1] - start[1], end[0] - start[0])
        wings = [
            (end[0] - 9 * math.cos(angle + turn), end[1] - 9 * math.sin(angle + turn))
            for turn in (0.4, -0.4)
        ]
        self._draw.polygon(_scaled([end, *wings]), fill=INK)

    def picture(self) -> Image:
        """The board at its own size."""
        return self._image.reduce(_SCALE)


def _scaled(points: Sequence[Point]) -> list[Point]:
    """Places on the large board, whole pixels."""
    return [(round(x * _SCALE), round(y * _SCALE)) for x, y in points]


def _between(start: Point, end: Point, share: float) -> Point:
    """A point on a line; ``share`` 0 is its start."""
    return (
        start[0] + (end[0] - start[0]) * share,
        start[1] + (end[1] - start[1]) * share,
    )
