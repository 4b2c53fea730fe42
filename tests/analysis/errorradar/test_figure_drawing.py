"""The drawing board: where ink goes, sides that labels stand on, smooth lines."""

from __future__ import annotations

import numpy as np
import pytest

from simlearn.analysis.errorradar.figure_drawing import HEIGHT, PALE, WIDTH, Canvas


def ink(canvas):
    return np.asarray(canvas.picture().convert("L")) < 140


def test_an_empty_board_is_white():
    picture = np.asarray(Canvas().picture())
    assert picture.shape == (HEIGHT, WIDTH, 3) and (picture == 255).all()


def test_lines_and_areas():
    canvas = Canvas()
    canvas.line([(50, 100), (150, 100)])
    found = ink(canvas)
    assert found[100, 60:140].all() and not found[:90].any() and not found[110:].any()
    canvas = Canvas()
    canvas.box(20, 30, 60, 80, PALE[0])
    picture = np.asarray(canvas.picture())
    assert (picture[50, 40] == PALE[0]).all() and (picture[50, 70] == 255).all()
    whole, dashed = Canvas(), Canvas()
    whole.line([(10, 10), (300, 10)])
    dashed.line([(10, 10), (300, 10)], dashed=True)
    assert 0.3 < ink(dashed).sum() / ink(whole).sum() < 0.7


def test_round_things():
    canvas = Canvas()
    canvas.ellipse((200, 150), 80, 40, PALE[1])
    canvas.slice((400, 150), 30, 0, 90, PALE[2])
    canvas.dot((50, 50), 5)
    picture = np.asarray(canvas.picture())
    assert (picture[150, 200] == PALE[1]).all() and (picture[150, 300] == 255).all()
    assert (picture[162, 412] == PALE[2]).all() and (picture[138, 388] == 255).all()
    assert (picture[50, 50] < 60).all()
    arc = Canvas()
    arc.ellipse((200, 150), 80, 40, arc=(0, 180))
    assert ink(arc)[152:].any() and not ink(arc)[:148].any()


@pytest.mark.parametrize("away, side", [((240, 0), 1), ((240, 340), -1)])
def test_labels_stand_on_the_other_side(away, side):
    canvas = Canvas()
    canvas.label_side((100, 170), (380, 170), "12 cm", away=away)
    rows = np.flatnonzero(ink(canvas).any(axis=1))
    assert ((rows - 170) * side > 0).all() and len(rows) >= 8


def test_an_arrow_has_its_head_at_the_end():
    canvas = Canvas()
    canvas.arrow((100, 100), (200, 100))
    columns = ink(canvas).sum(axis=0)
    assert columns[192:196].min() > columns[110:180].max()
