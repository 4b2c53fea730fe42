"""Accuracies by data set and kind of question, with intervals, against plain counting."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.analysis.answers import AnswerScores
from simlearn.data.questions import Question
from simlearn.tasks.answer_measures import (
    answer_metrics,
    mean_metrics,
    media_clusters,
    question_groups,
    share_metric,
)

NAN = float("nan")


def questions(*rows):
    return [Question(str(n), "?", ("a",), kind, dataset) for n, (dataset, kind) in enumerate(rows)]


ROW = st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(["", "x", "y"]))


@settings(max_examples=60)
@given(st.lists(st.tuples(ROW, st.sampled_from([0.0, 0.25, 1.0, NAN])), min_size=1, max_size=12))
def test_shares_against_counting(drawn):
    asked = questions(*(row for row, _ in drawn))
    values = torch.tensor([v for _, v in drawn], dtype=torch.float64)
    found = answer_metrics(asked, values, draws=5, seed=0)
    wanted = {}
    for (dataset, kind), value in drawn:
        wanted.setdefault(f"{dataset}_accuracy", []).append(value)
        if len({k for (d, k), _ in drawn if d == dataset}) > 1:
            wanted.setdefault(f"{dataset}_{kind}_accuracy", []).append(value)
    assert found.keys() == wanted.keys()
    for name, metric in found.items():
        kept = [v for v in wanted[name] if not math.isnan(v)]
        assert metric.n == len(kept) and metric.higher_is_better
        if kept:
            assert metric.value == pytest.approx(sum(kept) / len(kept))
            low, high = metric.interval
            assert min(kept) <= low <= high <= max(kept)
        else:
            assert math.isnan(metric.value) and metric.interval is None


def test_groups_are_in_the_order_of_the_questions():
    asked = questions(("b", "y"), ("a", "x"), ("b", "x"), ("a", "x"))
    found = [(name, rows.tolist()) for name, rows in question_groups(asked)]
    assert found == [
        ("b", [True, False, True, False]),
        ("b_y", [True, False, False, False]),
        ("b_x", [False, False, True, False]),
        ("a", [False, True, False, True]),
    ]
    assert list(question_groups([])) == []


def test_questions_about_one_medium_are_drawn_together():
    x, y = np.zeros((1, 1, 3), np.uint8), np.zeros((1, 1, 3), np.uint8)
    sound = np.zeros(4, np.float32)
    media = [
        {"image": x}, {}, {"image": y}, {"image": x}, {"audio": sound}, {},
        {"image": Path("p.png")}, {"audio": sound}, {"image": Path("p.png")}, {"image": y},
    ]  # fmt: skip
    asked = [Question(str(n), "?", (), **m) for n, m in enumerate(media)]
    assert media_clusters(asked).tolist() == [0, 1, 2, 0, 3, 4, 5, 3, 5, 2]


def test_the_interval_of_one_medium_is_a_point():
    x = np.zeros((1, 1, 3), np.uint8)
    right = torch.tensor([True, False, True, True] * 5)
    together = [Question(str(n), "?", (), dataset="a", image=x) for n in range(20)]
    apart = [Question(str(n), "?", (), dataset="a") for n in range(20)]
    one = answer_metrics(together, right, draws=100, seed=0)["a_accuracy"]
    two = answer_metrics(apart, right, draws=100, seed=0)["a_accuracy"]
    assert one.value == two.value == 0.75
    assert one.interval == (0.75, 0.75)
    assert two.interval[0] < 0.7 and two.interval[1] > 0.8


def test_intervals_are_a_function_of_seed_and_name():
    values, clusters = torch.rand(30, dtype=torch.float64), torch.arange(30)

    def interval(seed, name):
        return share_metric(values, clusters, draws=50, seed=seed, name=name).interval

    assert interval(0, "a") == interval(0, "a")
    assert len({interval(0, "a"), interval(1, "a"), interval(0, "b")}) == 3


def test_means_of_loss_and_margin():
    asked = questions(("a", "x"), ("b", "x"), ("a", "y"), ("a", "y"), ("c", ""))
    loss = torch.tensor([1.0, 4.0, 2.0, NAN, NAN], dtype=torch.float64)
    nothing = torch.zeros(5)
    scores = AnswerScores(("",) * 5, nothing.bool(), nothing, loss, 3 * loss, [""] * 5)
    found = mean_metrics(asked, scores)
    values = {name: (m.value, m.n, m.higher_is_better) for name, m in found.items()}
    assert math.isnan(values.pop("c_loss")[0]) and math.isnan(values.pop("c_margin")[0])
    assert values == {
        "a_loss": (1.5, 2, False),
        "a_margin": (4.5, 2, True),
        "b_loss": (4.0, 1, False),
        "b_margin": (12.0, 1, True),
    }
    assert all(m.interval is None for m in found.values())
