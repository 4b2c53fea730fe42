"""Baselines against every possible blind answer, and against metrics of their rows."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given

from simlearn.analysis.errorradar.blind_answers import label_baselines
from simlearn.analysis.errorradar.count_metrics import SCALARS
from simlearn.analysis.errorradar.metrics import error_radar_metrics
from simlearn.analysis.errorradar.taxonomy import CATEGORIES, CATEGORY_SHARES
from tests.analysis.errorradar.error_rows import drawn_rows, flat, many_rows

KEYS = (*SCALARS, "step_distance")


def labels(*rows):
    return [{"gold_step": g, "n_steps": n, "gold_category": c} for g, n, c in rows]


def expectation(rows):
    """Mean of every metric over all answers (n_1 * ... * n_N * 5^N of them), each as likely."""
    steps = itertools.product(*[range(1, r["n_steps"] + 1) for r in rows])
    found = []
    for pred in steps:
        for said in itertools.product(CATEGORIES, repeat=len(rows)):
            answered = [
                {**r, "pred_step": p, "pred_category": c}
                for r, p, c in zip(rows, pred, said, strict=True)
            ]
            one = error_radar_metrics(answered)
            found.append([one[key] for key in KEYS])
    return dict(zip(KEYS, np.mean(found, axis=0), strict=True))


@pytest.mark.parametrize(
    "rows",
    [
        labels((1, 2, "CAL"), (3, 3, "CAL"), (1, 1, "MIS")),
        labels((1, 2, "VIS"), (2, 2, "REAS"), (0, 1, None)),
        labels((2, 3, None), (2, 4, "KNOW")),
    ],
)
def test_uniform_is_the_mean_over_all_answers(rows):
    found = label_baselines(rows)["uniform"]
    for key, value in expectation(rows).items():
        assert found[key] == pytest.approx(value, nan_ok=True, abs=1e-12), key


def answered(rows, step, category=None):
    more = {} if category is None else {"pred_category": category}
    plain = [{k: v for k, v in r.items() if not k.startswith("pred")} for r in rows]
    return error_radar_metrics([{**r, **more, "pred_step": step(r)} for r in plain])


def same(found, wanted):
    assert flat(found) == flat({key: wanted[key] for key in KEYS})


@given(many_rows())
def test_fixed_answers_are_metrics_of_their_rows(rows):
    found = label_baselines(iter(rows))
    assert list(found) == ["majority", "uniform", "first step", "last step"]
    assert all(list(values) == list(KEYS) for values in found.values())
    same(found["first step"], answered(rows, lambda r: 1))
    same(found["last step"], answered(rows, lambda r: r["n_steps"]))
    steps = [r["gold_step"] for r in rows if r["gold_step"]]
    codes = [r["gold_category"] for r in rows if r.get("gold_category")]
    step = max(range(1, 9), key=steps.count)
    code = max(CATEGORIES, key=codes.count)
    same(found["majority"], answered(rows, lambda r: step, code))


def test_predictions_do_not_matter():
    rows = drawn_rows(50)
    wanted = flat(label_baselines(rows))
    assert flat(label_baselines([{**r, "pred_step": "x", "pred_category": 3} for r in rows])) == (
        wanted
    )


def test_the_shares_of_the_paper():
    rows = labels(*[(4, 8, c) for c in CATEGORIES for _ in range(round(1000 * CATEGORY_SHARES[c]))])
    found = label_baselines(rows)
    assert found["majority"]["category_accuracy"] == pytest.approx(0.38)
    assert found["majority"]["category_macro_f1"] == pytest.approx(0.1101, abs=5e-5)
    assert found["majority"]["joint_accuracy"] == pytest.approx(0.38)
    uniform = found["uniform"]
    assert uniform["step_accuracy"] == 1 / 8 and uniform["step_within_one"] == 3 / 8
    assert uniform["step_distance"] == (3 + 2 + 1 + 0 + 1 + 2 + 3 + 4) / 8
    assert uniform["category_accuracy"] == 0.2 and uniform["joint_accuracy"] == 1 / 40
    assert uniform["category_macro_recall"] == pytest.approx(0.2)
    assert 0.15 < uniform["category_macro_f1"] < 0.2


def test_many_rows_are_exact_too():
    rows = labels(*[(1, 3, CATEGORIES[i % 5]) for i in range(5000)])
    uniform = label_baselines(rows)["uniform"]
    assert uniform["category_macro_f1"] == pytest.approx(0.2, abs=1e-4)
    assert uniform["category_macro_precision"] == pytest.approx(0.2)


def test_no_rows_and_faults():
    found = label_baselines([])
    assert all(math.isnan(v) for values in found.values() for v in values.values())
    with pytest.raises(ValueError, match="row 2: gold_step is 4, must be from 1 to 3"):
        label_baselines(labels((1, 3, None), (4, 3, None)))
    with pytest.raises(ValueError, match="row 1: must be a mapping"):
        label_baselines([3])
