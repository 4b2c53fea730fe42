from __future__ import annotations

import re

import pytest

from simlearn.report import drawing
from simlearn.report.model_bars import NAMES, SHORT, model_bars_figure
from simlearn.report.model_score import KINDS, ModelScore
from simlearn.report.svg import inline_svg
from tests.report.report_parts import Page
from tests.report.test_confusion import words
from tests.report.test_neuron_layers import boxes
from tests.report.test_panels import places
from tests.report.text_spans import text_spans, touching

NAN = float("nan")
ROWS = [
    ModelScore("uniform", "baseline", 0.15, category=0.2),
    ModelScore("gpt", "closed", 0.55, 0.5, 0.6, 0.4, 0.35, 0.45, 0.3),
    ModelScore("mine", "this", 0.7, 0.6, 0.75, 0.0, 0.0, 0.1, 0.0),
    ModelScore("kinds only", "open", category=0.9),
]


def scales(svg, panels):
    """For each panel a function from x in points to percent, by its upright lines."""
    stroke = rf'd="M ([\d.]+) [^"]*"[^>]*style="fill: none; stroke: {drawing.GRID}'
    xs = sorted({float(x) for x in re.findall(stroke, svg)})
    each = len(xs) // panels
    parts = [xs[i * each : (i + 1) * each] for i in range(panels)]
    return [lambda x, low=p[0], high=p[-1]: 100 * (x - low) / (high - low) for p in parts]


def bars(svg, kind, panels=2):
    """(panel, percent) of the bars of a kind below the legend, from the top."""
    found = []
    for left, right, top, _ in boxes(svg, KINDS[kind][1]):
        if top > 25:
            at = [
                (abs(scale(left)), i, scale(right)) for i, scale in enumerate(scales(svg, panels))
            ]
            near, panel, percent = min(at)
            assert near < 0.01
            found.append((panel, round(percent, 1)))
    return found


def whiskers(svg, panels=2):
    """(panel, percent, percent) of the level strokes of the intervals."""
    stroke = rf'd="M ([\d.]+) ([\d.]+)\s+L ([\d.]+) ([\d.]+)\s*"[^>]*stroke: {drawing.INK}'
    found = []
    for a, b, c, d in re.findall(stroke, svg):
        if b == d and float(b) > 25:
            for i, scale in enumerate(scales(svg, panels)):
                low, high = scale(float(a)), scale(float(c))
                if -1 <= low <= high <= 101:
                    found.append((i, round(low, 1), round(high, 1)))
    return sorted(found)


def test_bars_and_whiskers_stand_at_their_values_in_their_panels():
    svg = model_bars_figure(ROWS, title="t").svg
    assert bars(svg, "closed") == [(0, 55), (1, 40)]
    assert bars(svg, "this") == [(0, 70), (1, SHORT)]
    assert bars(svg, "baseline") == [(0, 15), (1, 20)]
    assert bars(svg, "open") == [(1, 90)]
    assert whiskers(svg) == [(0, 50, 60), (0, 60, 75), (1, 0, 10), (1, 35, 45)]


def test_both_panels_have_one_order_the_best_step_first():
    svg = model_bars_figure(ROWS, title="t").svg
    height = {text: y for text, _, y in places(svg)}
    assert height["mine"] < height["gpt"] < height["uniform"] < height["kinds only"]
    level = [
        [t for t, x, y in sorted(places(svg), key=lambda p: p[1]) if abs(y - height[name]) < 2]
        for name in ("mine", "gpt", "uniform", "kinds only")
    ]
    assert level == [
        ["mine", "70.0 %", "0.0 %", "0.0 %"],
        ["gpt", "55.0 %", "40.0 %", "30.0 %"],
        ["uniform", "15.0 %", "20.0 %", "-"],
        ["kinds only", "no value", "90.0 %", "-"],
    ]


def test_equal_steps_are_ordered_by_category_then_as_given():
    rows = [("b", "open", 0.5, NAN, NAN, 0.1), ("c", "open", 0.5, NAN, NAN, 0.3)]
    rows += [("a", "open", 0.5, NAN, NAN, 0.1)]
    height = {t: y for t, _, y in places(model_bars_figure(rows, title="t").svg)}
    assert height["c"] < height["b"] < height["a"]


def test_this_run_has_a_band_and_a_bold_name():
    svg = model_bars_figure(ROWS, title="t").svg
    (band,) = re.findall(rf'<path d="([^"]+)"[^>]*style="fill: {drawing.GRID}; opacity', svg)
    ys = [float(v) for v in re.findall(r"[ML] [-\d.]+ ([-\d.]+)", band)]
    height = {text: y for text, _, y in places(svg)}
    assert min(ys) < height["mine"] < max(ys)
    assert not any(min(ys) < height[name] < max(ys) for name in ("gpt", "uniform"))
    bold = re.findall(
        r'font: bold [^"]*"[^>]*>([^<]+)<|font-weight: (?:bold|700)[^>]*>([^<]+)<', svg
    )
    assert "mine" in {a or b for a, b in bold} and "gpt" not in {a or b for a, b in bold}
    plain = model_bars_figure([row for row in ROWS if row.kind != "this"], title="t").svg
    assert f"fill: {drawing.GRID}" not in plain


def test_words_and_legend_name_what_there_is():
    figure = model_bars_figure(ROWS, title="T")
    assert (figure.name, figure.title) == ("models", "T")
    for part in (
        "mine (this run): step 70.0 % (60.0 to 75.0 %), category 0.0 % (0.0 to 10.0 %), both 0.0 %",
        "gpt (closed weights): step 55.0 % (50.0 to 60.0 %), category 40.0 % (35.0 to 45.0 %)",
        "uniform (baseline): step 15.0 %, category 20.0 %",
        "kinds only (open weights): step no value, category 90.0 %",
    ):
        assert part in figure.alt
    assert "95 % interval" in figure.caption and "Both right" in figure.caption
    texts = {*words(figure.svg)}
    assert {"step accuracy", "category accuracy", "both right", "this run", "baseline"} <= texts
    assert "people" not in texts


def test_what_no_row_has_is_left_out():
    figure = model_bars_figure([("a", "human", 0.5), ("b", "human", NAN)], title="t", name="other")
    texts = words(figure.svg)
    assert figure.name == "other" and "step accuracy" in texts
    assert not {"category accuracy", "both right"} & {*texts}
    assert "interval" not in figure.caption and "category" not in figure.alt + figure.caption
    assert bars(figure.svg, "human", 1) == [(0, 50)]


@pytest.mark.parametrize("count", [1, 16])
def test_everything_stands_inside_and_bars_end_before_the_next_panel(count):
    long = "a model of a long name, " * 5
    kinds = [*KINDS]
    rows = [(f"{i} {long}", kinds[i % 5], 1.0, 0.9, 1.0, 1.0, 0.9, 1.0, 1.0) for i in range(count)]
    svg = model_bars_figure(rows, title="t").svg
    width, height = map(float, re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg).groups())
    found = text_spans(svg)
    for text, left, right, y in found:
        assert left >= 0 and right <= width + 0.5 and 0 < y < height, text
    assert touching(found) == []
    names = [span for span in found if span.text.endswith("\u2026")]
    assert len(names) == count and all(right - left <= NAMES for _, left, right, _ in names)
    assert sum(span.text == "100.0 %" for span in found) == 3 * count
    lefts = sorted({b[0] for kind in KINDS for b in boxes(svg, KINDS[kind][1]) if b[2] > 25})
    assert len(lefts) == 2
    crossing = [span.text for span in found if span.left < lefts[1] < span.right]
    assert crossing == ["0 %"]  # the tick below
    assert len(svg) < 80_000


def test_tuples_and_repeats_give_the_same_figure_and_rows_stay_as_they_were():
    rows = list(ROWS)
    first = model_bars_figure(rows, title="t")
    assert first == model_bars_figure([tuple(row) for row in ROWS], title="t")
    assert rows == ROWS


def test_the_page_keeps_the_drawing_and_names_are_escaped():
    evil = "<script>alert(1)</script>\u202e $x^2$ 李"
    figure = model_bars_figure([(evil, "this", 0.5, 0.4, 0.6, 0.2, 0.1, 0.3, 0.1)], title="t")
    page = inline_svg(figure.svg, prefix="m", label=figure.alt, themed=drawing.DARK)
    assert Page(page).faults == []
    assert "<script" not in figure.svg and "\u202e" not in figure.svg + figure.alt
    assert any("$" in text for text in words(figure.svg)) or "…" in figure.svg
    assert set(re.findall(r"#[0-9a-f]{6}\b", figure.svg)) <= set(drawing.DARK)
    for tag in ("path", "use", "text"):
        assert page.count(f"<{tag} ") == figure.svg.count(f"<{tag} ") > 0


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match="row 1, 'b', step: 5 is no share"):
        model_bars_figure([("a", "open", 0.5), ("b", "open", 5.0)], title="t")
