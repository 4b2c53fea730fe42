from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from simlearn.report import drawing, panels
from simlearn.report.geometry_curves import DOTS, QUANTITIES, geometry_curves_figure
from simlearn.report.svg import inline_svg
from tests.report.report_parts import Page
from tests.report.test_confusion import words
from tests.report.test_mask_drops import strokes
from tests.report.test_panels import places

NAN = float("nan")
BEFORE = {"text": [0.0, 0.5, 1.0], "image": [0.2, NAN, 0.4]}
AFTER = {"text": [0.0, 0.25, 0.5]}
TEXT, IMAGE = (panels.group_looks(["text", "image"])[n].colour for n in ("text", "image"))


def drawn(before=BEFORE, after=None, quantity="silhouette", **more):
    return geometry_curves_figure(before, after, title="t", quantity=quantity, **more)


def test_points_stand_at_their_layers_and_values():
    svg = drawn(after=AFTER).svg
    solid, broken = sorted(
        (line for line in strokes(svg, TEXT) if len(line) == 3), key=lambda line: line[2][1]
    )
    (x0, low), (x1, middle), (x2, top) = solid
    assert x1 - x0 == pytest.approx(x2 - x1) and x1 > x0
    assert middle == pytest.approx((low + top) / 2, abs=1e-3)
    height = low - top
    assert [(low - y) / height for _, y in broken] == pytest.approx([0, 0.25, 0.5], abs=1e-4)
    assert [x for x, _ in broken] == [x0, x1, x2]
    ticks = {text: y for text, _, y in places(svg)}
    assert low - height * 0.5 == pytest.approx(ticks["0.5"], abs=5)
    assert low == pytest.approx(ticks["0"], abs=5)


def test_after_is_broken_and_before_is_not():
    svg = drawn(after=AFTER).svg
    broken = re.findall(r"stroke-dasharray[^\"]*stroke: (#\w+)", svg)
    assert sorted(broken) == sorted([TEXT, drawing.MUTED])  # the curve and the legend's entry
    assert "stroke-dasharray" not in drawn().svg
    texts = words(svg)
    assert {"text", "image", "before deactivation", "after deactivation", "layer"} <= {*texts}
    assert not any("deactivation" in t for t in words(drawn().svg))


def test_words():
    figure = drawn(after=AFTER)
    assert figure.alt == (
        "Silhouette in 3 layers. Mean over the layers: text 0.5, after deactivation 0.25; image "
        "0.3."
    )
    assert figure.name == "geometry_silhouette"
    assert figure.caption == ("Silhouette per layer. Solid: before deactivation; broken: after it.")
    figure = drawn({"text": [0.25]}, quantity="attention", name="mine")
    assert figure.name == "mine" and figure.caption == "Attention of the last token per layer."
    assert figure.alt == (
        "Attention of the last token in 1 layer. Mean over the layers: text 25.0 %."
    )
    assert drawn({"text": [0.5], "image": [NAN]}).alt.endswith("text 0.5; image -.")


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_every_quantity_has_its_label_and_unit(quantity):
    label, share, *_ = QUANTITIES[quantity]
    texts = words(drawn({"text": [0.4, 0.9]}, quantity=quantity).svg)
    assert label in texts
    assert ("80 %" in texts) == share


def test_a_gap_stays_one_and_a_lone_point_has_a_marker():
    svg = drawn({"image": [0.2, NAN, 0.4, 0.5]}).svg
    assert [len(line) for line in strokes(svg, IMAGE) if len(line) > 1 and len(line) < 5] == [2]
    assert svg.count("<use") >= 3
    many = [NAN] * 100
    many[50] = 0.5
    alone = drawn({"image": many}).svg
    none = drawn({"image": [0.5] * 100}).svg
    assert len(re.findall(rf"<use[^>]*{IMAGE}", alone)) > len(
        re.findall(rf"<use[^>]*{IMAGE}", none)
    )


@pytest.mark.parametrize("layers", [1, DOTS, 100])
def test_everything_stands_inside_at_every_size(layers):
    rng = np.random.default_rng(0)
    names = [f"{'a long name ' * 9}{i}" for i in range(7)]
    before = {name: rng.uniform(-1, 1, layers) for name in names}
    svg = drawn(before, before).svg
    width, height = map(float, re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg).groups())
    with drawing.figure_style():
        for text, x, y in places(svg):
            assert x >= 0 and 0 < y < height
            if "\u2026" in text:
                assert x + drawing.text_width([text], 7.5) <= width
    for line in [line for c in drawing.DARK for line in strokes(svg, c)]:
        assert all(-1 <= x <= width and -1 <= y <= height for x, y in line if len(line) == layers)
    assert len(svg) < 250_000
    assert len([t for t in words(svg) if t.isdigit()]) <= 25


def test_tensors_and_repeats_give_the_same_figure():
    first = drawn(after=AFTER)
    tensors = {k: torch.tensor(v, dtype=torch.float64) for k, v in BEFORE.items()}
    assert first == drawn(tensors, {"text": np.array(AFTER["text"])})
    assert first == drawn({"text": [0.0, 0.5, 1.0], "image": [0.2, None, 0.4]}, AFTER)


def test_the_page_keeps_the_drawing_and_names_are_escaped():
    evil = "<script>alert(1)</script>\u202e"
    figure = drawn({evil: [0.1, 0.2]}, {evil: [-0.1, 0.1]})
    page = inline_svg(figure.svg, prefix="g", label=figure.alt, themed=drawing.DARK)
    assert Page(page).faults == []
    assert "<script" not in figure.svg and "\u202e" not in figure.svg + figure.alt
    assert set(re.findall(r"#[0-9a-f]{6}\b", figure.svg)) <= set(drawing.DARK)


@pytest.mark.parametrize(
    ("before", "after", "quantity", "message"),
    [
        (BEFORE, None, "entropy", "'entropy' is none of silhouette, purity, distance, attention"),
        ({}, None, "purity", "1 to 7 different groups apart, found 0"),
        ({"a": [NAN]}, None, "purity", r"none of the purity curves \['a'\] has a value"),
        ({"a": []}, None, "purity", r"none of the purity curves \['a'\] has a value"),
        ({"a": [0.1], "b": [0.1, 0.2]}, None, "purity", "'b' has 2 values, 'a' has 1; give one"),
        ({"a": [0.1]}, {"a": [0.1, 0.2]}, "purity", "'a' has 2 values, 'a' has 1"),
        ({"a": [0.1]}, {"b": [0.1]}, "purity", "'b' after deactivation has no curve before it"),
        ({"a": [0.1, 40.0]}, None, "purity", r"'a', layer 1: 40 is outside \[0, 1\]"),
        ({"a": [-1.5]}, None, "silhouette", r"-1.5 is outside \[-1, 1\]"),
        ({"a": [0.5, float("inf")]}, None, "distance", r"layer 1: inf is outside \[0, inf\]"),
    ],
)
def test_what_cannot_be_drawn_is_refused(before, after, quantity, message):
    with pytest.raises(ValueError, match=message):
        drawn(before, after, quantity)
