from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from simlearn.report import drawing, panels
from simlearn.report.score_histogram import BINS, score_histogram_figure
from simlearn.report.svg import inline_svg
from tests.report.report_parts import Page
from tests.report.test_confusion import words
from tests.report.test_neuron_layers import boxes


def columns(svg, colour, strength):
    """Boxes (left, right, top, bottom) of one colour and strength, from the left."""
    found = []
    pattern = rf'<path d="([^"]+)"[^>]*style="fill: {colour}' + (
        "" if strength == 1 else f"; opacity: {strength}"
    )
    for path in re.findall(pattern + '"', svg):
        found += boxes(f'<path d="{path}" style="fill: {colour}"', colour)
    return sorted(found)


def test_columns_hold_every_score_and_the_strong_ones_begin_at_the_threshold():
    scores = np.random.default_rng(0).beta(1, 6, 5000)
    threshold = float(np.quantile(scores, 0.95))
    svg = score_histogram_figure({"image": scores}, {"image": threshold}, title="t").svg
    colour = panels.group_looks(["image"])["image"].colour
    pale, strong = columns(svg, colour, 0.35), columns(svg, colour, 1)
    (line,) = re.findall(
        rf'd="M ([\d.]+) [\d.]+[^"]*"[^>]*stroke-dasharray[^"]*stroke: {drawing.INK}', svg
    )
    assert strong[0][0] == pytest.approx(float(line), abs=1e-3)
    assert pale[-1][1] < float(line)
    # heights, on the log scale of the ticks 10 and 100, give the counts back
    tick = {t: float(y) for y, t in re.findall(r'[\d.]+ ([\d.]+)\)">(10|100)</text>', svg)}
    unit = tick["10"] - tick["100"]
    floor = pale[0][3]
    counts = [round(0.7 * 10 ** ((floor - c[2]) / unit)) for c in pale + strong]
    assert sum(counts[len(pale) :]) == (scores >= threshold).sum()
    # the first pale column may be clipped at 0, so only the sum of all is told
    assert sum(counts) == pytest.approx(5000, rel=0.01)


def test_notes_and_words_tell_how_many_are_taken():
    figure = score_histogram_figure(
        {"text": [0.1, 0.2, 0.3, 0.3], "audio": [0.5]}, {"text": 0.3}, title="T"
    )
    texts = words(figure.svg)
    assert {"text", "2 of 4 at or above 0.3", "audio", "1 neuron, no threshold", "score"} <= {
        *texts
    }
    assert figure.alt == (
        "Histograms of neuron scores by group. text from 0.1 to 0.3, 2 of 4 at or above 0.3; audio "
        "from 0.5 to 0.5, 1 neuron, no threshold."
    )
    assert figure.name == "score_histogram" and figure.title == "T"
    assert figure.svg.count("stroke-dasharray") == 1


def test_all_panels_share_their_axes():
    scores = {"text": [0.01] * 1000, "image": [0.9, 0.2]}
    texts = words(score_histogram_figure(scores, {}, title="t").svg)
    for tick in ("0.2", "0.8", "1\u2009000", "10"):
        assert texts.count(tick) == 2


@pytest.mark.parametrize("value", [0.0, 0.5, -2.0, 1e-7, 3e5])
def test_one_score_is_drawn_once(value):
    svg = score_histogram_figure({"text": [value]}, {"text": value}, title="t").svg
    colour = panels.group_looks(["text"])["text"].colour
    assert len(columns(svg, colour, 1)) == 1 and columns(svg, colour, 0.35) == []
    assert (
        len(columns(score_histogram_figure({"text": [value]}, {}, title="t").svg, colour, 0.7)) == 1
    )


def test_a_threshold_outside_the_scores_is_seen():
    svg = score_histogram_figure({"text": [0.1, 0.2]}, {"text": 0.9}, title="t").svg
    colour = panels.group_looks(["text"])["text"].colour
    assert len(columns(svg, colour, 0.35)) == 2 and columns(svg, colour, 1) == []
    assert "0 of 2 at or above 0.9" in words(svg)


@pytest.mark.parametrize("count", [1, 6])
def test_everything_stands_inside_and_notes_do_not_meet_names(count):
    rng = np.random.default_rng(0)
    names = [f"{'a long name ' * 9}{i}" for i in range(count)]
    scores = {name: rng.random(20_000) for name in names}
    svg = score_histogram_figure(scores, dict.fromkeys(names, 0.99), title="t").svg
    assert len(svg) < 40_000 * count
    width, height = map(float, re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg).groups())
    for left, right, top, bottom in [b for c in drawing.DARK for b in boxes(svg, c)]:
        assert left >= 0 and right <= width and top >= 0 and bottom <= height
    texts = words(svg)
    inner = panels.inner_width(count)
    with drawing.figure_style():
        name = drawing.text_width([t for t in texts if "\u2026" in t], 8.5, "bold")
        note = drawing.text_width([t for t in texts if "at or above" in t], 7.0)
    assert len([t for t in texts if "\u2026" in t]) == count or count == 1
    assert name + note < inner


def test_tensors_of_any_shape_and_repeats_give_the_same_figure():
    scores = np.random.default_rng(1).random(24)
    one = score_histogram_figure({"a": scores}, {"a": 0.5}, title="t")
    assert one == score_histogram_figure(
        {"a": torch.tensor(scores).view(4, 6)}, {"a": 0.5}, title="t"
    )
    assert one == score_histogram_figure({"a": scores.tolist()}, {"a": 0.5}, title="t")
    assert BINS >= 20


def test_the_page_keeps_the_drawing_and_names_are_escaped():
    name = "<script>alert(1)</script>\u202e"
    figure = score_histogram_figure({name: [0.1, 0.4]}, {name: 0.2}, title="t")
    page = inline_svg(figure.svg, prefix="h", label=figure.alt, themed=drawing.DARK)
    assert Page(page).faults == []
    assert "<script" not in figure.svg and "\u202e" not in figure.svg + figure.alt
    assert set(re.findall(r"#[0-9a-f]{6}\b", figure.svg)) <= set(drawing.DARK)


@pytest.mark.parametrize(
    ("scores", "thresholds", "message"),
    [
        ({}, {}, "1 to 7 different groups apart, found 0"),
        ({name: [0.1] for name in "abcdefgh"}, {}, "found 8"),
        ({"a": []}, {}, "group 'a': 0 of 0 are not finite; give at least one score"),
        ({"a": [0.1, float("nan")]}, {}, "group 'a': 1 of 2 are not finite"),
        ({"a": [0.1]}, {"b": 0.1}, r"threshold 0.1 of group 'b': groups with scores are \['a'\]"),
        ({"a": [0.1]}, {"a": float("inf")}, "threshold inf of group 'a'"),
    ],
)
def test_what_cannot_be_drawn_is_refused(scores, thresholds, message):
    with pytest.raises(ValueError, match=message):
        score_histogram_figure(scores, thresholds, title="t")
