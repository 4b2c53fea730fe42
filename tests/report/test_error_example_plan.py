from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.report import drawing
from simlearn.report.error_example import ErrorExample
from simlearn.report.error_example_plan import (
    CELL,
    EDGE,
    FAMILY,
    LINE,
    MONO,
    QUESTION,
    RIGHT,
    SAID,
    SIDE,
    SIZE,
    STEPS,
    WIDE,
    example_plan,
    mono_lines,
    shown_steps,
)
from simlearn.report.grid import DPI
from tests.report.report_parts import image


def plan(**more):
    values = {"question": "what is it?", "steps": ["one", "two", "three", "four"], "gold_step": 2}
    with drawing.figure_style():
        return example_plan(ErrorExample(**{**values, "said_step": 3, **more}))


def wide(text):
    """Width of a line in pixels, by the face that it is drawn in."""
    import warnings

    from matplotlib.backends.backend_agg import RendererAgg
    from matplotlib.font_manager import FontProperties

    family = "DejaVu Sans" if text.family == "sans-serif" else text.family
    font = FontProperties(family=family, size=text.size, weight=text.weight)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # missing letters
        points, *_ = RendererAgg(9, 9, 72).get_text_width_height_descent(text.words, font, False)
    return points * DPI / 72


def words(found):
    return [text.words for text in found.texts]


@given(st.integers(1, 40), st.data(), st.integers(2, 10))
def test_the_wrong_and_the_picked_step_are_always_shown(count, data, most):
    gold = data.draw(st.integers(0, count))
    said = data.draw(st.none() | st.integers(0, count))
    shown = shown_steps(count, gold, said, most)
    assert shown == sorted({*shown}) and len(shown) == min(count, most)
    assert {gold, said} - {0, None} <= {*shown} <= {*range(1, count + 1)}
    left_out = {*range(1, count + 1)} - {*shown}
    if gold and left_out:
        far = max(abs(step - gold) for step in shown if step != said)
        assert min(abs(step - gold) for step in left_out) >= far


def test_examples_of_shown_steps():
    assert shown_steps(20, 14, 2) == [2, 11, 12, 13, 14, 15, 16, 17]
    assert shown_steps(20, 14, None) == [10, 11, 12, 13, 14, 15, 16, 17, 18][:8]
    assert shown_steps(12, 0, 0, 3) == [1, 2, 3]
    assert shown_steps(2, 1, 2) == [1, 2]


def test_the_wrong_step_is_green_and_the_pick_orange():
    found = plan()
    at = {text.words: text for text in found.texts}
    green, orange = found.bands
    assert (green.colour, orange.colour) == (RIGHT, SAID) == (drawing.GREEN, drawing.ORANGE)
    assert at["2."].top == at["two"].top == at["first wrong step"].top == green.top
    assert at["3."].top == at["three"].top == at["model's pick \u2717"].top == orange.top
    assert (at["2."].colour, at["2."].weight) == (RIGHT, "bold")
    assert (at["1."].colour, at["1."].weight) == (drawing.INK, "normal")
    same = plan(said_step=2)
    assert [band.colour for band in same.bands] == [RIGHT]
    assert "wrong, found \u2713" in words(same) and "model's pick \u2717" not in words(same)


@pytest.mark.parametrize(
    ("more", "told", "colours"),
    [
        ({"said_step": None}, ["\u2717 step said: not readable"], [RIGHT]),
        ({"said_step": 0}, ["\u2717 step said: none is wrong"], [RIGHT]),
        ({"gold_step": 0}, ["no step is wrong"], [SAID]),
        ({"gold_step": 0, "said_step": 0}, ["\u2713 step said: none is wrong"], []),
        ({"asked": "category", "said_step": None}, ["? kind said: not readable"], [RIGHT]),
    ],
)
def test_what_no_step_can_show_is_said_in_words(more, told, colours):
    found = plan(**more)
    assert {*told} <= {*words(found)}
    assert [band.colour for band in found.bands] == colours
    if "asked" in more:
        assert not any("step said" in line for line in words(found))


def test_true_and_said_kinds_stand_below_each_other():
    found = plan(gold_category="CAL", said_category="REAS")
    at = {text.words: text for text in found.texts}
    gold, said = (
        at["kind of error: CAL, calculation error"],
        at["\u2717 kind said: REAS, reasoning error"],
    )
    assert said.top == gold.top + LINE and (gold.colour, said.colour) == (drawing.INK, SAID)
    right = plan(gold_category="CAL", said_category="CAL")
    assert {t.words: t.colour for t in right.texts}[
        "\u2713 kind said: CAL, calculation error"
    ] == RIGHT
    assert "\u2717 kind said: not readable" in words(plan(gold_category="MIS"))
    assert "? kind said: VIS, visual perception error" in words(plan(said_category="VIS"))
    assert not any("kind" in line for line in words(plan(asked="step")))


def test_the_reply_is_the_last_in_a_fixed_width_face():
    found = plan(reply='{"step": 3,\n\t"category": "CAL"}')
    last = found.texts[-1]
    assert (last.words, last.family) == ('{"step": 3, "category": "CAL"}', FAMILY)
    assert words(plan())[-1] == "(empty)"
    assert sum(text.family == FAMILY for text in plan(reply="word " * 400).texts) == 2


def test_long_solutions_say_how_many_steps_are_left_out():
    found = plan(steps=[f"text {i}" for i in range(1, 21)], gold_step=14, said_step=2)
    left_out = [line for line in words(found) if "left out" in line]
    assert left_out == [
        "\u2026 1 step left out",
        "\u2026 8 steps left out",
        "\u2026 3 steps left out",
    ]
    assert sum(line.startswith("text ") for line in words(found)) == STEPS
    assert not any("left out" in line for line in words(plan()))


def test_a_picture_fits_its_place_and_the_question_stands_beside_it():
    for high, broad in ((300, 400), (200, 900), (900, 60), (8, 8), (1, 5000), (5000, 1)):
        found = plan(image=image(0, high, broad), id="p1")
        tall, across = (side - 2 * EDGE for side in found.picture.shape[:2])
        assert 1 <= tall <= SIDE and 1 <= across <= WIDE
        if min(high, broad) > 8:
            assert across / tall == pytest.approx(broad / high, rel=0.1)
        frame = np.array([int(drawing.GRID[i : i + 2], 16) for i in (1, 3, 5)])
        assert (found.picture[[0, -1]] == frame).all() and (
            found.picture[:, [0, -1]] == frame
        ).all()
        asked = next(text for text in found.texts if text.words == "what is it?")
        assert asked.left > found.picture.shape[1] and asked.top == found.picture_top == LINE
        first = next(text for text in found.texts if text.words == "one")
        assert first.top > found.picture_top + found.picture.shape[0]
    bare = plan()
    assert bare.picture is None and (bare.texts[0].words, bare.texts[0].left) == ("what is it?", 0)


LONG = "the area of the triangle is one half of the base times the height of it, " * 12
HOSTILE = "w" * 300 + "<script>\u202e\n$\\frac{" + "\u674e" * 90


@pytest.mark.parametrize("text", [LONG, HOSTILE, "$", "\x00\x1b[31m", " "])
@pytest.mark.parametrize("picture", [None, image(0, 300, 400)])
def test_any_text_stays_inside_and_no_line_touches_another(text, picture):
    found = plan(
        question=text, steps=[text] * 20, gold_step=9, said_step=20, reply=text, id=text,
        gold_category="MIS", said_category="VIS", image=picture,
    )  # fmt: skip
    for line in found.texts:
        assert line.left + wide(line) <= CELL + 1, line
        assert line.top >= 0 and line.top + LINE <= found.height
        assert "\u202e" not in line.words and "\n" not in line.words and "\x1b" not in line.words
    rows = {}
    for line in found.texts:
        rows.setdefault(line.top, []).append((line.left, line.left + wide(line)))
    assert all(b - a >= LINE - 1 for a, b in pairwise(sorted(rows)))
    for row in rows.values():
        assert all(a[1] <= b[0] + 1 for a, b in pairwise(sorted(row)))
    assert found.height <= 1100
    asked = [t for t in found.texts if t.top < found.bands[0].top and t.left != 62]
    assert len(asked) <= QUESTION + 1 + STEPS * 3


@settings(max_examples=25, deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=300), st.integers(1, 3))
def test_mono_lines_fit_and_lose_nothing_but_what_is_cut(text, most):
    with drawing.figure_style():
        lines = mono_lines(text or "x", 120.0, most)
    assert 1 <= len(lines) <= most or not text.split()
    assert all(len(line) <= 120 / (0.6 * MONO) for line in lines)
    from simlearn.report.wording import one_line

    whole, joined = one_line(text or "x", 400), "".join(lines)
    assert joined == whole or (joined.endswith("\u2026") and whole.startswith(joined[:-1]))


def test_sizes_are_readable():
    assert SIZE >= 7.5 and MONO >= 6.5
