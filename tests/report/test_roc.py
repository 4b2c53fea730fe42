from __future__ import annotations

import math
import re
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from simlearn.report import cmc_figure, drawing, roc_figure
from simlearn.report.roc import MOST_POINTS, thin_curve
from simlearn.report.svg import inline_svg

ONE = {"trained": ([0.0, 0.2, 1.0], [0.0, 0.9, 1.0])}
THREE = {
    "trained": ([0.0, 0.1, 1.0], [0.0, 0.8, 1.0]),
    "untrained": ([0.0, 1.0], [0.0, 1.0]),
    "pixels, mean": ([0.0, 0.5, 1.0], [0.0, 0.6, 1.0]),
}
LINE = re.compile(r'<path d="([^"]*)"[^>]*style="fill: none;[^"]*stroke: (#\w+)[^"]*"')


def lines(svg: str | None, colour: str) -> list[np.ndarray]:
    """Points (K,2) of every line of a colour with more than one point."""
    found = [
        re.findall(r"[ML] ([\d.-]+) ([\d.-]+)", d)
        for d, c in LINE.findall(svg or "")
        if c == colour
    ]
    return [np.array(points, dtype=float) for points in found if len(points) > 1]


def distance(points: np.ndarray, line: np.ndarray) -> float:
    """Largest distance of points (N,2) from the nearest segment of a polyline (M,2)."""
    a, b = line[:-1], line[1:]
    along = b - a
    square = np.maximum((along**2).sum(1), 1e-300)
    worst = 0.0
    for point in points:
        t = np.clip(((point - a) * along).sum(1) / square, 0, 1)
        worst = max(worst, float(np.hypot(*(a + t[:, None] * along - point).T).min()))
    return worst


def scores_curve(n: int, seed: int = 0, apart: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    same = generator.random(n) < 0.5
    order = np.argsort(-(generator.normal(size=n) + apart * same))
    tpr = np.cumsum(same[order]) / same.sum()
    fpr = np.cumsum(~same[order]) / (~same).sum()
    return np.append(0, fpr), np.append(0, tpr)


def test_names_areas_and_colours():
    areas = {"trained": 0.9, "untrained": 0.5, "pixels, mean": math.nan}
    figure = roc_figure(THREE, title="ROC", auc=areas)
    svg = figure.svg or ""
    for label, colour in (
        ("trained, AUC 0.900", drawing.BLUE),
        ("untrained, AUC 0.500", drawing.GREY),
        ("pixels, mean, AUC -", drawing.ORANGE),
    ):
        assert re.search(rf"fill: {colour}[^>]*>{re.escape(label)}</text>", svg)
    assert figure.name == "roc"
    assert "trained, AUC 0.900, 80.0 % true at 10 % false positives; untrained" in figure.alt
    assert "AUC: area under the curve" in figure.caption
    assert ">chance</text>" in svg


def test_models_have_the_colours_of_the_cmc_figure():
    cmc = cmc_figure({name: [0.1, 0.9 - 0.3 * i] for i, name in enumerate(THREE)}, title="t").svg
    roc = roc_figure(THREE, title="t").svg
    for name in THREE:
        colours = [
            re.search(rf"fill: (#\w+)[^>]*>{re.escape(name)}", svg or "") for svg in (cmc, roc)
        ]
        assert colours[0] and colours[1] and colours[0][1] == colours[1][1]


def test_without_areas_nothing_is_said_of_them():
    figure = roc_figure(ONE, title="t")
    assert "AUC" not in (figure.svg or "") + figure.alt + figure.caption
    assert "trained, 45.0 % true at 10 % false positives" in figure.alt  # half way to (20, 90)


def test_axes_run_from_0_to_100_percent_and_the_diagonal_is_dashed():
    svg = roc_figure(ONE, title="t").svg or ""
    assert re.findall(r">(\d+) %</text>", svg) == ["0", "20", "40", "60", "80", "100"] * 2
    (diagonal,) = lines(svg, drawing.MUTED)
    (x0, y0), (x1, y1) = diagonal
    assert x1 - x0 == pytest.approx(y0 - y1) == pytest.approx(3.6 * 72)
    dashed = re.findall(r'style="[^"]*stroke-dasharray[^"]*"', svg)
    assert [d for d in dashed if drawing.MUTED in d]


def test_the_line_goes_through_its_points_without_steps():
    svg = roc_figure(ONE, title="t").svg or ""
    (diagonal,) = lines(svg, drawing.MUTED)
    line = next(points for points in lines(svg, drawing.BLUE) if len(points) == 3)
    share = (line - diagonal[0]) / (diagonal[1] - diagonal[0])
    assert share == pytest.approx(np.array([[0, 0], [0.2, 0.9], [1, 1]]), abs=1e-6)


def test_a_long_curve_is_thinned_without_a_visible_difference():
    fpr, tpr = scores_curve(30_000)
    figure = roc_figure({"trained": (fpr, tpr)}, title="t")
    longest = max(lines(figure.svg, drawing.BLUE), key=len)
    assert 100 < len(longest) <= MOST_POINTS
    assert len(figure.svg or "") < 40_000
    kept = thin_curve(fpr, tpr)
    line = np.stack([fpr[kept], tpr[kept]], 1)
    assert distance(np.stack([fpr, tpr], 1)[::7], line) < 0.004  # 1 point of 259


@given(st.integers(2, 900), st.integers(0, 20), st.integers(2, 60))
def test_thinned_curves_stay_near_and_keep_their_ends(n, seed, most):
    generator = np.random.default_rng(seed)
    x, y = (np.cumsum(generator.random(n) ** 9) for _ in range(2))
    x, y = x / x[-1], y / y[-1]
    kept = thin_curve(x, y, most)
    assert len(kept) <= max(most, 2)
    assert kept[0] == 0
    assert kept[-1] == n - 1
    assert (np.diff(kept) > 0).all()
    bound = 2 * (x[-1] - x[0] + y[-1] - y[0]) / (most - 1)
    for a, b in pairwise(kept.tolist()):
        if b - a > 1:
            assert x[b - 1] - x[a] + y[b - 1] - y[a] <= bound + 1e-12
    if n <= most:
        assert kept.tolist() == list(range(n))


def test_a_curve_that_stands_still_is_two_points():
    assert thin_curve(np.zeros(900), np.ones(900)).tolist() == [0, 899]


def test_tensors_lists_and_repeats_give_the_same_figure():
    x, y = ONE["trained"]
    figure = roc_figure(ONE, title="t")
    tensors = (torch.tensor(x, dtype=torch.float64), torch.tensor(y, dtype=torch.float64))
    assert figure == roc_figure({"trained": tensors}, title="t")
    assert figure == roc_figure({"trained": (np.array(x), np.array(y))}, title="t")


def test_the_page_turns_the_colours():
    page = inline_svg(
        roc_figure(THREE, title="t").svg or "", prefix="r", label="x", themed=drawing.DARK
    )
    for colour in (drawing.BLUE, drawing.ORANGE, drawing.GREY, drawing.MUTED, drawing.PAPER):
        assert f"var(--c-{colour[1:]},{colour})" in page


def test_hostile_model_names_are_escaped_and_cut():
    names = ["<script>$\x00\u202e", "n" * 200]
    svg = roc_figure({name: ONE["trained"] for name in names}, title="t").svg or ""
    assert "<script>" not in svg
    assert "&lt;script&gt;$\\u0000\\u202e" in svg
    assert "n" * 39 + "…" in svg
    assert "n" * 40 not in svg


@pytest.mark.parametrize(
    ("curves", "auc", "message"),
    [
        ({}, None, "shows 1 to 5 models, found 0"),
        ({str(i): ONE["trained"] for i in range(6)}, None, "found 6"),
        ({"a": ([0.0], [0.0])}, None, r"'a': fpr and tpr must be of one length >= 2, found shapes"),
        ({"a": ([0.0, 1.0], [0.0, 0.5, 1.0])}, None, r"found shapes \(2,\) and \(3,\)"),
        ({"a": ([0.0, 0.1, 0.2],)}, None, r"'a': expected \(fpr, tpr\), found 1 parts"),
        ({"a": ([0.0, 100.0], [0.0, 1.0])}, None, r"'a', fpr 1: 100.0 is no share in \[0, 1\]"),
        ({"a": ([0.0, 1.0], [math.nan, 1.0])}, None, "'a', tpr 0: nan is no share"),
        ({"a": ([0.0, 0.5, 0.4], [0.0, 0.5, 1.0])}, None, "fpr falls from 0.5 to 0.4; sort by"),
        (ONE, {"b": 0.5}, r"auc names 'b', but the curves are of \['trained'\]"),
        (ONE, {"trained": 58.0}, r"auc of 'trained' is 58.0, must be in \[0, 1\]"),
    ],
)
def test_what_cannot_be_drawn_is_refused(curves, auc, message):
    with pytest.raises(ValueError, match=message):
        roc_figure(curves, title="t", auc=auc)
