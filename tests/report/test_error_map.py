from __future__ import annotations

import numpy as np
import pytest

from simlearn.report import drawing
from simlearn.report.confusion_plan import ON_DARK, STEPS
from simlearn.report.error_map import CELL, COLOURS, COLUMNS, STRENGTH, error_map
from tests.report.test_confusion import mixed
from tests.report.test_drawing import contrast


@pytest.mark.parametrize("colour", list(COLOURS.values()))
def test_numbers_are_readable_on_every_step_on_light_and_on_dark(colour):
    dark = drawing.DARK
    assert len(STRENGTH[colour]) == len(STEPS)
    assert list(STRENGTH[colour]) == sorted({*STRENGTH[colour]})
    for step, strength in enumerate(STRENGTH[colour], start=1):
        word = drawing.PAPER if step >= ON_DARK else drawing.INK
        assert contrast(word, mixed(colour, strength, drawing.PAPER)) >= 4.5
        assert contrast(dark[word], mixed(dark[colour], strength, dark[drawing.PAPER])) >= 4.5


def test_right_wrong_and_unparsed_are_told_apart():
    assert len({*COLOURS.values()}) == 3 and {*COLOURS.values()} <= {*drawing.DARK}
    assert len(COLUMNS) == 6


def test_the_map_has_a_size_that_does_not_depend_on_the_counts():
    with drawing.figure_style():
        sizes = {
            tuple(error_map(np.full((5, 6), count)).get_size_inches()) for count in (1, 10**12)
        }
    ((width, height),) = sizes
    assert 72 * width == pytest.approx(619.2) and 5 * CELL[1] < 72 * height < 5 * CELL[1] + 60
