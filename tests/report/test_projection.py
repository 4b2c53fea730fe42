from __future__ import annotations

import math
import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from simlearn.data.randomness import torch_generator
from simlearn.report import drawing
from simlearn.report.projection import explained_share, project_2d, projection_figure
from simlearn.report.projection_svg import look
from simlearn.report.svg import inline_svg
from tests.report.report_parts import Page
from tests.report.test_confusion import words

NAMES = [f"class {i}" for i in range(30)]


def normal(n, d, seed=0):
    return torch.randn(n, d, generator=torch_generator(seed, "projection test"))


def panel(n, classes, title="p", hollow=0.3, seed=0):
    g = torch_generator(seed, "panel", n)
    y = torch.arange(n) % classes
    return title, normal(n, 2, seed) + y[:, None], y, torch.rand(n, generator=g) < hollow


def moves(svg):
    """How many points are drawn, by (fill, stroke) of their path."""
    found: dict[tuple[str, str], int] = {}
    for path in re.findall(r"<path [^>]*>", svg):
        style = re.search(r'style="fill: (\S+?)(?:;|")(?: stroke: (#\w+))?', path)
        count = re.search(r' d="([^"]*)"', path)[1].count("M")
        key = (style[1], style[2] or "")
        found[key] = found.get(key, 0) + count
    return found


@pytest.mark.parametrize(("n", "d"), [(50, 6), (5, 20), (40, 2)])
def test_equals_the_principal_axes_of_scikit_learn(n, d):
    z = normal(n, d) * torch.linspace(1, 3, d)
    pca = PCA(2, svd_solver="full").fit(z.double().numpy())
    wanted = torch.from_numpy(pca.transform(z.double().numpy()))
    found = project_2d(z)
    signs = (found * wanted).sum(dim=0).sign()
    torch.testing.assert_close(found, wanted * signs)
    assert explained_share(z, found) == pytest.approx(pca.explained_variance_ratio_.sum())
    axes = pca.components_ * signs.numpy()[:, None]
    assert all(axis[np.abs(axis).argmax()] > 0 for axis in axes)


@given(st.integers(0, 1000), st.floats(-5, 5))
def test_places_do_not_depend_on_the_origin_or_the_order(seed, shift):
    z = normal(12, 4, seed).double() * torch.tensor([4.0, 2.0, 1.0, 0.5])
    torch.testing.assert_close(project_2d(z + shift), project_2d(z), atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(project_2d(z.flip(0)).flip(0), project_2d(z), atol=1e-6, rtol=1e-6)


def test_points_of_one_dimension_one_place_or_none():
    line = torch.tensor([[1.0], [3.0]])
    assert project_2d(line).tolist() == [[-1, 0], [1, 0]]
    assert explained_share(line, project_2d(line)) == 1.0
    same = torch.ones(3, 4)
    assert not project_2d(same).any()
    assert math.isnan(explained_share(same, project_2d(same)))
    assert project_2d(torch.zeros(0, 4)).shape == (0, 2)
    assert math.isnan(explained_share(torch.zeros(0, 4), torch.zeros(0, 2)))
    with pytest.raises(ValueError, match=r"points must be \(N, d\) with d >= 1, found \(3,\)"):
        project_2d(torch.zeros(3))
    with pytest.raises(ValueError, match="not finite: the training has diverged"):
        project_2d(line / 0)


def test_every_point_is_drawn_in_its_kind():
    _, points, y, hollow = panel(60, 3)
    figure = projection_figure([("p", points, y, hollow)], NAMES, title="t", seed=0)
    found = moves(figure.svg)
    for label in range(3):
        colour = drawing.SERIES[label]
        own = y == label
        assert found[(colour, "")] == int((own & ~hollow).sum()) + 1  # one in the legend
        assert found[("none", colour)] == int((own & hollow).sum())
    assert found[("none", drawing.MUTED)] == 1  # what hollow means
    assert set(words(figure.svg)) == {"p", "class 0", "class 1", "class 2", "replayed"}
    assert words(figure.svg).count("class 0") == 2
    assert figure.alt == (
        "Embeddings on two axes, 1 panel. p: 60 points of 3 classes. "
        f"{int(hollow.sum())} of the points are replayed."
    )
    assert figure.caption.endswith("all panels have the same axes. Hollow: replayed.")


def test_without_replayed_points_nothing_is_said_of_them():
    figure = projection_figure([panel(9, 2, hollow=0)], NAMES, title="t", seed=0, explained=0.414)
    assert "replayed" not in words(figure.svg) and "eplayed" not in figure.alt + figure.caption
    assert "which keep 41 % of the variance; all panels" in figure.caption


def test_panels_share_their_axes():
    """A point of the same coordinates stands at the same place of every panel; up is up."""
    one = ("one", [[0.0, 0.0], [4.0, 0.0]], [0, 0], [False, False])
    two = ("two", [[0.0, 0.0], [0.0, 1.0]], [0, 0], [False, False])
    svg = projection_figure([one, two], NAMES, title="t", seed=0).svg
    first, second = (
        [(float(x), float(y)) for x, y in re.findall(r"M(-?[\d.]+) (-?[\d.]+)", path)]
        for path in re.findall(r' d="(M[^"]*M[^"]*)"', svg)
    )
    assert first[0] == second[0]
    across = first[1][0] - first[0][0]
    assert second[0][1] - second[1][1] == pytest.approx(across / 4, abs=0.11)


def test_many_points_are_thinned_by_the_seed():
    big = panel(900, 2, hollow=0)
    figures = [projection_figure([big], NAMES, title="t", seed=s) for s in (0, 0, 1)]
    assert figures[0] == figures[1] != figures[2]
    assert sum(moves(figures[0].svg).values()) == 600 + 2
    assert figures[0].caption.endswith("At most 600 points of a panel are drawn.")
    assert "900 points" in figures[0].alt
    nine = projection_figure([panel(700, 10, seed=s) for s in range(9)], NAMES, title="t", seed=0)
    assert sum(moves(nine.svg).values()) == 9 * 400 + 11
    assert len(nine.svg) < 250_000
    assert "At most 400 points" in nine.caption


def test_twenty_classes_differ_in_colour_or_shape_and_names_give_way():
    assert len({look(label) for label in range(20)}) == 20
    assert all(a != b for i in range(40) for a, b in zip(look(i), look(i + 1), strict=True))
    texts = words(projection_figure([panel(60, 20)], NAMES, title="t", seed=0).svg)
    assert texts.count("class 7") == 1  # in the legend only
    texts = words(projection_figure([panel(60, 12)], NAMES, title="t", seed=0).svg)
    assert texts.count("class 7") == 2


@pytest.mark.parametrize("classes", [1, 5, 12])
def test_names_in_a_panel_do_not_lie_on_each_other(classes):
    """All classes in one place: their names are moved apart and stay inside."""
    n = 4 * classes
    same = ("p", np.zeros((n, 2)), np.arange(n) % classes, np.zeros(n, bool))
    svg = projection_figure([same, same, same], NAMES, title="t", seed=0).svg
    boxes = [
        tuple(map(float, found))
        for found in re.findall(
            r'<rect style="fill: #ffffff; fill-opacity: 0.8" x="([\d.-]+)" y="([\d.-]+)" '
            r'width="([\d.]+)" height="([\d.]+)"',
            svg,
        )
    ]
    assert len(boxes) == 3 * classes
    for i, (x, y, w, h) in enumerate(boxes[:classes]):
        assert x >= -0.1 and y >= 0 and x + w <= 197 and y + h <= 197
        for a, b, c, d in boxes[i + 1 : classes]:
            apart = x + w <= a + 0.2 or a + c <= x + 0.2 or y + h <= b + 0.2 or b + d <= y + 0.2
            assert apart


def test_everything_stands_inside_the_picture():
    for count in (1, 2, 4, 7):
        panels = [panel(40, 25, title="a very long title " * 5, seed=s) for s in range(count)]
        svg = projection_figure(panels, ["long name of a class"] * 25, title="t", seed=0).svg
        size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
        width, height = float(size[1]), float(size[2])
        places = [
            (float(x), float(y)) for x, y in re.findall(r"translate\(([\d.]+) ([\d.]+)\)", svg)
        ]
        side = float(re.search(r'width="([\d.]+)" height="\1"', svg)[1])
        assert len(places) == count
        assert all(x > 0 and x + side < width and y + side < height for x, y in places)
        legend = re.findall(r'x="([\d.]+)" y="([\d.]+)">long name', svg)
        with drawing.figure_style():
            wide = drawing.text_width(["long name of a class"], 7.5)
        assert len(legend) == 25
        assert all(float(x) + wide < width and float(y) < height for x, y in legend)


def test_the_page_keeps_the_drawing_and_names_are_escaped():
    names = ["<script>x</script>", "\u202eevil"]
    figure = projection_figure([panel(8, 2, title="<b>t</b>")], names, title="t", seed=0)
    assert "<script" not in figure.svg and "<b>" not in figure.svg
    assert "\u202e" not in figure.svg + figure.alt
    page = inline_svg(figure.svg, prefix="e", label=figure.alt, themed=drawing.DARK)
    assert Page(page).faults == []
    for tag in ("path", "rect", "text"):
        assert page.count(f"<{tag} ") == figure.svg.count(f"<{tag} ") > 0
    assert f"var(--c-{drawing.BLUE[1:]},{drawing.BLUE})" in page
    assert set(re.findall(r"#[0-9a-f]{6}\b", figure.svg)) <= set(drawing.DARK)


@pytest.mark.parametrize(
    ("panels", "message"),
    [
        ([], "a projection has 1 to 9 panels, found 0"),
        ([panel(3, 1)] * 10, "1 to 9 panels, found 10"),
        ([panel(0, 1)], "a projection needs a point: every panel is empty"),
        ([("p", torch.zeros(3, 3), torch.zeros(3), torch.zeros(3))], r"panel 'p': points must be"),
        ([("p", torch.zeros(3, 2), torch.zeros(3), torch.zeros(2))], r"\(3, 2\), \(3,\) and \(2,"),
        ([("p", torch.ones(1, 2) / 0, [0], [False])], "panel 'p' holds points that are not fin"),
        ([("p", torch.ones(1, 2), [30], [False])], "panel 'p': label 30 has no name; there are 30"),
        ([("p", torch.ones(1, 2), [-1], [False])], "label -1 has no name"),
    ],
)
def test_what_cannot_be_drawn_is_refused(panels, message):
    with pytest.raises(ValueError, match=message):
        projection_figure(panels, NAMES, title="t", seed=0)
