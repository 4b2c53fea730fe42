from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.report import drawing, panels
from simlearn.report.mask_drop import METRICS, MaskDrop
from simlearn.report.mask_table_bars import mask_bars_figure
from simlearn.report.svg import inline_svg
from tests.report.report_parts import Page
from tests.report.test_confusion import words
from tests.report.test_mask_drops import strokes
from tests.report.test_neuron_layers import boxes
from tests.report.test_panels import places
from tests.report.text_spans import text_spans, touching

NAN = float("nan")
ROWS = [
    MaskDrop("image", "step_accuracy", 0.2, 0.05, 0.1, 0.25),
    MaskDrop("image", "visual_recall", 0.4, 0.1, 0.2, 0.35),
    MaskDrop("image", "other_recall", -0.1, -0.02, -0.15, 0.05),
    MaskDrop("text", "step_accuracy", 0.1),
    MaskDrop("text", "visual_recall", NAN),
]
IMAGE = panels.group_looks(["image", "text"])["image"].colour


def drawn(svg):
    """(scale, zero): points of a percentage point and the height of 0, by the ticks of 0 and 20."""
    found = {text: y for text, _, y in places(svg)}
    zero = min(
        line[0][1] for line in strokes(svg, drawing.INK) if abs(line[0][0] - line[-1][0]) > 100
    )
    unit = (found["20"] - found["0"]) / -20
    return unit, zero


def values(svg, colour, low=0):
    """Drops of the bars of a colour, from the left."""
    unit, zero = drawn(svg)
    found = []
    for left, right, top, bottom in boxes(svg, colour):
        if bottom > 25 and right - left < 200 and top < zero + 200:
            end = top if abs(bottom - zero) < abs(top - zero) else bottom
            found.append((left, round((zero - end) / unit, 1)))
    return [value for _, value in sorted(found)]


def test_bars_and_whiskers_stand_at_their_values_beside_the_zero_line():
    svg = mask_bars_figure(ROWS, title="t").svg
    unit, zero = drawn(svg)
    assert values(svg, IMAGE) == [20, 40, -10]
    assert values(svg, drawing.GREY) == [5, 10, -2]
    upright = sorted(line for line in strokes(svg, drawing.INK) if line[0][0] == line[-1][0])
    ends = [sorted(round((zero - y) / unit, 1) for _, y in line) for line in upright]
    assert ends == [[15, 30], [30, 45], [-17, 3]]  # the random drop and the interval of the excess
    lines = [line for line in strokes(svg, drawing.INK) if line[0][1] == line[-1][1]]
    assert sum(abs(line[-1][0] - line[0][0]) > 100 for line in lines) == 2


def test_names_values_and_words():
    figure = mask_bars_figure(ROWS, title="T")
    texts = words(figure.svg)
    assert {"image masked", "text masked", "recall", "of VIS", "20.0", "40.0", "5.0"} <= {*texts}
    assert {"\u221210.0", "\u22122.0", "random masks, mean", "95 % interval of the difference"} <= {
        *texts
    }
    assert texts.count("no value") == 2  # nan, and a metric that one group has not
    assert "category" not in texts
    assert (figure.name, figure.title) == ("mask_bars", "T")
    for part in (
        "image masked: step accuracy 20.0 (random masks 5.0, difference 15.0, 10.0 to 25.0)",
        "recall of visual perception errors 40.0 (random masks 10.0, difference 30.0",
        "recall of the other kinds \u221210.0 (random masks \u22122.0, difference \u22128.0,",
        " \u221215.0 to 5.0)",
        "text masked: step accuracy 10.0, recall of visual perception errors no value.",
    ):
        assert part in figure.alt
    assert "Grey" in figure.caption and "Whiskers" in figure.caption


def test_without_random_masks_there_is_no_grey():
    figure = mask_bars_figure([("text", "step_accuracy", 0.1)], title="t", name="other")
    assert figure.name == "other" and drawing.GREY not in figure.svg
    assert not any("random" in t or "interval" in t for t in words(figure.svg))
    assert "Grey" not in figure.caption and "Whiskers" not in figure.caption


def test_groups_keep_their_order_and_metrics_theirs():
    keys = list(METRICS)
    rows = [MaskDrop(g, m, 0.1) for m in reversed(keys) for g in ("union", "audio")]
    found = places(mask_bars_figure(rows, title="t").svg)
    at = {text: (y, x) for text, x, y in found}
    assert at["union masked"][0] == at["audio masked"][0]
    assert at["union masked"][1] < at["audio masked"][1]
    first = [METRICS[key][0] for key in keys]
    xs = [min(x for text, x, _ in found if text == lines[1]) for lines in first]
    assert xs == sorted(xs)


@pytest.mark.parametrize("count", [1, 2, 7])
def test_everything_stands_inside(count):
    long = "a group of a long name, " * 9
    rows = [
        MaskDrop(f"{i} {long}", key, 1.0 - 2 * (k % 2), 2 * (k % 2) - 1.0, -0.1, 0.1)
        for i in range(count)
        for k, key in enumerate(METRICS)
    ]
    svg = mask_bars_figure(rows, title="t").svg
    width, height = map(float, re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg).groups())
    found = text_spans(svg)
    for text, left, right, y in found:
        assert left >= 0 and right <= width and 0 < y < height, text
    assert touching(found) == []
    heads = [t for t in words(svg) if t.endswith("… masked")]
    assert len(heads) == count
    room = panels.inner_width(count)
    assert all(drawing.text_width([t], 8.5, "bold") <= room + 10 for t in heads)
    assert len(svg) < 120_000


@settings(max_examples=10, deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=1, max_size=4), st.floats(-1, 1))
def test_any_drop_is_drawn_on_its_side_of_zero(drops, random_drop):
    rows = [MaskDrop("image", key, d, random_drop, d - random_drop, d - random_drop)
            for key, d in zip(METRICS, drops, strict=False)]  # fmt: skip
    svg = mask_bars_figure(rows, title="t").svg
    zero = min(
        line[0][1] for line in strokes(svg, drawing.INK) if abs(line[0][0] - line[-1][0]) > 100
    )
    found = sorted(b for b in boxes(svg, IMAGE))
    assert len(found) == len(drops)
    for (_, _, top, bottom), value in zip(found, drops, strict=True):
        edge = bottom if value >= 0 else top
        assert edge == pytest.approx(zero, abs=0.01)


def test_tuples_and_repeats_give_the_same_figure():
    assert mask_bars_figure(ROWS, title="t") == mask_bars_figure(
        [tuple(row) for row in ROWS], title="t"
    )


def test_the_page_keeps_the_drawing_and_names_are_escaped():
    evil = "<script>alert(1)</script>\u202e$x$"
    figure = mask_bars_figure([MaskDrop(evil, "step_accuracy", 0.2, 0.1, 0.0, 0.2)], title="t")
    page = inline_svg(figure.svg, prefix="m", label=figure.alt, themed=drawing.DARK)
    assert Page(page).faults == []
    assert "<script" not in figure.svg and "\u202e" not in figure.svg + figure.alt
    assert set(re.findall(r"#[0-9a-f]{6}\b", figure.svg)) <= set(drawing.DARK)


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match="two rows of step_accuracy"):
        mask_bars_figure([*ROWS, ROWS[0]], title="t")
