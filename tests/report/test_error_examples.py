from __future__ import annotations

import warnings

import numpy as np
import pytest

from simlearn.report import drawing, grid
from simlearn.report.error_example import ErrorExample
from simlearn.report.error_example_plan import CELL, EDGE, GAP, LINE, SIDE
from simlearn.report.error_examples import error_examples_figure
from tests.report.report_parts import image
from tests.report.test_grid import holds, pixels


def example(**more):
    values = {"question": "what is it?", "steps": ["one", "two", "three"], "gold_step": 2}
    return ErrorExample(**{**values, "said_step": 3, "gold_category": "CAL", **more})


def draw(*examples, **more):
    return error_examples_figure(examples, title="T", **more)


def rgb(colour, strength=1.0):
    return [round(255 + strength * (int(colour[i : i + 2], 16) - 255)) for i in (1, 3, 5)]


def test_the_figure_says_what_was_right():
    figure = draw(
        example(said_category="CAL"),
        example(said_step=2, said_category="VIS"),
        example(said_step=None),
        example(asked="step", gold_step=0, said_step=0, gold_category=None),
        example(asked="category", said_step=None, said_category="CAL"),
    )
    assert pixels(figure.png).shape[1] == grid.WIDTH
    assert (figure.name, figure.title) == ("error_examples", "T")
    assert figure.alt == (
        "Worked solutions and what the model said: the step is right in 2 of 4, the kind of error "
        "is right in 2 of 4. "
        "example 1: step 2 of the solution is wrong, said: step 3, CAL, said: CAL; "
        "example 2: step 2 of the solution is wrong, said: step 2, CAL, said: VIS; "
        "example 3: step 2 of the solution is wrong, said: not readable, CAL, said: not readable; "
        "example 4: no step is wrong, said: none is wrong; "
        "example 5: CAL, said: CAL."
    )
    assert "Green" in figure.caption and "orange" in figure.caption
    assert draw(example(), name="other").name == "other"


def test_marked_steps_have_their_ground_and_edge_in_the_right_column():
    found = pixels(draw(example(), example(said_step=2)).png)
    left, right = grid.MARGIN, grid.MARGIN + CELL + GAP
    for start, colours in ((left, {drawing.GREEN, drawing.ORANGE}), (right, {drawing.GREEN})):
        side = found[:, start : start + CELL]
        for colour in (drawing.GREEN, drawing.ORANGE):
            ground = (side == rgb(colour, 0.12)).all(axis=2).sum(axis=1) > CELL // 2
            assert ground.sum() == (LINE if colour in colours else 0)
            rows = np.flatnonzero(ground)
            assert (np.diff(rows) == 1).all()
            assert (side[rows, :5] == rgb(colour)).all()
            assert not (side[rows, 5:10] == rgb(colour)).all(axis=2).any()


def test_pictures_stay_sharp_below_the_id():
    small = image(3, 8, 6)
    found = pixels(draw(example(image=small, id="p")).png)
    factor = SIDE // 8
    block = np.repeat(np.repeat(small, factor, 0), factor, 1)
    top, left = grid.MARGIN + LINE + EDGE, grid.MARGIN + EDGE
    np.testing.assert_array_equal(found[top : top + 8 * factor, left : left + 6 * factor], block)
    assert holds(found, drawing.GRID)


def test_two_to_a_row_with_a_line_between_rows():
    one, two, three = (pixels(draw(*[example()] * n).png) for n in (1, 2, 3))
    assert one.shape == two.shape
    assert three.shape[0] > 2 * one.shape[0] - 2 * grid.MARGIN
    assert holds(three, drawing.GRID) and not holds(two, drawing.GRID)
    assert (two[:, grid.MARGIN + CELL : grid.MARGIN + CELL + GAP] == 255).all()
    assert (one[:, grid.MARGIN + CELL :] == 255).all()


def test_the_longest_solutions_stay_bounded_and_hostile_texts_raise_no_warning():
    hostile = "$\\frac{1}{0}$ <script> \u202e \u674e\x00\x1b[31m " + "w" * 200
    long = example(
        question=hostile * 9, steps=[hostile * 3] * 20, gold_step=9, said_step=20,
        said_category="VIS", reply=hostile * 99, id=hostile, image=image(0, 40, 30),
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = draw(long, example(), example())
    assert pixels(figure.png).shape[0] < 2 * 1200
    assert len(figure.png) < 1_000_000 and len(figure.alt) < 800


def test_the_same_examples_give_the_same_bytes():
    assert draw(example()).png == draw(example()).png


@pytest.mark.parametrize("count", [0, 9])
def test_too_few_or_too_many_are_refused(count):
    with pytest.raises(ValueError, match=f"1 to 8 solutions, found {count}"):
        draw(*[example()] * count)


def test_what_cannot_be_drawn_is_named():
    with pytest.raises(ValueError, match=r"example 1, 'what is it\?': gold_step is 9"):
        draw(example(), example(gold_step=9))
