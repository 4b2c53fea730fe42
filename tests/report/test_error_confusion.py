from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from simlearn.analysis.errorradar.taxonomy import CATEGORIES, NAMES
from simlearn.report import drawing
from simlearn.report.confusion_plan import STEPS
from simlearn.report.error_confusion import error_confusion_figure
from simlearn.report.error_map import CELL, COLOURS, COLUMNS, STRENGTH
from simlearn.report.svg import inline_svg
from tests.report.report_parts import Page
from tests.report.test_confusion import words
from tests.report.text_spans import text_spans, touching

TABLE = np.array(
    [
        [201, 12, 130, 20, 22, 10],
        [14, 700, 150, 9, 20, 19],
        [60, 190, 610, 44, 30, 16],
        [0, 0, 0, 0, 0, 0],
        [9, 3, 80, 1, 29, 1],
    ]
)


def corner(svg):
    """Left and top of the map, from the places of the words beside its first row."""
    at = {span.text: span for span in text_spans(svg)}
    return at["true \u2193"].right + 8, at["true \u2193"].y + 18


def cells(svg):
    """Step 1 to 9 of every cell, 0 for none, and its colour."""
    left, top = corner(svg)
    step, colour = np.zeros((5, 6), int), np.full((5, 6), "", dtype=object)
    path = r'<path d="([^"]+)"[^>]*style="fill: (#\w{6})(?:; opacity: ([\d.]+))?"'
    for shape, fill, opacity in re.findall(path, svg):
        if fill not in STRENGTH:
            continue
        for part in shape.split("M ")[1:]:
            numbers = [float(v) for v in re.findall(r"-?[\d.]+", part)]
            x, y = np.mean(numbers[0:8:2]), np.mean(numbers[1:8:2])
            j, i = int((x - left) // CELL[0]), int((y - top) // CELL[1])
            if 0 <= i < 5 and 0 <= j < 6:
                assert not step[i, j], "a cell is drawn twice"
                step[i, j] = 1 + STRENGTH[fill].index(float(opacity or 1))
                colour[i, j] = fill
    return step, colour


def test_every_cell_has_its_count_and_its_percent_and_every_row_its_name_and_number():
    figure = error_confusion_figure(TABLE, title="T")
    spans = text_spans(figure.svg)
    left, top = corner(figure.svg)
    found = {}
    for text, a, b, y in spans:
        place = int((y - top) // CELL[1]), int(((a + b) / 2 - left) // CELL[0])
        found.setdefault(place, []).append(text)
    for i in range(5):
        total = sum(TABLE[i].tolist())
        for j in range(6):
            if total:
                share = f"{100 * TABLE[i, j] / total:.1f} %"
                expected = [str(TABLE[i, j]), share] if TABLE[i, j] else ["0"]
                assert found[i, j] == expected
            else:
                assert (i, j) not in found
        beside = {t for (row, column), texts in found.items() if row == i and column < 0
                  for t in texts}  # fmt: skip
        assert beside == {CATEGORIES[i], NAMES[CATEGORIES[i]], f"n = {total}"}
    heads = [text for text, a, b, y in spans if top - 12 < y < top and left < a < left + 340]
    assert heads == list(COLUMNS)
    assert (figure.name, figure.title) == ("error_confusion", "T")


@settings(max_examples=12, deadline=None)
@given(arrays(np.int64, (5, 6), elements=st.sampled_from([0, 0, 1, 2, 7, 40, 1000])))
def test_every_cell_has_the_colour_and_step_of_its_share(table):
    if not table.any():
        table[2, 5] = 1
    step, colour = cells(error_confusion_figure(table, title="t").svg)
    rows = table.sum(axis=1, keepdims=True)
    assert (step == sum((100 * table > low * rows).astype(int) for low in STEPS)).all()
    for i, j in np.argwhere(step > 0).tolist():
        kind = "right" if i == j else "unparsed" if j == 5 else "wrong"
        assert colour[i, j] == COLOURS[kind]


def test_words_hold_all_counts():
    figure = error_confusion_figure(TABLE, title="t", name="other")
    assert figure.name == "other"
    right, total = sum(TABLE[i, i] for i in range(5)), TABLE.sum()
    head = f"1\u2009{right - 1000} of 2\u2009{total - 2000} kinds of errors are right (64.7 %)"
    assert head in figure.alt and head in figure.caption
    assert "46 replies name none" in figure.alt
    for i, code in enumerate(CATEGORIES):
        if not TABLE[i].any():
            assert f"{code} ({NAMES[code]}): none" in figure.alt
            continue
        told = re.search(rf"{code} \({NAMES[code]}, n = (\d+)\): ([^;]+)", figure.alt)
        assert int(told[1]) == TABLE[i].sum()
        counts = dict(re.findall(r"(\w+) (\d+) \(", told[2]))
        assert {k: int(v) for k, v in counts.items()} == dict(
            zip(COLUMNS, TABLE[i].tolist(), strict=True)
        )
    assert "without a problem are blank: 1." in figure.caption
    assert "blank" not in error_confusion_figure(np.eye(5, 6, dtype=int), title="t").caption


@pytest.mark.parametrize("count", [1, 999, 10**12])
def test_everything_stands_inside_and_apart(count):
    svg = error_confusion_figure(np.full((5, 6), count), title="t").svg
    root = ElementTree.fromstring(svg)
    width, height = (float(v) for v in root.get("viewBox").split()[2:])
    spans = text_spans(svg)
    for text, left, right, y in spans:
        assert left >= 0 and right <= width and 0 < y <= height, text
    assert touching(spans, 4.0) == []
    assert max(b - a for t, a, b, _ in spans if t.replace("\u2009", "") == str(count)) < CELL[0] - 2
    assert len(svg) < 60_000


def test_tensors_lists_other_whole_numbers_and_repeats_give_the_same_figure():
    before = TABLE.copy()
    figure = error_confusion_figure(TABLE, title="t")
    for same in (TABLE, TABLE.tolist(), torch.tensor(TABLE), TABLE.astype(np.uint16)):
        assert error_confusion_figure(same, title="t") == figure
    assert (before == TABLE).all()


def test_the_page_keeps_the_drawing_and_turns_its_colours():
    figure = error_confusion_figure(TABLE, title="t")
    page = inline_svg(figure.svg, prefix="c", label=figure.alt, themed=drawing.DARK)
    assert Page(page).faults == []
    assert {t for t in words(page.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))}
    assert set(re.findall(r"#[0-9a-f]{6}\b", figure.svg)) <= set(drawing.DARK)
    for tag in ("path", "text"):
        assert page.count(f"<{tag} ") == figure.svg.count(f"<{tag} ") > 0


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        (np.zeros((5, 5), int), r"counts must be \(5, 6\), rows VIS, .* found shape \(5, 5\)"),
        ([], r"found shape \(0,\)"),
        (np.ones((5, 6)), "whole numbers up to 1e.12, found float64; give counts, not shares"),
        (np.ones((5, 6), bool), "found bool"),
        ([[10**30] * 6] * 5, "whole numbers up to 1e.12, found object"),
        (TABLE - 1, "count -1 in row KNOW, column VIS is not in 0 to 1e"),
        (TABLE * 10**11, "in row VIS, column VIS is not in 0 to"),
        (np.full((5, 6), 2**63, np.uint64), "9223372036854775808 in row VIS"),
        (np.zeros((5, 6), int), "all counts are 0; leave the figure out"),
    ],
)
def test_what_is_no_confusion_is_refused(counts, message):
    with pytest.raises(ValueError, match=message):
        error_confusion_figure(counts, title="t")
