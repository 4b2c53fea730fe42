from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from simlearn.report import confusion_figure, drawing
from simlearn.report.confusion_plan import (
    NO_NUMBERS,
    NUMBERED,
    NUMBERS,
    ON_DARK,
    STEPS,
    confusion_plan,
)
from simlearn.report.svg import inline_svg
from tests.report.report_parts import Page
from tests.report.test_drawing import contrast

TWO = np.array([[3, 1], [0, 4]])


def named(n: int) -> list[str]:
    return [f"id {i}" for i in range(n)]


def drawn(counts: np.ndarray, **more: int):
    return confusion_figure(counts, named(len(counts)), title="t", **more)


def words(svg: str | None) -> list[str]:
    root = ElementTree.fromstring(svg or "")
    return [e.text or "" for e in root.iter("{http://www.w3.org/2000/svg}text")]


def cells(svg: str | None, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Read the coloured cells back: step 1 to 9 or 0, and whether the colour is the right one's."""
    step, blue = np.zeros((classes, classes), int), np.zeros((classes, classes), bool)
    strength = NUMBERS if classes <= NUMBERED else NO_NUMBERS
    for path in ElementTree.fromstring(svg or "").iter("{http://www.w3.org/2000/svg}path"):
        look = re.fullmatch(r"stroke: (#\w+); stroke-opacity: (\S+)", path.get("style") or "")
        if look is None:
            continue
        x, y = 0, 0.0
        for kind, a, b in re.findall(r"([Mmh])(-?\d+)(?: (-?[\d.]+))?", path.get("d") or ""):
            if kind == "h":
                assert not step[int(y), x : x + int(a)].any(), "a cell is drawn twice"
                step[int(y), x : x + int(a)] = 1 + strength[look[1]].index(float(look[2]))
                blue[int(y), x : x + int(a)] = look[1] == drawing.BLUE
                x += int(a)
            else:
                x, y = (int(a), float(b)) if kind == "M" else (x + int(a), y + float(b))
    return step, blue


def steps_of(counts: np.ndarray) -> np.ndarray:
    """The step of each cell by counting the lower ends below it, in whole numbers."""
    rows = counts.sum(axis=1, keepdims=True)
    return sum((100 * counts > low * rows).astype(int) for low in STEPS)


def test_a_small_matrix_has_names_and_numbers():
    figure = drawn(TWO)
    texts = words(figure.svg)
    assert texts.count("id 0") == texts.count("id 1") == 2  # beside its row, below its column
    assert [t for t in texts if t.isdigit()] == ["0", "1", "3", "4"]  # by their colours
    assert {"true ↓", "predicted →", "right", "wrong", "100 %", "0 %"} <= set(texts)
    assert figure.name == "confusion"
    assert figure.alt == (
        "Confusion matrix of 2 classes. 7 of 8 items are right (87.5 %). "
        "Most often confused: id 0 → id 1: 1 (25.0 %)."
    )
    assert figure.caption == (
        "Rows: true class, columns: predicted class; 7 of 8 items are right (87.5 %). "
        "Numbers: items. Colour: share of the row."
    )


def test_numbers_stand_in_their_cells():
    counts = np.arange(9).reshape(3, 3) + 11
    root = ElementTree.fromstring(drawn(counts).svg or "")
    places = {
        e.text: (float(e.get("y") or 0), float(e.get("x") or 0))
        for e in root.iter("{http://www.w3.org/2000/svg}text")
        if (e.text or "").isdigit()
    }
    ys = sorted({y for y, _ in places.values()})
    xs = sorted({x for _, x in places.values()})
    found = {text: (ys.index(y), xs.index(x)) for text, (y, x) in places.items()}
    assert found == {str(counts[i, j]): (i, j) for i in range(3) for j in range(3)}


@settings(max_examples=40)
@given(
    st.integers(1, 24).flatmap(
        lambda n: arrays(np.int64, (n, n), elements=st.sampled_from([0, 0, 0, 1, 2, 7, 40, 1000]))
    )
)
def test_every_cell_has_the_step_of_its_share(counts):
    if counts.sum() == 0:
        counts[0, 0] = 1
    step, blue = cells(drawn(counts).svg, len(counts))
    assert (step == steps_of(counts)).all()
    assert (blue == ((step > 0) & np.eye(len(counts), dtype=bool))).all()


def test_above_twenty_classes_the_caption_lists_pairs_in_place_of_numbers():
    counts = np.diag(np.full(21, 10))
    counts[3, 5], counts[20, 0], counts[7, 6], counts[7, 8], counts[0, 1] = 9, 4, 4, 1, 1
    counts[20, 20] = 1
    figure = drawn(counts)
    assert not [t for t in words(figure.svg) if t.isdigit()]
    assert figure.caption.endswith(
        "Most often confused (true → predicted: items, share of the row): id 3 → id 5: 9 (47.4 %); "
        "id 20 → id 0: 4 (80.0 %); id 7 → id 6: 4 (26.7 %); id 0 → id 1: 1 (9.1 %); "
        "id 7 → id 8: 1 (6.7 %)."
    )
    assert "Most often confused: id 3 → id 5: 9 (47.4 %)." in figure.alt
    two = drawn(counts, most=2).caption
    assert "id 20 → id 0: 4 (80.0 %)." in two
    assert "id 7" not in two
    assert "Most often" not in drawn(counts, most=0).caption
    assert "Most often" not in drawn(counts[:20, :20]).caption
    assert drawn(np.ones((30, 30), int)).caption.count(" → id") == 10


def test_the_largest_matrices_stay_small():
    generator = np.random.default_rng(0)
    full = generator.integers(0, 1000, (500, 500)) * (generator.random((500, 500)) < 0.5)
    worst = np.zeros((500, 500), int)
    for row in worst:  # as many cells above 2 % as a row can have, none beside another
        row[generator.permutation(250)[:49] * 2] = 1
    few = np.diag(generator.integers(0, 20, 500)) + (generator.random((500, 500)) < 0.01)
    for counts in (full, worst, few):
        figure = drawn(counts)
        assert len((figure.svg or "").encode()) < 300_000
        step, _ = cells(figure.svg, 500)
        right = np.eye(500, dtype=bool)
        asked = steps_of(counts)
        assert (step[right] == asked[right]).all()
        left = re.search(r"Wrong cells of at most (\d+) % are left blank", figure.caption)
        floor = STEPS.index(int(left[1])) if left else 0
        assert (step[~right] == np.where(asked > floor, asked, 0)[~right]).all()
        assert floor == (1 if counts is full else 0)


@pytest.mark.parametrize(
    ("classes", "every"), [(1, 1), (20, 1), (58, 1), (59, 2), (80, 2), (400, 10), (500, 10)]
)
def test_names_stand_where_they_fit(classes, every):
    figure = drawn(np.eye(classes, dtype=int))
    texts = [t for t in words(figure.svg) if t.startswith("id")]
    assert texts == [f"id {i}" for i in range(0, classes, every)] * 2
    assert (f"One class in {every} is named." in figure.caption) == (every > 1)
    plan = confusion_plan(named(classes))
    assert plan.size >= 5.5
    assert every * plan.cell[1] >= min(plan.size + 1, 6.5)


def test_long_numbers_become_percent_of_the_row():
    counts = np.diag(np.full(20, 123456789)) + 1
    figure = drawn(counts)
    assert {t for t in words(figure.svg) if t.isdigit()} == {"100", "0"}
    assert "Numbers: percent of the row." in figure.caption
    assert "123\u2009456\u2009790" in words(drawn(counts[:2, :2]).svg)


def test_everything_stands_inside_the_picture():
    for classes in (1, 2, 12, 20, 21, 60):
        for name in ("x", "long name of a person " * 9):
            svg = confusion_figure(np.eye(classes, dtype=int), [name] * classes, title="t").svg
            root = ElementTree.fromstring(svg or "")
            _, _, width, height = map(float, (root.get("viewBox") or "").split())
            whole = next(g for g in root if g.tag.endswith("g"))
            left, top = map(float, re.findall(r"[\d.]+", whole.get("transform") or ""))
            with drawing.figure_style():
                plan = confusion_plan([name] * classes)
                assert plan.widest <= 112 + 1e-6
            assert left - 6 - plan.widest >= 0
            assert left + plan.map[0] + 28 + 2 * 27 + 30 <= width
            assert top + plan.map[1] < height
            if plan.turn == 90:
                assert top + plan.map[1] + 6 + plan.widest <= height


def test_hostile_names_are_escaped_and_cut():
    names = ["<script>alert(1)</script>", "\u202eevil\x00\uffff", "n" * 200, "مرحبا"]
    figure = confusion_figure(np.eye(4, dtype=int) + 1, names, title="t")
    svg = figure.svg or ""
    assert "<script" not in svg
    assert "&lt;script&gt;alert(1)" in svg
    assert "\\u202eevil\\u0000\\uffff" in svg
    assert "\u202e" not in svg + figure.alt + figure.caption
    assert "n" * 40 not in svg + figure.alt
    assert "n…" in svg
    assert "مرحبا" in svg
    page = Page(inline_svg(svg, prefix="c", label=figure.alt, themed=drawing.DARK))
    assert page.faults == []
    assert "script" not in {tag for tag, _ in page.elements}


def test_the_page_keeps_the_drawing_and_turns_its_colours():
    svg = drawn(TWO).svg or ""
    page = inline_svg(svg, prefix="c", label="x", themed=drawing.DARK)
    for tag in ("path", "rect", "text", "g"):
        assert page.count(f"<{tag} ") == svg.count(f"<{tag} ") > 0
    for colour in (drawing.BLUE, drawing.ORANGE, drawing.INK, drawing.PAPER, drawing.MUTED):
        assert f"var(--c-{colour[1:]},{colour})" in page
    assert set(re.findall(r"#[0-9a-f]{6}", svg)) <= set(drawing.DARK)
    assert page.count("stroke-opacity: ") == svg.count("stroke-opacity: ") > 0


def mixed(colour: str, strength: float, paper: str) -> str:
    parts = [(int(colour[i : i + 2], 16), int(paper[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(strength * c + (1 - strength) * p):02x}" for c, p in parts)


@pytest.mark.parametrize("colour", [drawing.BLUE, drawing.ORANGE])
def test_numbers_are_readable_on_every_step_on_light_and_on_dark(colour):
    dark = drawing.DARK
    for step, strength in enumerate(NUMBERS[colour], start=1):
        word = drawing.PAPER if step >= ON_DARK else drawing.INK
        assert contrast(word, mixed(colour, strength, drawing.PAPER)) >= 4.5
        assert contrast(dark[word], mixed(dark[colour], strength, dark[drawing.PAPER])) >= 4.5


def test_steps_grow_stronger():
    for strength in (*NUMBERS.values(), *NO_NUMBERS.values()):
        assert len(strength) == len(STEPS)
        assert list(strength) == sorted(set(strength))


def test_nothing_confused_one_class_and_empty_rows():
    figure = drawn(np.array([[2, 0], [0, 0]]))
    assert figure.alt.endswith("2 of 2 items are right (100.0 %). No class is taken for another.")
    assert figure.caption.endswith("Rows of classes without items are blank: 1.")
    assert [t for t in words(drawn(np.array([[5]])).svg) if t.isdigit()] == ["5"]
    assert "0 of 3 items are right (0.0 %)" in drawn(np.array([[0, 3], [0, 0]])).alt


def test_tensors_other_whole_numbers_and_repeats_give_the_same_figure():
    before = TWO.copy()
    figure = drawn(TWO)
    assert figure == drawn(TWO)
    assert figure == drawn(TWO.astype(np.uint8))
    assert figure == confusion_figure(torch.tensor(TWO), named(2), title="t")
    assert figure == confusion_figure(TWO.tolist(), named(2), title="t")
    assert (before == TWO).all()


@pytest.mark.parametrize(
    ("counts", "names", "message"),
    [
        (np.zeros((2, 3), int), 2, r"\(C,C\) with C >= 1, found shape \(2, 3\)"),
        (np.zeros((0, 0), int), 0, r"found shape \(0, 0\)"),
        (np.zeros(4, int), 4, r"found shape \(4,\)"),
        (np.array([[0.5, 0.5], [0, 1]]), 2, "whole numbers, found float64; give counts"),
        (np.eye(2, dtype=bool), 2, "found bool"),
        (np.array([[1, 0], [-2, 1]]), 2, "count -2 in row 1, column 0 is negative"),
        (TWO, 3, "3 names for 2 classes"),
        (np.zeros((2, 2), int), 2, "all counts are 0"),
    ],
)
def test_what_is_no_confusion_matrix_is_refused(counts, names, message):
    with pytest.raises(ValueError, match=message):
        confusion_figure(counts, named(names), title="t")


@pytest.mark.parametrize("most", [-1, 11])
def test_so_many_pairs_are_refused(most):
    with pytest.raises(ValueError, match=f"most={most} pairs, must be 0 to 10"):
        drawn(TWO, most=most)
