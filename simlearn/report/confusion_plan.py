"""Where the parts of a confusion matrix stand: sizes, names that fit, steps of the colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from simlearn.report import drawing
from simlearn.report.wording import one_line

NUMBERED = 20  # most classes with a number in each cell
WIDTH, SIDE, NAMES, TOP, BETWEEN = 619.2, 380.0, 112.0, 28.0, 28.0  # points
CELL, SWATCH = (96.0, 44.0), (27.0, 11.0)  # points: largest cell, cell of the colour bar
# lower ends of the colours' steps in percent of a row, and how strong a colour is in each. Below
# numbers, words in INK stand on the first seven and words in PAPER on the last two, on a light and
# on a dark page; without numbers small cells are stronger
STEPS = (0, 1, 2, 5, 10, 20, 40, 60, 80)
NUMBERS = {
    drawing.BLUE: (0.07, 0.12, 0.18, 0.25, 0.33, 0.41, 0.49, 0.84, 1.0),
    drawing.ORANGE: (0.07, 0.12, 0.18, 0.25, 0.33, 0.41, 0.49, 0.95, 1.0),
}
ON_DARK = 8  # first step with words in PAPER
NO_NUMBERS = {
    drawing.BLUE: (0.15, 0.22, 0.29, 0.37, 0.45, 0.53, 0.62, 0.82, 1.0),
    drawing.ORANGE: (0.22, 0.30, 0.38, 0.47, 0.56, 0.65, 0.75, 0.87, 1.0),
}


@dataclass(frozen=True)
class Plan:
    """Where things stand: sizes in points, the map's upper left corner at (0, 0).

    Attributes:
        classes: C >= 1.
        shown: the names to write, short enough, by class; the first class is always named.
        size: of the names' letters.
        widest: width of the widest name.
    """

    classes: int
    shown: dict[int, str]
    size: float
    widest: float

    @property
    def small(self) -> bool:
        """Whether there are few enough classes for lines between cells, and numbers in them."""
        return self.classes <= NUMBERED

    @property
    def strength(self) -> Mapping[str, Sequence[float]]:
        """How strong each colour is in each step."""
        return NUMBERS if self.small else NO_NUMBERS

    @property
    def cell(self) -> tuple[float, float]:
        """Width and height of a cell."""
        width = min(CELL[0], SIDE / self.classes)
        return width, min(CELL[1], width)

    @property
    def map(self) -> tuple[float, float]:
        """Width and height of all cells."""
        return self.classes * self.cell[0], self.classes * self.cell[1]

    @property
    def turn(self) -> int:
        """Degrees by which the names below the columns are turned."""
        if self.small and self.widest <= self.cell[0] - 4:
            return 0
        return 45 if self.small else 90

    @property
    def bottom(self) -> float:
        """Height of what is below the map's upper edge."""
        below = {0: self.size + 6, 45: 0.71 * self.widest + 12, 90: self.widest + 8}[self.turn]
        return max(self.map[1] + below, SWATCH[1] * len(STEPS) + 4) + 8


def confusion_plan(names: Sequence[str]) -> Plan:
    """Choose which classes are named, and shorten their names."""
    classes = len(names)
    every = next(s for n in range(9) for s in _one_two_five(n) if s * SIDE >= 6.5 * classes)
    size = max(5.5, min(7.5, every * SIDE / classes - 1))
    shown = {i: _fitted(names[i], size) for i in range(0, classes, every)}
    return Plan(classes, shown, size, drawing.text_width(shown.values(), size))


def _one_two_five(power: int) -> tuple[int, int, int]:
    return 10**power, 2 * 10**power, 5 * 10**power


def _fitted(name: str, size: float) -> str:
    """Cut a name with an ellipsis to ``NAMES`` points."""
    line = shown = one_line(name, 40)
    while len(line) > 1 and drawing.text_width([shown], size) > NAMES:
        line = line[:-1]
        shown = line.rstrip() + "\u2026"
    return shown
