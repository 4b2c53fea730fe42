from __future__ import annotations

import re
from itertools import pairwise

import pytest

from simlearn.report import drawing, panels
from simlearn.report.mask_drops import mask_drops_figure
from simlearn.report.masked_scores import MaskedScore
from simlearn.report.svg import inline_svg
from tests.report.report_parts import Page
from tests.report.test_confusion import words
from tests.report.test_neuron_layers import boxes
from tests.report.test_panels import places

NAN = float("nan")
ROWS = [
    MaskedScore("image questions", 0.05, "image", 0.2, 0.15, 0.25),
    MaskedScore("image questions", 0.01, "image", 0.6, 0.55, 0.65),
    MaskedScore("image questions", 0.01, "text", 0.7),
    MaskedScore("image questions", 0.01, "random", 0.75, 0.7, 0.8),
    MaskedScore("image questions", 0.05, "random", 0.75, 0.6, 0.9),
]
LINES = {"image questions": {"unmasked": 0.8, "question only": 0.4}}
IMAGE = panels.group_looks(["image"])["image"].colour


def strokes(svg, colour):
    """Lines of one colour below the legend, each a list of (x, y)."""
    found = []
    for path in re.findall(rf'<path d="([^"]+)"[^>]*style="fill: none;[^"]*stroke: {colour}', svg):
        for part in path.split("M ")[1:]:
            numbers = [float(v) for v in re.findall(r"-?[\d.]+", part)]
            found.append(list(zip(numbers[0::2], numbers[1::2], strict=True)))
    return [line for line in found if line[0][1] > 20]


def scale_of(svg):
    """A function from y in points to percent, by the dotted lines of 80 and 40 percent."""
    top, low = sorted(line[0][1] for line in strokes(svg, drawing.INK))
    return lambda y: 80 - 40 * (y - top) / (low - top)


def test_points_intervals_and_the_band_stand_at_their_values_by_ascending_ratio():
    svg = mask_drops_figure(ROWS, title="t", baselines=LINES).svg
    percent = scale_of(svg)
    lines = [[(x, round(percent(y), 2)) for x, y in line] for line in strokes(svg, IMAGE)]
    bars = sorted(line for line in lines if line[0][0] == line[1][0])
    (curve,) = (line for line in lines if line[0][0] != line[1][0])
    assert [y for _, y in curve] == [60, 20]
    assert [sorted(y for _, y in bar) for bar in bars] == [[55, 65], [15, 25]]
    assert [bar[0][0] for bar in bars] == [x for x, _ in curve]
    band = [b for b in boxes(svg, drawing.GREY) if b[2] > 20]
    assert [sorted(round(percent(v), 2) for v in b[2:]) for b in band] == [[70, 80], [60, 90]]
    assert band[0][1] == pytest.approx(band[1][0])
    means = [line for line in strokes(svg, drawing.GREY)]
    assert [[round(percent(y), 2) for _, y in line] for line in means] == [[75, 75], [75, 75]]
    for (left, right, *_), (x, _), stroke in zip(band, curve, means, strict=True):
        assert x == pytest.approx((left + right) / 2, abs=0.05 * (right - left))
        assert [p[0] for p in stroke] == pytest.approx([left, right])


def test_names_and_values_stand_beside_the_lines_and_in_the_words():
    figure = mask_drops_figure(ROWS, title="T", baselines=LINES)
    texts = words(figure.svg)
    assert {"image masked", "text masked", "random masks, mean and range", "image questions"} <= {
        *texts
    }
    assert {"unmasked 80.0 %", "question only 40.0 %", "1 %", "5 %", "accuracy"} <= {*texts}
    assert figure.name == "mask_drops_accuracy" and figure.title == "T"
    assert figure.alt == (
        "Accuracy under masks. image questions at 5 %: unmasked 80.0 %, question only 40.0 %, "
        "image masked 20.0 %, random masked 75.0 %."
    )
    assert "by chance" in figure.caption
    height = {text: y for text, _, y in places(figure.svg)}
    percent = scale_of(figure.svg)
    assert percent(height["unmasked 80.0 %"]) == pytest.approx(80, abs=3)
    assert percent(height["question only 40.0 %"]) == pytest.approx(40, abs=3)


def test_without_control_and_intervals_there_is_no_grey():
    plain = [MaskedScore("p", 0.01, "image", 0.5)]
    svg = mask_drops_figure(plain, title="t").svg
    assert drawing.GREY not in svg and not any("random" in t for t in words(svg))
    mean = [*plain, MaskedScore("p", 0.01, "random", 0.5)]
    texts = words(mask_drops_figure(mean, title="t").svg)
    assert "random masks, mean" in texts
    only = mask_drops_figure(mean[1:], title="t", name="only")
    assert only.name == "only" and "random masks, mean" in words(only.svg)


def test_other_metrics_have_their_own_axis():
    rows = [MaskedScore("p", 0.01, "image", v, v - 1, v + 1) for v in (12.5,)]
    texts = words(mask_drops_figure(rows, title="t", metric="loss").svg)
    assert "loss per answer token" in texts
    assert not [t for t in texts if t.endswith("%") and t != "1 %"]
    rows = [MaskedScore("p", 0.01, "image", -4.0)]
    figure = mask_drops_figure(rows, title="t", metric="margin", baselines={"p": {"unmasked": 3.0}})
    assert {"margin of the answer (logits)", "unmasked 3", "-4"} <= {*words(figure.svg)}
    assert figure.name == "mask_drops_margin"


def test_a_gap_stays_one_and_a_panel_without_a_value_says_so():
    rows = [MaskedScore("p", r, "image", v) for r, v in ((0.01, 0.5), (0.02, NAN), (0.05, 0.4))]
    svg = mask_drops_figure([*rows, MaskedScore("q", 0.01, "image", NAN)], title="t").svg
    assert [len(line) for line in strokes(svg, IMAGE)] in ([1, 1], [])
    assert words(svg).count("no value") == 1
    both = mask_drops_figure(rows, title="t", baselines={"p": {"unmasked": NAN}}).svg
    assert not any("unmasked" in t for t in words(both))


def test_panels_and_groups_keep_the_order_in_which_they_come():
    rows = [MaskedScore(p, 0.01, g, 0.5) for p in ("zeta", "alpha") for g in ("text", "image")]
    rows = [MaskedScore("zeta", 0.02, "text", 0.4), *rows]
    found = {text: (round(y), x) for text, x, y in places(mask_drops_figure(rows, title="t").svg)}
    assert found["zeta"][0] == found["alpha"][0] and found["zeta"][1] < found["alpha"][1]
    assert found["text masked"][1] < found["image masked"][1]


@pytest.mark.parametrize(("count", "ratios"), [(1, 1), (3, 4), (6, 14)])
def test_everything_stands_inside_and_ticks_and_names_apart(count, ratios):
    long = "questions of a kind with a long name, " * 3
    groups = ["random", *(f"{long}{i}" for i in range(7))]
    rows = [
        MaskedScore(f"{long}{p}", 0.00125 * 1.5**r, g, 0.5, 0.0, 1.0)
        for p in range(count)
        for r in range(ratios)
        for g in groups
    ]
    lines = {f"{long}{p}": {long + s: 0.6 for s in "abc"} for p in range(count)}
    svg = mask_drops_figure(rows, title="t", baselines=lines).svg
    width, height = map(float, re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg).groups())
    found = places(svg)
    with drawing.figure_style():
        for text, x, y in found:
            centred = re.fullmatch(r"[\d.]+ %", text)
            half = drawing.text_width([text], 7.5) * (0.5 if centred else 1)
            assert x >= -1 and x + half <= width and 0 < y < height, text
    ends = sorted(y for text, x, y in found if text.endswith("\u2026 60.0 %"))
    assert len(ends) == 3 * count
    rows_of = sorted({round(y, 1) for y in ends})
    assert all(b - a > 8 for a, b in pairwise(rows_of))
    ticks = [t for t in words(svg) if re.fullmatch(r"0\.\d+ %|[1-9][\d.]* %", t)]
    assert len(ticks) <= count * (ratios + 6)


def test_tuples_and_repeats_give_the_same_figure():
    first = mask_drops_figure(ROWS, title="t", baselines=LINES)
    assert first == mask_drops_figure([tuple(row) for row in ROWS], title="t", baselines=LINES)


def test_the_page_keeps_the_drawing_and_names_are_escaped():
    evil = "<script>alert(1)</script>\u202e"
    rows = [MaskedScore(evil, 0.01, evil, 0.5, 0.4, 0.6), MaskedScore(evil, 0.01, "random", 0.5)]
    figure = mask_drops_figure(rows, title="t", baselines={evil: {evil: 0.5}})
    page = inline_svg(figure.svg, prefix="m", label=figure.alt, themed=drawing.DARK)
    assert Page(page).faults == []
    assert "<script" not in figure.svg and "\u202e" not in figure.svg + figure.alt
    assert set(re.findall(r"#[0-9a-f]{6}\b", figure.svg)) <= set(drawing.DARK)


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match="metric 'f1' is none of accuracy, loss, margin"):
        mask_drops_figure(ROWS, title="t", metric="f1")
    with pytest.raises(ValueError, match="show 1 to 6 panels, found 0"):
        mask_drops_figure([], title="t")
    with pytest.raises(ValueError, match="two rows"):
        mask_drops_figure([*ROWS, ROWS[0]], title="t")
    with pytest.raises(ValueError, match="5 is no share"):
        mask_drops_figure([MaskedScore("p", 0.1, "image", 5.0)], title="t")
