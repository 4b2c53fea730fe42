from __future__ import annotations

import math

import pytest

from simlearn.report import training_curves
from tests.report.report_parts import log


def test_a_panel_for_each_kind_and_the_last_values_in_words():
    figure = training_curves(log(), title="Curves of a run")
    assert (figure.name, figure.title) == ("curves", "Curves of a run")
    svg = figure.svg or ""
    for words in (
        "loss",
        "validation",
        "share of active tuples",
        "effective rank",
        "learning rate",
    ):
        assert words in svg
        assert words in figure.alt
    assert "top-1 40.0 %" in svg
    assert "MAP@R 20.0 %" in svg
    assert "seconds" not in svg
    assert "val/recall_at_1 0.4" in figure.alt
    assert "mean of the last 3 logged steps" in figure.caption


def test_the_same_rows_give_the_same_bytes_in_any_order():
    first = training_curves(log(), title="t")
    assert training_curves(log(), title="t") == first
    by_name = sorted(log(), key=lambda row: -row[0])
    assert training_curves(by_name, title="t").svg == first.svg


def test_only_what_exists_is_drawn():
    figure = training_curves([(0, "train/loss", 0.5)], title="t")
    assert "validation" not in (figure.svg or "")
    assert figure.caption == ""


def test_gaps_nan_and_inf_are_left_out():
    rows = [(0, "lr", math.nan), (1, "lr", 1.0), (2, "lr", math.inf), (3, "lr", 2.0)]
    svg = training_curves(rows, title="t").svg or ""
    assert "nan" not in svg.lower()
    assert "inf" not in svg.lower()


def test_many_steps_make_a_small_file():
    rows = [(i, "train/loss", float(i * 7919 % 1000)) for i in range(50_000)]
    assert len(training_curves(rows, title="t").svg or "") < 150_000


def test_many_close_lines_get_a_legend_that_names_them_all():
    rows = [(s, f"val/model{i}_accuracy", 0.5) for i in range(5) for s in (0, 1)]
    svg = training_curves(rows, title="t").svg or ""
    assert all(f"model{i} accuracy" in svg for i in range(5))


@pytest.mark.parametrize("rows", [[], [(0, "train/seconds", 1.0)], [(0, "loss", math.nan)]])
def test_nothing_to_draw_is_said(rows):
    with pytest.raises(ValueError, match="no curve to draw: expected names such as train/loss"):
        training_curves(rows, title="t")


def test_hostile_names_are_escaped():
    rows = [(0, "val/<script>_accuracy", 0.5), (0, "val/$x_accuracy", 0.4), (0, "loss\x00", 1.0)]
    svg = training_curves(rows, title="t").svg or ""
    assert "<script>" not in svg
    assert "&lt;script&gt;" in svg
    assert "\x00" not in svg
