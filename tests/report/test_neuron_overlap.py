from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pytest
import torch

from simlearn.report import drawing
from simlearn.report.heat_map import STRENGTH
from simlearn.report.neuron_overlap import THIRDS, neuron_overlap_figure
from simlearn.report.svg import inline_svg
from tests.report.report_parts import Page
from tests.report.test_confusion import words
from tests.report.test_panels import places

COUNTS = np.array([[10, 2, 1], [2, 20, 5], [1, 5, 40]])
NAMES = ["text", "image", "audio"]


def jaccard_of(counts):
    sizes = np.diag(counts)
    return counts / (sizes[:, None] + sizes - counts)


JACCARD = jaccard_of(COUNTS)


def drawn(counts=COUNTS, jaccard=JACCARD, names=NAMES, **more):
    return neuron_overlap_figure(counts, jaccard, names, title="t", **more)


def test_counts_and_percent_stand_in_their_cells():
    svg = drawn().svg
    found = places(svg)
    heads = {t: x for t, x, y in found if t in NAMES and y < 25}
    sides = {t: y for t, x, y in found if t in NAMES and y > 25}
    assert set(heads) == set(sides) == set(NAMES)
    for i, row in enumerate(NAMES):
        for k, column in enumerate(NAMES):
            here = [
                t
                for t, x, y in found
                if t not in NAMES and abs(y - sides[row]) < 15 and abs(x - heads[column]) < 30
            ]
            percent = [] if i == k else [f"{100 * JACCARD[i, k]:.1f} %"]
            assert here == [str(COUNTS[i, k]), *percent]


def cells(svg):
    """How many cells have each strength; the grey ones have 0."""
    found = {}
    look = rf"fill: ({drawing.BLUE}|{drawing.GRID})(?:; opacity: ([\d.]+))?"
    for path, colour, strength in re.findall(rf'<path d="([^"]+)"[^>]*style="{look}"', svg):
        key = 0 if colour == drawing.GRID else float(strength or 1)
        found[key] = found.get(key, 0) + path.count("M ")
    return found


def test_the_strength_of_a_cell_is_that_of_its_tenth():
    table = np.array([[1.0, 0.0, 0.35], [0.0, 1.0, 1.0], [0.35, 1.0, np.nan]])
    wanted = {STRENGTH[0]: 2, STRENGTH[3]: 2, STRENGTH[9]: 2, 0: 3}  # grey: the diagonal
    assert cells(drawn(jaccard=table).svg) == wanted
    assert cells(drawn(jaccard=table, thirds=[table] * 3).svg) == {
        k: 4 * v for k, v in wanted.items()
    }


def test_nan_is_a_dash_on_pale_grey():
    table = JACCARD.copy()
    table[0, 1] = table[1, 0] = np.nan
    svg = drawn(jaccard=table).svg
    assert words(svg).count("-") == 2
    assert cells(svg)[0] == 5


def test_thirds_stand_side_by_side_with_rounded_percent():
    thirds = np.stack([np.full((3, 3), v) for v in (0.114, 0.225, 0.336)])
    figure = drawn(thirds=thirds)
    found = places(figure.svg)
    titles = [(x, y) for name in THIRDS for t, x, y in found if t == name]
    assert len(titles) == 3 and len({y for _, y in titles}) == 1
    starts = [x for x, _ in titles]
    assert starts == sorted(starts)
    for start, end, number in zip(starts, [*starts[1:], 1e9], ("11", "22", "34"), strict=True):
        own = [t for t, x, y in found if start <= x < end and y > titles[0][1] + 25]
        assert [t for t in own if t not in NAMES] == [number] * 6
    assert "thirds" in figure.caption and "thirds" not in drawn().caption
    assert not set(THIRDS) & set(words(drawn().svg))


def test_words_tell_sizes_and_the_largest_overlaps():
    assert drawn().alt == (
        "Overlap of neurons. Sizes of the groups: text 10, image 20, audio 40. Largest overlaps: "
        "image and audio 5 (9.1 %), text and image 2 (7.1 %), text and audio 1 (2.0 %)."
    )
    alone = neuron_overlap_figure([[5]], [[1.0]], ["image"], title="t")
    assert alone.alt == "Overlap of neurons. Sizes of the groups: image 5."
    eight = np.full((8, 8), 0.5)
    assert drawn(np.ones((8, 8)), eight, [*"abcdefgh"]).alt.count(" and ") == 6


@pytest.mark.parametrize(("count", "long"), [(1, True), (2, False), (6, False), (8, True)])
def test_everything_stands_inside_and_titles_apart(count, long):
    names = [("many words and more of them, " * 4 if long else "") + f"g{i}" for i in range(count)]
    counts = np.full((count, count), 123_456)
    table = np.full((count, count), 0.5)
    svg = drawn(counts, table, names, thirds=np.stack([table] * 3)).svg
    width, height = map(float, re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg).groups())
    for path in re.findall(
        rf'<path d="([^"]+)"[^>]*style="fill: (?:{drawing.BLUE}|{drawing.GRID})', svg
    ):
        numbers = [float(v) for v in re.findall(r"-?[\d.]+", path)]
        assert min(numbers[0::2]) >= 0 and max(numbers[0::2]) <= width
        assert min(numbers[1::2]) >= 0 and max(numbers[1::2]) <= height
    with drawing.figure_style():
        ends = [(x, x + drawing.text_width([t], 8)) for t, x, y in places(svg) if t in THIRDS]
        slant = (
            max(drawing.text_width([t], 7.5) * 0.71 + x for t, x, _ in places(svg) if "\u2026" in t)
            if long
            else 0
        )
    ends.sort()
    assert all(end < start for (_, end), (start, _) in pairwise(ends))
    assert ends[-1][1] < width and slant < width


def test_lists_and_tensors_and_repeats_give_the_same_figure():
    assert drawn() == drawn(torch.tensor(COUNTS), torch.tensor(JACCARD))
    assert drawn() == drawn(COUNTS.tolist(), JACCARD.tolist())


def test_the_page_keeps_the_drawing_and_names_are_escaped():
    figure = drawn(names=["<script>alert(1)</script>", "\u202eevil", "$x_1$"], thirds=[JACCARD] * 3)
    page = inline_svg(figure.svg, prefix="o", label=figure.alt, themed=drawing.DARK)
    assert Page(page).faults == []
    assert "<script" not in figure.svg and "\u202e" not in figure.svg + figure.alt
    assert set(re.findall(r"#[0-9a-f]{6}\b", figure.svg)) <= set(drawing.DARK)
    assert words(figure.svg).count("$x_1$") >= 2


@pytest.mark.parametrize(
    ("counts", "jaccard", "thirds", "names", "message"),
    [
        (COUNTS[:2], JACCARD, None, NAMES, r"counts must be \(3, 3\).*found shape \(2, 3\)"),
        (COUNTS, JACCARD[:2], None, NAMES, r"jaccard must be \(3, 3\)"),
        (COUNTS, JACCARD, [JACCARD] * 2, NAMES, r"thirds must be \(3, 3, 3\).*found shape \(2"),
        (np.zeros((0, 0)), np.zeros((0, 0)), None, [], "1 to 8 names"),
        (np.ones((9, 9)), np.ones((9, 9)), None, [*"abcdefghi"], "1 to 8 names"),
        (COUNTS, 100 * JACCARD, None, NAMES, r"jaccard, place \(0, 0\): 100 is not a share in"),
        (-COUNTS, JACCARD, None, NAMES, r"counts, place \(0, 0\): -10 is not a number of neurons"),
        (COUNTS + 0.5, JACCARD, None, NAMES, "counts are whole numbers"),
        (COUNTS * np.nan, JACCARD, None, NAMES, "counts are whole numbers"),
    ],
)
def test_what_is_no_overlap_is_refused(counts, jaccard, thirds, names, message):
    with pytest.raises(ValueError, match=message):
        drawn(counts, jaccard, names, thirds=thirds)
