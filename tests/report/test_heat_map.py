from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest
import torch

from simlearn.report import drawing
from simlearn.report.heat_map import ON_DARK, STRENGTH, accuracy_matrix_figure, step
from simlearn.report.svg import inline_svg
from tests.report.report_parts import Page
from tests.report.test_confusion import mixed, words
from tests.report.test_drawing import contrast

NAN = float("nan")
TWO = np.array([[0.975, NAN], [0.5, 0.1234]])


def drawn(table):
    return accuracy_matrix_figure(table, [f"task {i}" for i in range(len(table))], title="t")


def triangle(count):
    rng = np.random.default_rng(count)
    return np.where(np.tri(count, dtype=bool), rng.random((count, count)), NAN)


def numbers(svg):
    """(row, column) places of the cells' numbers by their coordinates, top left first."""
    found = []
    for e in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text"):
        if re.fullmatch(r"\d+\.\d", e.text or ""):
            at = re.search(r"translate\(([\d.]+) ([\d.]+)\)", e.get("transform") or "")
            place = (at[1], at[2]) if at else (e.get("x"), e.get("y"))
            found.append((float(place[1]), float(place[0]), e.text))
    return found


def cells(svg):
    """How many cells have each strength, the ten of the colour bar too."""
    found = {}
    for path in re.findall(r'<path d="([^"]+)"[^>]*style="([^"]+)"', svg):
        look = re.fullmatch(rf"fill: {drawing.BLUE}(?:; opacity: ([\d.]+))?", path[1])
        if look:
            strength = float(look[1] or 1)
            found[strength] = found.get(strength, 0) + path[0].count("M ")
    return found


def test_a_small_matrix_has_names_numbers_and_words():
    figure = drawn(TWO)
    texts = words(figure.svg)
    assert {"1: task 0", "2: task 1", "1", "2", "97.5", "50.0", "12.3", "100 %"} <= set(texts)
    assert {"after experience \u2193", "on the classes of experience \u2192"} <= set(texts)
    assert figure.name == "accuracy_matrix"
    assert figure.alt == (
        "Accuracy matrix of 2 experiences. task 0 97.5 % when learnt, 50.0 % after the last; "
        "task 1 12.3 % when learnt, 12.3 % after the last."
    )
    assert figure.caption.startswith("Row t: after experience t; column k: accuracy in percent")


@pytest.mark.parametrize("count", [1, 3, 9])
def test_numbers_stand_in_their_cells_and_nothing_where_nothing_is(count):
    table = triangle(count)
    found = numbers(drawn(table).svg)
    rows, columns = (sorted({round(f[i]) for f in found}) for i in (0, 1))
    assert len(rows) == count
    # centred texts of one width stand in columns; a column's texts differ by less than half a cell
    left = min(columns)
    width = min(62.0, 400 / count)
    placed = {(rows.index(round(y)), round((x - left) / width)): text for y, x, text in found}
    assert placed == {
        (t, k): f"{100 * table[t, k]:.1f}" for t in range(count) for k in range(t + 1)
    }


def test_the_strength_of_a_cell_is_that_of_its_tenth():
    table = triangle(10)
    table[9, :6] = [0, 0.1, 0.3, 0.7, 0.8, 1]
    wanted = dict.fromkeys(STRENGTH, 1)
    for t in range(10):
        for k in range(t + 1):
            wanted[STRENGTH[min(9, int(table[t, k] * 10 + 1e-9))]] += 1
    assert cells(drawn(table).svg) == wanted
    assert [step(i / 10) for i in range(11)] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9]
    assert [step(v) for v in (0.0999, 0.95, 1.0)] == [0, 9, 9]


def test_strengths_grow_and_numbers_are_readable_on_light_and_on_dark():
    assert list(STRENGTH) == sorted(set(STRENGTH)) and len(STRENGTH) == 10
    dark = drawing.DARK
    for level, strength in enumerate(STRENGTH):
        word = drawing.PAPER if level >= ON_DARK else drawing.INK
        assert contrast(word, mixed(drawing.BLUE, strength, drawing.PAPER)) >= 4.5
        cell = mixed(dark[drawing.BLUE], strength, dark[drawing.PAPER])
        assert contrast(dark[word], cell) >= 4.5


@pytest.mark.parametrize("count", [1, 11, 30, 60])
def test_everything_stands_inside_the_picture_at_every_size(count):
    long = "many classes, each with a long name, " * 3
    svg = accuracy_matrix_figure(triangle(count), [long] * count, title="t").svg
    assert len(svg) < 400_000
    x = [float(v) for v in re.findall(r"M (-?[\d.]+) ", svg)]
    _, _, width, height = map(float, re.search(r'viewBox="([^"]+)"', svg)[1].split())
    assert min(x) >= 0 and max(x) <= width - 25  # room for "100 %" beside the bar
    assert height < 700
    texts = words(svg)
    cut = [t for t in texts if t.endswith("\u2026")]
    assert len(cut) == count
    size = 7.5 if count <= 30 else max(5.0, 400 / count - 2)
    with drawing.figure_style():
        widest = drawing.text_width(cut, size)
    assert 130 < widest < 156
    shown = [t for t in texts if re.fullmatch(r"\d+(\.\d)?", t)]
    every = 1 if count <= 11 else 2
    cells = count * (count + 1) // 2 if count <= 30 else 0
    assert len(shown) == count // every + cells
    assert [int(t) for t in shown[cells:]] == list(range(every, count + 1, every))


def test_lists_and_tensors_and_repeats_give_the_same_figure():
    before = TWO.copy()
    assert drawn(TWO) == drawn(TWO) == drawn(torch.tensor(TWO))
    assert drawn([[0.975, None], [0.5, 0.1234]]) == drawn(TWO)
    assert np.array_equal(before, TWO, equal_nan=True)


def test_many_experiences_are_told_in_few_words():
    alt = drawn(triangle(7)).alt
    assert alt.count("when learnt") == 2 and "task 0" in alt and "task 6" in alt
    assert drawn([[0.5]]).alt.startswith("Accuracy matrix of 1 experience. task 0 50.0 %")
    assert drawn([[NAN]]).alt.endswith("task 0 - when learnt, - after the last.")


def test_the_page_keeps_the_drawing_turns_its_colours_and_escapes_names():
    names = ["<script>alert(1)</script>", "\u202eevil"]
    figure = accuracy_matrix_figure(TWO, names, title="t")
    page = inline_svg(figure.svg, prefix="m", label=figure.alt, themed=drawing.DARK)
    assert Page(page).faults == []
    assert "<script" not in figure.svg and "\u202e" not in figure.svg + figure.alt
    assert f"var(--c-{drawing.BLUE[1:]},{drawing.BLUE})" in page
    assert page.count("opacity: ") == figure.svg.count("opacity: ") > 0
    assert set(re.findall(r"#[0-9a-f]{6}\b", figure.svg)) <= set(drawing.DARK)


@pytest.mark.parametrize(
    ("table", "names", "message"),
    [
        (np.zeros((2, 3)), 2, r"must be \(T, T\) with T >= 1, found shape \(2, 3\)"),
        (np.zeros((0, 0)), 0, r"found shape \(0, 0\)"),
        (TWO, 3, "3 names for 2 experiences; give one each"),
        (100 * TWO, 2, r"97.5 in row 0, column 0 is no share in \[0, 1\]; give shares, not perc"),
        (np.array([[0.5, NAN], [-0.1, 0.5]]), 2, "-0.1 in row 1, column 0"),
    ],
)
def test_what_is_no_accuracy_matrix_is_refused(table, names, message):
    with pytest.raises(ValueError, match=message):
        accuracy_matrix_figure(table, ["x"] * names, title="t")
