"""Charts and tables: true values by other ways, and that they can be read."""

from __future__ import annotations

import statistics

import pytest

from simlearn.analysis.errorradar.diagram_problems import (
    bar_chart,
    frequency_table,
    line_chart,
    pie_chart,
)
from tests.analysis.errorradar.scenes import scenes


@pytest.mark.parametrize("template", [bar_chart, line_chart])
@pytest.mark.parametrize("count", [3, 7])
def test_charts(template, count):
    for reads, results, _ in scenes(template, count):
        values = [int(value) for value in reads.values()]
        assert len(values) == count
        assert results["mean"] == statistics.mean(values)
        assert results["range"] == max(values) - min(values)
        if template is line_chart:
            assert any(all(v % step == 0 for v in values) for step in (2, 5, 10))


@pytest.mark.parametrize("count", [3, 6])
def test_pies(count):
    for reads, results, scene in scenes(pie_chart, count):
        assert len(reads) == count - 1 and sum(reads.values()) < 100
        assert all(share >= 5 for share in reads.values())
        if {"few", "many"} <= set(results):
            people = scene.pool.nodes["pupils"].value
            assert results["few"] + results["many"] == people
            assert results["many"] == people * sum(reads.values()) / 100


@pytest.mark.parametrize("count", [2, 5])
def test_tables(count):
    for reads, results, _ in scenes(frequency_table, count):
        letters = "ABCDE"[:count]
        all_points = [reads[f"p{k}"] for k in letters for _ in range(int(reads[f"n{k}"]))]
        assert results["total"] == sum(all_points)
        if "mean" in results:
            assert results["mean"] == statistics.mean(all_points)
