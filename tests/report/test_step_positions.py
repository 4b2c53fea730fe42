from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.report import drawing
from simlearn.report.step_positions import (
    LENGTHS,
    POSITIONS,
    SHORT,
    length_group,
    step_positions_figure,
)
from simlearn.report.step_share import StepShare
from simlearn.report.svg import inline_svg
from tests.report.report_parts import Page
from tests.report.test_confusion import words
from tests.report.test_mask_drops import strokes
from tests.report.test_neuron_layers import boxes
from tests.report.test_panels import places
from tests.report.text_spans import text_spans, touching

NAN = float("nan")
ROWS = [
    StepShare("position", "first third", 120, 0.8, 0.7, 0.9, 0.2),
    StepShare("position", "middle third", 1000, 0.5, 0.45, 0.55, 0.15),
    StepShare("position", "last third", 5, 0.0, 0.0, 0.4, 0.1),
    StepShare("length", "3-5", 70, 0.6, chance=0.25),
    StepShare("length", "over 20", 0, NAN),
]


def scale_of(svg):
    """A function from y in points to percent, by the level lines of the grid."""
    ys = sorted({line[0][1] for line in strokes(svg, drawing.GRID) if line[0][1] == line[-1][1]})
    ticks = [int(t[:-2]) for t in words(svg) if re.fullmatch(r"\d+ %", t)]
    low, high = ys[-1], ys[0]
    return lambda y: max(ticks) * (low - y) / (low - high)


def test_bars_chance_and_whiskers_stand_at_their_values():
    svg = step_positions_figure(ROWS, title="t").svg
    percent = scale_of(svg)
    bars = sorted((x, round(percent(top), 1)) for x, _, top, low in boxes(svg, drawing.BLUE)
                  if low > 30)  # fmt: skip
    assert [value for _, value in bars] == [80, 50, SHORT, 60]
    marks = sorted(line for line in strokes(svg, drawing.ORANGE))
    assert [round(percent(line[0][1]), 1) for line in marks] == [20, 15, 10, 25]
    for (left, _), mark in zip(bars, marks, strict=True):
        assert mark[0][0] < left < mark[-1][0]
    upright = sorted(line for line in strokes(svg, drawing.INK) if line[0][0] == line[-1][0])
    ends = [sorted(round(percent(y), 1) for _, y in line) for line in upright]
    assert ends == [[70, 90], [45, 55], [0, 40]]


def test_names_numbers_and_values_stand_under_and_over_the_bars():
    figure = step_positions_figure(ROWS, title="T")
    at = {text: (x, y) for text, x, y in places(figure.svg)}
    floor = max(low for *_, low in boxes(figure.svg, drawing.BLUE))
    for name, n, value in (
        ("first third", "n = 120", "80.0 %"),
        ("middle third", "n = 1\u2009000", "50.0 %"),
        ("last third", "n = 5", "0.0 %"),
        ("3-5", "n = 70", "60.0 %"),
        ("over 20", "n = 0", "no value"),
    ):
        assert at[value][1] < floor < at[name][1] < at[n][1]
    assert at["first third"][0] < at["middle third"][0] < at["last third"][0] < at["3-5"][0]
    percent = scale_of(figure.svg)
    assert percent(at["80.0 %"][1]) > 90 and percent(at["60.0 %"][1]) > 60
    assert {"chance", "95 % interval", "by number of steps"} <= {*words(figure.svg)}
    assert (figure.name, figure.title) == ("step_positions", "T")
    for part in (
        "first third 80.0 % (70.0 to 90.0 %) (n = 120, chance 20.0 %)",
        "3-5 60.0 % (n = 70, chance 25.0 %), over 20 no value (n = 0)",
    ):
        assert part in figure.alt
    assert "1 / number of steps" in figure.caption and "Whiskers" in figure.caption


def test_what_no_row_has_is_left_out():
    figure = step_positions_figure([("position", "x", 3, 0.04)], title="t", name="other")
    texts = words(figure.svg)
    assert figure.name == "other"
    assert not {"chance", "95 % interval", "by number of steps"} & {*texts}
    assert "chance" not in figure.caption and "Whiskers" not in figure.caption
    assert "10 %" in texts and "100 %" not in texts
    assert drawing.ORANGE not in figure.svg


def test_everything_stands_inside_and_words_apart():
    rows = [
        (panel, f"group {i} of a long name", 10**i, 1.0, 0.9, 1.0, 1.0)
        for panel in ("position", "length")
        for i in range(6)
    ]
    svg = step_positions_figure(rows, title="t").svg
    width, height = map(float, re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg).groups())
    found = text_spans(svg)
    for text, left, right, y in found:
        assert left >= 0 and right <= width and 0 < y < height, text
    assert touching(found) == []
    assert sum(span.text == "100.0 %" for span in found) == 12
    assert len(svg) < 60_000


@given(st.integers(1, 10**9))
def test_every_number_of_steps_has_one_group(steps):
    name = length_group(steps)
    ranges = [range(low, high + 1) for low, high in LENGTHS]
    inside = [f"{r[0]}-{r[-1]}" for r in ranges if steps in r]
    assert [name] == (inside or ["over 20"])


def test_no_step_has_no_group_and_thirds_are_three():
    with pytest.raises(ValueError, match="n_steps is 0, must be at least 1"):
        length_group(0)
    assert [p.split()[0] for p in POSITIONS] == ["first", "middle", "last"]


def test_tuples_and_repeats_give_the_same_figure():
    assert step_positions_figure(ROWS, title="t") == step_positions_figure(
        [tuple(row) for row in ROWS], title="t"
    )


def test_the_page_keeps_the_drawing_and_names_are_escaped():
    evil = "<b>\u202e$x^"
    figure = step_positions_figure([("length", evil, 3, 0.5, 0.4, 0.6, 0.2)], title="t")
    page = inline_svg(figure.svg, prefix="m", label=figure.alt, themed=drawing.DARK)
    assert Page(page).faults == []
    assert "<b>" not in figure.svg and "\u202e" not in figure.svg + figure.alt
    assert "<b>\\u202e$x^" in words(figure.svg)
    assert set(re.findall(r"#[0-9a-f]{6}\b", figure.svg)) <= set(drawing.DARK)


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match="row 0, 'x', accuracy: 5 is no share"):
        step_positions_figure([("length", "x", 3, 5.0)], title="t")
