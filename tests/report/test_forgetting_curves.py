from __future__ import annotations

import re

import pytest

from simlearn.report import drawing
from simlearn.report.forgetting_curves import forgetting_curves_figure
from simlearn.report.svg import inline_svg
from tests.report.report_parts import Page
from tests.report.test_confusion import words

NAN = float("nan")
FOUR = {
    "base classes": [0.99, 0.8, 0.6],
    "new classes": [NAN, 0.97, 0.94],
    "all seen": [0.99, 0.88, 0.7],
    "ideal (joint)": [0.99, 0.985, 0.98],
}


def lines(svg, colour):
    """Points of the lines of one colour, as lists of (x, y)."""
    paths = re.findall(rf'<path d="([^"]+)"[^>]*style="fill: none; [^"]*stroke: {colour}', svg)
    return [
        [(float(x), float(y)) for x, y in re.findall(r"[ML] ([\d.]+) ([\d.]+)", path)]
        for path in paths
    ]


def test_lines_have_names_and_values_at_their_ends():
    figure = forgetting_curves_figure(FOUR, title="t")
    texts = words(figure.svg)
    for label in ("base classes  60.0 %", "new classes  94.0 %", "ideal (joint)  98.0 %"):
        assert label in texts
    assert {"1", "2", "3", "experience", "0 %", "100 %"} <= set(texts)
    assert figure.alt == (
        "Accuracy over 3 experiences. base classes from 99.0 % to 60.0 %; new classes from 97.0 % "
        "to 94.0 %; all seen from 99.0 % to 70.0 %; ideal (joint) from 99.0 % to 98.0 %."
    )
    assert figure.name == "forgetting"
    assert "intervals" not in figure.caption


def test_points_stand_at_their_values():
    svg = forgetting_curves_figure({"base": [1.0, 0.5, 0.0]}, title="t").svg
    (line,) = lines(svg, drawing.BLUE)
    (x0, top), (x1, middle), (x2, low) = line
    assert x1 - x0 == pytest.approx(x2 - x1)
    assert middle == pytest.approx((top + low) / 2, abs=1e-3)
    assert low - top > 150


def test_the_ceiling_is_a_broken_grey_line_and_a_gap_stays_one():
    svg = forgetting_curves_figure(FOUR, title="t").svg
    broken = re.findall(r"stroke-dasharray[^\"]*stroke: (#\w+)", svg)
    assert broken == [drawing.GREY]
    assert [len(line) for line in lines(svg, drawing.ORANGE)] == [2]


def test_bands_are_pale_areas():
    bands = {"base classes": ([0.98, 0.75, 0.5], [1.0, 0.85, 0.7])}
    figure = forgetting_curves_figure(FOUR, title="t", name="with_bands", bands=bands)
    assert figure.svg.count("opacity: 0.15") == 1
    assert figure.caption.endswith("Pale areas: 95 % intervals.")
    assert figure.name == "with_bands"


def test_ends_that_collide_are_told_in_a_legend_and_long_runs_have_few_ticks():
    near = {f"series {i}": [0.95 + 0.001 * i] * 100 for i in range(5)}
    texts = words(forgetting_curves_figure(near, title="t").svg)
    assert [t for t in texts if t.startswith("series")]
    assert [t for t in texts if t.isdigit()] == ["1", *map(str, range(10, 101, 10))]
    assert words(forgetting_curves_figure({"one": [0.5]}, title="t").svg).count("1") == 1


def test_all_names_stand_inside_the_picture():
    near = {f"series {i}": [0.99, 0.99 + 0.001 * i] for i in range(4)}
    for series in (near, {k: [1 - v for v in values] for k, values in near.items()}):
        svg = forgetting_curves_figure(series, title="t").svg
        height = float(re.search(r'viewBox="0 0 [\d.]+ ([\d.]+)"', svg)[1])
        places = [float(y) for y in re.findall(r'y="([\d.]+)"[^>]*>series', svg)]
        assert len(places) == 4
        assert min(places) > 7 and max(places) < height - 2


def test_the_page_keeps_the_drawing_and_names_are_escaped():
    series = {"<b>x</b>\u202e": [0.5, 0.4]}
    figure = forgetting_curves_figure(series, title="t")
    assert figure == forgetting_curves_figure(series, title="t")
    assert "<b>" not in figure.svg and "\u202e" not in figure.svg + figure.alt
    page = inline_svg(figure.svg, prefix="f", label=figure.alt, themed=drawing.DARK)
    assert Page(page).faults == []
    assert f"var(--c-{drawing.BLUE[1:]},{drawing.BLUE})" in page


@pytest.mark.parametrize(
    ("series", "bands", "message"),
    [
        ({}, None, "show 1 to 5 series, found 0"),
        ({str(i): [0.5] for i in range(6)}, None, "show 1 to 5 series, found 6"),
        ({"a": [0.5], "b": [0.5, 0.4]}, None, r"one value per experience each, found {'a': 1, "),
        ({"a": [NAN, NAN]}, None, "forgetting curve 'a' has no value; leave it out"),
        ({"a": []}, None, "forgetting curve 'a' has no value"),
        ({"a": [0.5, 50.0]}, None, r"curve 'a', experience 2: 50.0 is no share in \[0, 1\]"),
        ({"a": [0.5]}, {"b": ([0.4], [0.6])}, "band 'b' needs a series of its name and two ends"),
        ({"a": [0.5]}, {"a": ([0.4, 0.4], [0.6])}, "band 'a' needs"),
    ],
)
def test_what_cannot_be_drawn_is_refused(series, bands, message):
    with pytest.raises(ValueError, match=message):
        forgetting_curves_figure(series, title="t", bands=bands)
