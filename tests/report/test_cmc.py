from __future__ import annotations

import math
import re

import pytest

from simlearn.report import cmc_figure, drawing

CURVES = {"trained": [0.5, 0.7, 0.9], "untrained": [0.1, 0.2, 0.3], "pixels, mean": [0.2, 0.4, 0.6]}


def test_names_stand_at_the_ends_in_their_colours():
    figure = cmc_figure(CURVES, title="Hits")
    svg = figure.svg or ""
    for label, colour in (
        ("trained  90.0 %", drawing.BLUE),
        ("untrained  30.0 %", drawing.GREY),
        ("pixels, mean  60.0 %", drawing.ORANGE),
    ):
        assert re.search(rf"fill: {colour}[^>]*>{re.escape(label)}</text>", svg)
    assert "trained 50.0 % at rank 1, 90.0 % at rank 3" in figure.alt
    assert 'id="legend' not in svg


def test_the_same_curves_give_the_same_bytes():
    assert cmc_figure(CURVES, title="Hits") == cmc_figure(CURVES, title="Hits")


def test_one_rank_is_a_point():
    figure = cmc_figure({"trained": [0.25]}, title="t")
    assert "trained  25.0 %" in (figure.svg or "")


def test_curves_of_different_length_and_gaps():
    figure = cmc_figure({"a": [0.1, math.nan, 0.5, math.nan], "b": [0.2]}, title="t")
    assert "a  50.0 %" in (figure.svg or "")
    assert "b  20.0 %" in (figure.svg or "")
    assert "a 10.0 % at rank 1, - at rank 4" in figure.alt


def test_a_model_without_any_value_and_close_ends_get_a_legend():
    svg = cmc_figure({"a": [math.nan, math.nan], "b": [0.5, 0.6]}, title="t").svg or ""
    assert 'id="legend' in svg
    assert "a  -" in svg


def test_ranks_are_whole_numbers_from_one():
    svg = cmc_figure({"trained": [i / 100 for i in range(100)]}, title="t").svg or ""
    ticks = re.findall(r">(\d+)</text>", svg)
    assert ticks == ["1", "20", "40", "60", "80", "100"]


@pytest.mark.parametrize(
    ("curves", "message"),
    [
        ({}, "shows 1 to 5 models, found 0"),
        ({str(i): [0.1] for i in range(6)}, "found 6"),
        ({"trained": []}, "'trained' has no rank"),
        ({"trained": [0.5, 58.3]}, r"'trained', rank 2: 58.3 is no share in \[0, 1\]"),
        ({"trained": [-0.1]}, "no share"),
        ({"trained": [math.inf]}, "no share"),
    ],
)
def test_what_cannot_be_drawn_is_refused(curves, message):
    with pytest.raises(ValueError, match=message):
        cmc_figure(curves, title="t")


def test_hostile_model_names_are_escaped():
    svg = cmc_figure({"<script>$\x00\u202e": [0.5], "": [0.1]}, title="t").svg or ""
    assert "<script>" not in svg
    assert "&lt;script&gt;$\\u0000\\u202e" in svg
