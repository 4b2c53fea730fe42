"""Everyday things: true values by other ways."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest

from simlearn.analysis.errorradar.commonsense_problems import calendar, clocks, price_tags, ruler
from tests.analysis.errorradar.scenes import scenes


@pytest.mark.parametrize("count", [2, 6])
def test_shopping(count):
    for reads, results, scene in scenes(price_tags, count):
        nodes = scene.pool.nodes
        cents = sum(
            int(100 * value) * int(nodes[name.replace("p_", "n_", 1)].value)
            for name, value in reads.items()
        )
        assert len(reads) == count and 100 * results["total"] == cents
        assert results["change"] + results["total"] == nodes["paid"].value
        said = [int(number) for number in re.findall(r"\d+", scene.intro)]
        assert said == [*(nodes[n.replace("p_", "n_", 1)].value for n in reads), said[-1]]


def test_clocks():
    for reads, results, _ in scenes(clocks):
        start, end = (
            timedelta(hours=int(reads[f"h_{k}"]), minutes=int(reads[f"m_{k}"]))
            for k in ("start", "end")
        )
        assert timedelta(minutes=int(results["long"])) == end - start > timedelta(0)
        assert timedelta(minutes=int(results["rest"])) + end == timedelta(hours=12)


@pytest.mark.parametrize("count", [2, 5])
def test_pencils(count):
    for reads, results, _ in scenes(ruler, count):
        lengths = [reads[f"r{k}"] - reads[f"l{k}"] for k in "ABCDE"[:count]]
        assert min(lengths) > 0 and max(reads.values()) <= 15
        assert results["all"] == sum(lengths)
        assert results["more"] == max(lengths) - min(lengths)


def test_holidays():
    for reads, results, scene in scenes(calendar):
        first, last = (date(2025, 7, int(reads[k])) for k in ("first", "last"))
        nights = (last - first).days
        days = len([k for k in range(1, 32) if first <= date(2025, 7, k) <= last])
        price = {k: scene.pool.nodes[k].value for k in ("night", "meal")}
        assert results["rooms"] == nights * price["night"]
        assert results["meals"] == days * price["meal"]
        assert results["all"] == results["rooms"] + results["meals"]
