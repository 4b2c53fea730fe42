from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from simlearn.report import drawing, panels
from simlearn.report.neuron_layers import neuron_layers_figure
from simlearn.report.svg import inline_svg
from tests.report.report_parts import Page
from tests.report.test_confusion import words

COUNTS = np.array([[4, 0, 2], [1, 3, 0]])


def boxes(svg, colour):
    """(left, right, top, bottom) of the boxes of a colour in points, without the legend's."""
    found = []
    for path in re.findall(
        rf'<path d="([^"]+)"[^>]*style="fill: {colour}(?:; opacity[^"]*)?"', svg
    ):
        for part in path.split("M ")[1:]:
            points = [float(v) for v in re.findall(r"-?[\d.]+", part)]
            x, y = points[0::2], points[1::2]
            found.append((min(x), max(x), min(y), max(y)))
    return found


def layer_boxes(counts, names, colour):
    """The same, in (layer, lower count, upper count) by the scale of the whole picture."""
    svg = neuron_layers_figure(counts, names, title="t").svg
    bars = [b for name in names for b in boxes(svg, panels.group_looks(names)[name].colour)]
    floor = max(b[3] for b in bars)
    total = np.asarray(counts).sum(0).max()
    unit = (floor - min(b[2] for b in bars)) / total
    lefts = sorted({round(b[0], 3) for b in bars})
    return sorted(
        (
            lefts.index(round(b[0], 3)),
            round((floor - b[3]) / unit, 2),
            round((floor - b[2]) / unit, 2),
        )
        for b in boxes(svg, colour)
        if b[3] > 40  # not the legend's
    )


def test_bars_stand_on_each_other_with_their_counts_as_heights():
    looks = panels.group_looks(["text", "image"])
    assert layer_boxes(COUNTS, ["text", "image"], looks["text"].colour) == [(0, 0, 4), (2, 0, 2)]
    assert layer_boxes(COUNTS, ["text", "image"], looks["image"].colour) == [(0, 4, 5), (1, 0, 3)]


def test_names_totals_axes_and_words():
    figure = neuron_layers_figure(COUNTS, ["text", "image"], title="T", width=10)
    texts = words(figure.svg)
    assert {"text (6)", "image (4)", "layer", "neurons", "share of the layer", "0", "1", "2"} <= {
        *texts
    }
    assert [t for t in texts if t.endswith(" %")] == ["0 %", "20 %", "40 %"]
    assert figure.title == "T" and figure.name == "neuron_layers"
    assert figure.alt == (
        "Selected neurons in 3 layers by group. text 6, most in layer 0 (4); image 4, most in "
        "layer 1 (3)."
    )
    assert "counts in each" in figure.caption and "10 neurons of a layer" in figure.caption
    plain = neuron_layers_figure(COUNTS, ["text", "image"], title="T")
    assert "share of the layer" not in words(plain.svg) and "right axis" not in plain.caption


def test_the_share_stands_at_the_height_of_its_count():
    svg = neuron_layers_figure([[50]], ["text"], title="t", width=100).svg
    places = {}
    for x, y, text in re.findall(r'([\d.]+) ([\d.]+)\)">([^<]+)</text>', svg):
        places[text] = (float(x), float(y))
    assert places["20 %"][0] > places["20"][0] + 400
    assert places["20 %"][1] == pytest.approx(places["20"][1], abs=0.1)


def test_nothing_selected_is_said():
    figure = neuron_layers_figure(np.zeros((2, 4)), ["text", "image"], title="t", width=8)
    assert "no neuron was selected" in words(figure.svg)
    assert figure.alt.endswith("text 0; image 0.")
    assert "no neuron was selected" not in words(
        neuron_layers_figure([[1]], ["text"], title="t").svg
    )


@pytest.mark.parametrize("layers", [1, 80])
def test_everything_stands_inside_at_every_size(layers):
    counts = np.random.default_rng(0).integers(0, 40_000, (6, layers))
    names = [f"{'a long name ' * 9}{i}" for i in range(6)]
    svg = neuron_layers_figure(counts, names, title="t", width=40_000).svg
    width, height = map(float, re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg).groups())
    for left, right, top, bottom in [b for c in drawing.DARK for b in boxes(svg, c)]:
        assert left >= 0 and right <= width and top >= 0 and bottom <= height
    ticks = [t for t in words(svg) if t.isdigit()]
    assert len(ticks) < 30
    assert len(svg) < 100_000


def test_the_same_bytes_for_the_same_data_of_every_kind():
    first = neuron_layers_figure(COUNTS, ["a", "b"], title="t")
    assert first == neuron_layers_figure(torch.tensor(COUNTS), ["a", "b"], title="t")
    assert first == neuron_layers_figure(COUNTS.tolist(), ["a", "b"], title="t")


def test_the_page_keeps_the_drawing_and_names_are_escaped():
    names = ["<script>alert(1)</script>", "\u202eevil"]
    figure = neuron_layers_figure(COUNTS, names, title="t", width=9)
    page = inline_svg(figure.svg, prefix="n", label=figure.alt, themed=drawing.DARK)
    assert Page(page).faults == []
    assert "<script" not in figure.svg and "\u202e" not in figure.svg + figure.alt
    assert set(re.findall(r"#[0-9a-f]{6}\b", figure.svg)) <= set(drawing.DARK)


@pytest.mark.parametrize(
    ("counts", "names", "width", "message"),
    [
        (np.zeros(3), ["a"], None, r"\(G, L\) with L >= 1 and one name per group, found shape \(3"),
        (np.zeros((2, 0)), ["a", "b"], None, r"found shape \(2, 0\) and 2 names"),
        (COUNTS, ["a"], None, "1 names"),
        (COUNTS, ["a", "a"], None, "different groups"),
        (-COUNTS, ["a", "b"], None, "-4 of group 'a' in layer 0 is no number of neurons"),
        (COUNTS + 0.5, ["a", "b"], None, "4.5 of group 'a'"),
        ([[1.0, np.nan]], ["a"], None, "nan of group 'a' in layer 1"),
        ([[1.0, np.inf]], ["a"], None, "inf of group 'a' in layer 1"),
        (
            COUNTS,
            ["a", "b"],
            3,
            "4 of group 'a' in layer 0 is no number of neurons of a layer of 3",
        ),
        (np.zeros((8, 1)), [*"abcdefgh"], None, "1 to 7 different groups"),
    ],
)
def test_what_cannot_be_drawn_is_refused(counts, names, width, message):
    with pytest.raises(ValueError, match=message):
        neuron_layers_figure(counts, names, title="t", width=width)
