from __future__ import annotations

import re
from itertools import pairwise

import pytest

from simlearn.report import drawing
from simlearn.report.answer_bars import OTHERS, SHORT, AnswerShares, answer_bars_figure
from simlearn.report.svg import inline_svg
from tests.report.report_parts import Page
from tests.report.test_confusion import words
from tests.report.test_neuron_layers import boxes
from tests.report.test_panels import places

NAN = float("nan")
ROWS = [
    AnswerShares("easy vqa", 60, 0.9, 0.85, 0.95, 0.45, 0.6, 0.0),
    AnswerShares("text", 1200, 0.25, 0.2, 0.3, 0.5, NAN, 0.1),
]


def percent_scale(svg):
    """A function from x in points to percent, by the ticks of 0 and 100 percent."""
    at = {text: x for text, x, _ in places(svg)}
    half = drawing.text_width(["100 %"], 7.5) / 2, drawing.text_width(["0 %"], 7.5) / 2
    grid = [
        float(x)
        for x in re.findall(
            rf'd="M ([\d.]+) [^"]*"[^>]*style="fill: none; stroke: {drawing.GRID}', svg
        )
    ]
    low, high = min(grid), max(grid)
    assert abs(at["0 %"] - low) < half[1] + 1 and abs(at["100 %"] - high) < half[0] + 1
    return lambda x: 100 * (x - low) / (high - low)


def bars(svg, colour):
    """(percent, top, height) of the bars of a colour below the legend."""
    percent = percent_scale(svg)
    return [
        (round(percent(right), 1), round(top, 1), round(bottom - top, 1))
        for left, right, top, bottom in boxes(svg, colour)
        if top > 25
    ]


def whiskers(svg):
    """(percent, percent) of the level strokes of the intervals."""
    percent = percent_scale(svg)
    stroke = rf'd="M ([\d.]+) ([\d.]+)\s+L ([\d.]+) ([\d.]+)\s*"[^>]*stroke: {drawing.INK}'
    found = re.findall(stroke, svg)
    return sorted(
        (round(percent(float(a)), 1), round(percent(float(c)), 1))
        for a, b, c, d in found
        if b == d and float(b) > 25
    )


def test_bars_are_as_long_as_their_shares_and_ordered_from_the_top():
    svg = answer_bars_figure(ROWS, title="t").svg
    trained = bars(svg, drawing.BLUE)
    assert [b[0] for b in trained] == [90, 25]
    alone, blanked, untrained = (bars(svg, colour) for _, colour in OTHERS.values())
    assert [b[0] for b in alone] == [45, 50]
    assert [b[0] for b in blanked] == [60]
    assert [b[0] for b in untrained] == [SHORT, 10]
    first = [b[0] for b in (trained, alone, blanked, untrained)]
    assert [b[1] for b in first] == sorted(b[1] for b in first)
    assert first[0][2] > 2 * first[1][2] == 2 * first[3][2]
    for (_, top, high), (_, below, _) in pairwise(first):
        assert top + high < below + 0.1
    assert untrained[0][1] + untrained[0][2] < trained[1][1] - 5
    assert whiskers(svg) == [(20, 30), (85, 95)]


def test_names_numbers_and_values_stand_beside_their_bars():
    figure = answer_bars_figure(ROWS, title="T")
    found = {text: (x, y) for text, x, y in places(figure.svg)}
    trained = bars(figure.svg, drawing.BLUE)
    percent = percent_scale(figure.svg)
    for name, n, value, end, bar in (
        ("easy vqa", "n = 60", "90.0 %", 95, trained[0]),
        ("text", "n = 1\u2009200", "25.0 %", 30, trained[1]),
    ):
        assert found[name][1] == pytest.approx(found[n][1], abs=1)
        assert bar[1] < found[name][1] < bar[1] + 30
        assert found[name][0] < found[n][0]
        assert percent(found[n][0]) < 0
        assert bar[1] < found[value][1] - 1 < bar[1] + bar[2] + 2
        assert end < percent(found[value][0]) < end + 3
    assert (figure.name, figure.title) == ("answers", "T")
    legend = ["trained model", "question alone", "medium blanked", "untrained model"]
    assert {*legend, "95 % interval", "0 %", "100 %"} <= {*words(figure.svg)}
    assert figure.alt == (
        "Right answers by kind of question. easy vqa (n = 60): trained 90.0 %, question alone "
        "45.0 %, medium blanked 60.0 %, untrained model 0.0 %; text (n = 1\u2009200): trained "
        "25.0 %, question alone 50.0 %, untrained model 10.0 %."
    )
    assert "from the top: the trained model, question alone, medium blanked" in figure.caption
    assert "95 % interval" in figure.caption


def test_what_no_row_has_is_not_named():
    figure = answer_bars_figure([("one", 5, 0.0), ("two", 5, NAN)], title="t", name="other")
    texts = words(figure.svg)
    assert "trained model" in texts and "0.0 %" in texts and "no value" in texts
    assert not {"question alone", "medium blanked", "untrained model", "95 % interval"} & {*texts}
    assert "interval" not in figure.caption and "blanked" not in figure.caption + figure.alt
    assert figure.name == "other"
    assert [b[0] for b in bars(figure.svg, drawing.BLUE)] == [SHORT]


def test_values_at_both_ends_of_the_axis_stay_on_it():
    rows = [("all", 3, 1.0 + 1e-12, 1.0, 1.0), ("none", 3, -1e-12, 0.0, 0.0)]
    svg = answer_bars_figure(rows, title="t").svg
    assert [b[0] for b in bars(svg, drawing.BLUE)] == [100, SHORT]


@pytest.mark.parametrize("count", [1, 12])
def test_everything_stands_inside_and_names_apart(count):
    long = "questions of a kind with a long name, " * 3
    rows = [(f"{i} {long}", 10**i, 1.0, 0.5, 1.0, 1.0, 1.0, 1.0) for i in range(count)]
    svg = answer_bars_figure(rows, title="t").svg
    width, height = map(float, re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg).groups())
    found = places(svg)
    for text, x, y in found:
        wide = drawing.text_width([text], 8.0 if "\u2026" in text else 7.5)
        wide = wide / 2 if re.fullmatch(r"\d+ %", text) else wide
        assert x > 0 and x + wide <= width, text
        assert 0 < y < height, text
    names = sorted(y for text, _, y in found if text.endswith("\u2026"))
    assert len(names) == count
    assert all(b - a > 20 for a, b in pairwise(names))
    for _, right, top, bottom in boxes(svg, drawing.BLUE):
        assert right <= width and top >= 0 and bottom <= height


def test_tuples_and_repeats_give_the_same_figure():
    assert answer_bars_figure(ROWS, title="t") == answer_bars_figure(
        [tuple(row) for row in ROWS], title="t"
    )


def test_the_page_keeps_the_drawing_and_names_are_escaped():
    evil = "<script>alert(1)</script>\u202e $x^"
    figure = answer_bars_figure([AnswerShares(evil, 3, 0.5, 0.4, 0.6, 0.1, 0.2, 0.3)], title="t")
    page = inline_svg(figure.svg, prefix="m", label=figure.alt, themed=drawing.DARK)
    assert Page(page).faults == []
    assert "<script" not in figure.svg and "\u202e" not in figure.svg + figure.alt
    assert set(re.findall(r"#[0-9a-f]{6}\b", figure.svg)) <= set(drawing.DARK)


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ([], "1 to 12 kinds of questions, found 0"),
        ([("a", 1, 0.5)] * 13, "1 to 12 kinds of questions, found 13"),
        ([("a", 1, NAN)], "none of 1 kinds has a value"),
        ([("a", 1, 50.0)], "'a': 50 is no share"),
        ([("a", 1, 0.5, 0.4, 0.6, -0.1)], "'a': -0.1 is no share"),
        ([("a", 1, float("inf"))], "'a': inf is no share"),
        ([("a", 1, 0.5, 0.6, 0.4)], r"'a': \[0.6, 0.4\] is no interval"),
        ([("a", 1, 0.5, 0.4)], r"'a': \[0.4, nan\] is no interval"),
    ],
)
def test_what_cannot_be_drawn_is_refused(rows, text):
    with pytest.raises(ValueError, match=text):
        answer_bars_figure(rows, title="t")
