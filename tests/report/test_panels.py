from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from simlearn.report import drawing, panels
from tests.report.test_confusion import words


def places(svg):
    """(text, x, y) of every text."""
    found = []
    for e in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text"):
        at = re.search(r"translate\(([\d.-]+) ([\d.-]+)\)", e.get("transform") or "")
        x, y = (at[1], at[2]) if at else (e.get("x"), e.get("y"))
        found.append((e.text or "", float(x), float(y)))
    return found


def entries(labels):
    return [Line2D([], [], color=drawing.BLUE, label=label) for label in labels]


def test_modalities_have_the_same_look_in_every_company():
    alone = {name: panels.group_looks([name])[name] for name in panels.COLOURS}
    together = panels.group_looks(list(reversed(panels.COLOURS)))
    assert together == alone
    assert len({look.colour for look in alone.values()}) == 6
    assert len({look.marker for look in alone.values()}) == 6


@pytest.mark.parametrize(
    "names",
    [["union", "text"], ["union", *panels.COLOURS], [*"abcdefg"], ["all", "special", "generated"]],
)
def test_other_names_take_looks_that_no_other_has(names):
    looks = panels.group_looks(names)
    assert list(looks) == names
    assert len(set(looks.values())) == len({x.colour for x in looks.values()}) == len(names)
    assert {look.colour for look in looks.values()} <= set(drawing.DARK)


def test_a_union_alone_does_not_look_like_a_modality_of_the_usual_ones():
    usual = {panels.COLOURS[name] for name in ("text", "image", "audio", "video")}
    assert panels.group_looks(["union"])["union"].colour not in usual


@pytest.mark.parametrize("names", [[], [*"abcdefgh"], ["a", "b", "a"]])
def test_looks_are_refused_where_they_would_not_tell_groups_apart(names):
    with pytest.raises(ValueError, match=rf"1 to 7 different groups apart, found {len(names)}"):
        panels.group_looks(names)


@pytest.mark.parametrize(
    "text", ["short", "a much longer line of words", "w" * 200, "i", "李" * 90]
)
def test_words_are_cut_as_little_as_needed(text):
    most = 60.0
    with drawing.figure_style():
        line = panels.fitted(text, most, 8.0)
        assert drawing.text_width([line], 8.0) <= most
        if drawing.text_width([text], 8.0) <= most:
            assert line == text
        else:
            assert line.endswith("\u2026") and text.startswith(line[:-1].rstrip())
            longer = text[: len(line)] + "\u2026"
            assert drawing.text_width([longer], 8.0) > most


def test_percent():
    assert [panels.percent(v) for v in (0.1234, 1, 0, float("nan"))] == [
        *("12.3 %", "100.0 %", "0.0 %", "-"),
    ]
    assert panels.percent(0.126, 0) == "13 %"


@pytest.mark.parametrize("count", range(1, 8))
def test_panels_are_equal_apart_and_inside_the_figure(count):
    with drawing.figure_style():
        figure, axes = panels.panel_axes(count, entries(["one", "two"]), tall=100, right=30)
    width, height = (72 * side for side in figure.get_size_inches())
    boxes = [a.get_position() for a in axes]
    assert len(boxes) == count
    for box in boxes:
        assert box.width * width == pytest.approx(panels.inner_width(count, 30))
        assert box.height * height == pytest.approx(100)
        assert box.x0 >= 0 and box.x1 * width <= width - 30 + 1e-6
        assert box.y0 * height >= panels.BELOW - 1e-6
    places = [(round(-b.y0 * height), round(b.x0 * width)) for b in boxes]
    assert places == sorted(places) and len(set(places)) == count
    assert len({x for _, x in places}) == min(count, 2)


def legend_places(labels):
    with drawing.figure_style():
        figure, (axes,) = panels.panel_axes(1, entries(labels), tall=100)
        axes.set_axis_off()
        svg = drawing.svg_text(figure)
    found = {text: (y, x) for text, x, y in places(svg)}
    top = 72 * figure.get_figheight() * (1 - axes.get_position().y1)
    return found, top


@pytest.mark.parametrize("count", [1, 2, 5, 8, 9])
def test_the_legend_reads_row_by_row_in_full_rows_and_ends_above_the_panels(count):
    labels = [f"{'a long group ' * (i % 3)}number {i}" for i in range(count)]
    found, top = legend_places(labels)
    assert set(found) == set(labels)
    order = sorted(found, key=lambda text: (round(found[text][0]), found[text][1]))
    assert order == labels
    rows = sorted({round(y) for y, _ in found.values()})
    sizes = [sum(round(y) == row for y, _ in found.values()) for row in rows]
    assert all(size == sizes[0] for size in sizes[:-1]) and sizes[-1] <= sizes[0]
    assert rows[-1] < top - panels.ABOVE
    with drawing.figure_style():
        ends = [x + drawing.text_width([text], panels.SMALL) for text, (_, x) in found.items()]
    assert max(ends) <= panels.WIDTH


@pytest.mark.parametrize(
    ("values", "share"),
    [
        *(([0.2, 0.5], True), ([1.0], True), ([0.0], True), ([], False), ([-3.0, -1.0], False)),
        *(([5.0, float("nan")], False), ([1e-7], False), ([2e6], False)),
    ],
)
def test_value_axes_hold_zero_and_everything(values, share):
    with drawing.figure_style():
        axes = Figure().add_axes((0, 0, 1, 1))
        panels.value_axis(axes, values, share=share)
    low, high = axes.get_ylim()
    known = [v * (100 if share else 1) for v in values if v == v]
    assert low <= min([0.0, *known]) and high > max([0.0, *known])
    assert (low == 0) == (min([0.0, *known]) == 0)
    assert not share or high <= 103
    label = axes.yaxis.get_major_formatter()(20.0, 0)
    assert label == ("20 %" if share else "20")


@pytest.mark.parametrize("count", [1, 9, 20, 21, 80, 1000])
def test_layers_have_few_ticks_and_all_have_room(count):
    with drawing.figure_style():
        axes = Figure().add_axes((0, 0, 1, 1))
        panels.layer_axis(axes, count)
    ticks = axes.get_xticks().tolist()
    assert ticks[0] == 0 and ticks[-1] <= count - 1 and len(ticks) <= 20
    assert len(ticks) == count or count > 20
    low, high = axes.get_xlim()
    assert low <= -0.6 and high >= count - 0.4 and low + high == pytest.approx(count - 1)
    assert high - low >= 10 - 1e-9


def test_boxes_are_one_path_and_nothing_for_none():
    with drawing.figure_style():
        axes = Figure().add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        panels.fill_boxes(axes, [], drawing.BLUE)
        assert not axes.patches
        panels.fill_boxes(axes, [(0, 0, 0.5, 1), (0.5, 0, 0.5, 0.5)], drawing.BLUE, alpha=0.5)
        svg = drawing.svg_text(axes.figure)
    (path,) = re.findall(rf'<path d="([^"]+)"[^>]*style="fill: {drawing.BLUE}; opacity: 0.5', svg)
    assert path.count("M ") == 2
    assert words(svg) == []
