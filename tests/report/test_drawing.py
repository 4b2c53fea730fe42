from __future__ import annotations

from itertools import pairwise

import matplotlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from simlearn.report import drawing


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colour", [drawing.INK, drawing.MUTED, *drawing.SERIES])
def test_every_colour_that_words_have_is_readable_on_light_and_on_dark(colour):
    assert contrast(colour, drawing.PAPER) >= 4.5
    assert contrast(drawing.DARK[colour], drawing.DARK[drawing.PAPER]) >= 4.5


def test_the_style_ignores_the_users_settings_and_gives_them_back():
    with matplotlib.rc_context({"font.size": 31.0, "svg.hashsalt": "mine"}):
        with pytest.raises(RuntimeError, match="inside"), drawing.figure_style():
            assert matplotlib.rcParams["font.size"] == 8.0
            raise RuntimeError("inside")
        assert matplotlib.rcParams["font.size"] == 31.0
        assert matplotlib.rcParams["svg.hashsalt"] == "mine"


def test_pictures_hold_no_date_and_no_writer():
    with drawing.figure_style():
        figure = Figure(figsize=(1, 1))
        figure.text(0.1, 0.5, "李 $x$ <b>")
        svg, png = drawing.svg_text(figure), drawing.png_bytes(figure)
    assert "<dc:date>" not in svg
    assert "Matplotlib" not in svg
    assert "李 $x$ &lt;b&gt;" in svg
    assert b"Software" not in png
    assert b"tEXt" not in png


@given(st.lists(st.floats(-100, 100), max_size=12), st.floats(0.1, 20))
def test_spread_places_keep_their_order_and_distance(places, gap):
    places = sorted(places)
    moved = drawing.spread(places, gap)
    assert len(moved) == len(places)
    assert all(b - a >= gap - 1e-6 for a, b in pairwise(moved))
    assert sum(moved) == pytest.approx(sum(places), abs=1e-6)
    if all(b - a >= gap for a, b in pairwise(places)):
        assert moved == pytest.approx(places)


def test_text_width_grows_with_the_text():
    with drawing.figure_style():
        assert drawing.text_width([], 8) == 0
        assert drawing.text_width(["a", "aaaa"], 8) == drawing.text_width(["aaaa"], 8)
        assert drawing.text_width(["a"], 8) < drawing.text_width(["aa"], 8)


@pytest.mark.parametrize("heights", [[0.5], [99.0, 98.5, 98.0, 99.5], [0.0, 0.1, 0.2, 50.0], []])
def test_labels_stay_beside_the_axes_in_order_and_apart(heights):
    with drawing.figure_style():
        figure = Figure(figsize=(4, 3), dpi=72)
        axes = figure.add_axes((0.1, 0.1, 0.6, 0.8))
        axes.set_ylim(0, 100)
        ends = [(height, f"line {height}", drawing.BLUE) for height in heights]
        assert drawing.label_ends(axes, ends, 10)
    line = 10 * 100 / (0.8 * 3 * 72)
    places = {text.get_text(): text.xy[1] for text in axes.texts}
    ordered = [places[f"line {height}"] for height in sorted(heights)]
    assert all(b - a >= line - 1e-6 for a, b in pairwise(ordered))
    assert all(-line / 2 - 1e-6 <= place <= 100 + line / 2 + 1e-6 for place in ordered)


def test_labels_that_would_move_far_are_not_drawn():
    with drawing.figure_style():
        axes = Figure(figsize=(4, 3), dpi=72).add_axes((0.1, 0.1, 0.6, 0.8))
        axes.set_ylim(0, 100)
        assert not drawing.label_ends(axes, [(50.0, str(i), drawing.BLUE) for i in range(9)], 10)
        assert axes.texts[:] == []
