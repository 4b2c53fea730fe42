"""The metrics of ErrorRadar against worked numbers, scikit-learn and loops over rows."""

from __future__ import annotations

import json
import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score, precision_score, recall_score

from simlearn.analysis.errorradar.count_metrics import SCALARS
from simlearn.analysis.errorradar.metrics import error_radar_metrics
from simlearn.analysis.errorradar.tally import Tally
from simlearn.analysis.errorradar.taxonomy import CATEGORIES, CATEGORY_SHARES
from tests.analysis.errorradar.error_rows import TYPES, drawn_rows, flat, many_rows


def category_rows(gold, pred):
    pairs = zip(gold, pred, strict=True)
    return [
        {"gold_step": 1, "n_steps": 3, "gold_category": g, "pred_category": p} for g, p in pairs
    ]


def naive(rows):
    """The scalar metrics by loops and statistics, not by counts."""
    wrong = [r for r in rows if r["gold_step"] and "pred_step" in r]
    none = [r for r in rows if not r["gold_step"] and "pred_step" in r]
    known = [r for r in rows if r.get("gold_category") and "pred_category" in r]
    both = [r for r in known if "pred_step" in r]
    exists = [r for r in wrong if r["pred_step"] in range(1, r["n_steps"] + 1)]
    gaps = [abs(r["pred_step"] - r["gold_step"]) for r in exists]

    def right(row):
        return row["pred_step"] == row["gold_step"]

    def named(row):
        return row["pred_category"] == row["gold_category"]

    def place(row):
        return (row["gold_step"] - 1) / (row["n_steps"] - 1) if row["n_steps"] > 1 else 0.0

    def lost(key):
        return mean([r[key] is None for r in rows if key in r])

    accuracy, spared = mean(map(right, wrong)), mean(map(right, none))
    shares = [accuracy, spared]
    f1 = math.nan if math.isnan(sum(shares)) else statistics.harmonic_mean(shares)
    golds = [r["gold_category"] for r in known]
    preds = [r["pred_category"] or "unparsed" for r in known]
    options = {"labels": list(CATEGORIES), "average": "macro", "zero_division": 0}
    macro = [f(golds, preds, **options) if golds else math.nan for f in (f1_score, precision_score)]
    macro.append(recall_score(golds, preds, **options) if golds else math.nan)
    return {
        "step_accuracy": accuracy,
        "step_within_one": sum(g <= 1 for g in gaps) / len(wrong) if wrong else math.nan,
        "step_distance": mean(gaps),
        "step_accuracy_first": mean([right(r) for r in wrong if place(r) < 1 / 3 - 1e-9]),
        "step_accuracy_middle": mean(
            [right(r) for r in wrong if 1 / 3 - 1e-9 <= place(r) <= 2 / 3 + 1e-9]
        ),
        "step_accuracy_last": mean([right(r) for r in wrong if place(r) > 2 / 3 + 1e-9]),
        "step_accuracy_none": spared,
        "step_f1": f1,
        "step_parse_failures": lost("pred_step"),
        "category_accuracy": mean(map(named, known)),
        "category_macro_f1": macro[0],
        "category_macro_precision": macro[1],
        "category_macro_recall": macro[2],
        "category_parse_failures": lost("pred_category"),
        "joint_accuracy": mean([right(r) and named(r) for r in both]),
    }


def mean(values):
    values = list(values)
    return sum(values) / len(values) if values else math.nan


def test_worked_numbers():
    gold = ["VIS", "CAL", "CAL", "REAS", "REAS", "REAS", "KNOW", "MIS"]
    pred = ["CAL", "CAL", "CAL", "REAS", "CAL", "MIS", "REAS", "MIS"]
    found = error_radar_metrics(category_rows(gold, pred))
    assert found["category_accuracy"] == 0.5
    assert found["category_macro_f1"] == pytest.approx(0.3467, abs=5e-5)
    assert found["category_macro_precision"] == pytest.approx(0.3)
    assert found["category_macro_recall"] == pytest.approx(0.4667, abs=5e-5)
    table = {
        code: [round(row[k], 4) for k in ("precision", "recall", "f1")]
        for code, row in found["per_category"].items()
    }
    assert table == {
        "VIS": [0, 0, 0],
        "CAL": [0.5, 1, 0.6667],
        "REAS": [0.5, 0.3333, 0.4],
        "KNOW": [0, 0, 0],
        "MIS": [0.5, 1, 0.6667],
    }
    assert found["confusion"] == [
        [0, 1, 0, 0, 0, 0],
        [0, 2, 0, 0, 0, 0],
        [0, 1, 1, 0, 1, 0],
        [0, 0, 1, 0, 0, 0],
        [0, 0, 0, 0, 1, 0],
    ]


@pytest.mark.parametrize(
    ("code", "accuracy", "f1", "macro"),
    [("CAL", 0.365, 0.5348, 0.1070), ("REAS", 0.38, 0.5507, 0.1101)],
)
def test_always_one_category_at_the_shares_of_the_paper(code, accuracy, f1, macro):
    gold = [c for c in CATEGORIES for _ in range(round(1000 * CATEGORY_SHARES[c]))]
    found = error_radar_metrics(category_rows(gold, [code] * len(gold)))
    assert len(gold) == found["n_category"] == 1000
    assert found["category_accuracy"] == pytest.approx(accuracy)
    assert found["per_category"][code]["f1"] == pytest.approx(f1, abs=5e-5)
    assert found["category_macro_f1"] == pytest.approx(macro, abs=5e-5)
    assert found["category_macro_recall"] == pytest.approx(0.2)


@given(many_rows())
def test_scalars_equal_loops_over_rows(rows):
    found, wanted = error_radar_metrics(rows), naive(rows)
    assert set(wanted) == {*SCALARS, "step_distance"}
    for name, value in wanted.items():
        assert found[name] == pytest.approx(value, nan_ok=True, abs=1e-12), name
    assert found["n"] == len(rows)
    assert found["n_step"] == sum(r["gold_step"] > 0 for r in rows)
    assert found["n_category"] == sum(bool(r.get("gold_category")) for r in rows)


@given(many_rows())
def test_tables_equal_the_metrics_of_their_rows(rows):
    found = error_radar_metrics(rows)
    for code, table in found["per_category"].items():
        own = [r for r in rows if r.get("gold_category") == code]
        assert table["n"] == len(own)
        wanted = naive(own)["step_accuracy"]
        assert table["step_accuracy"] == pytest.approx(wanted, nan_ok=True)
    names = {r.get("problem_type") for r in rows} - {None, ""}
    assert set(found["per_problem_type"]) == names
    for name, table in found["per_problem_type"].items():
        own = [r for r in rows if r.get("problem_type") == name]
        wanted = naive(own)
        assert table.pop("n") == len(own)
        assert set(table) == {
            *("step_accuracy", "category_accuracy", "category_macro_f1", "joint_accuracy")
        }
        for key, value in table.items():
            assert value == pytest.approx(wanted[key], nan_ok=True), (name, key)


def test_per_category_equals_scikit_learn():
    rows = drawn_rows(300, 5)
    found = error_radar_metrics(rows)["per_category"]
    golds = [r["gold_category"] for r in rows]
    preds = [r["pred_category"] or "unparsed" for r in rows]
    options = {"labels": list(CATEGORIES), "average": None, "zero_division": 0}
    for key, f in (("precision", precision_score), ("recall", recall_score), ("f1", f1_score)):
        wanted = f(golds, preds, **options)
        assert [found[code][key] for code in CATEGORIES] == pytest.approx(wanted.tolist())


@given(many_rows(), st.randoms(use_true_random=False), st.integers(0, 25))
def test_order_and_splits_do_not_matter(rows, source, cut):
    whole = flat(error_radar_metrics(rows, draws=20, seed=3))
    mixed = list(rows)
    source.shuffle(mixed)
    total = Tally(mixed[:cut])
    total.merge(Tally(mixed[cut:]))
    assert flat(error_radar_metrics(iter(mixed), draws=20, seed=3)) == whole
    assert flat(error_radar_metrics(total, draws=20, seed=3)) == whole


def test_what_was_not_asked_is_nan_and_what_was_not_read_is_wrong():
    rows = drawn_rows(40)
    steps = [{k: v for k, v in r.items() if k != "pred_category"} for r in rows]
    unread = [{**r, "pred_category": None} for r in rows]
    asked, failed = error_radar_metrics(steps), error_radar_metrics(unread)
    for name in (*SCALARS, "step_distance"):
        if name.startswith(("category", "joint")):
            assert math.isnan(asked[name])
            assert failed[name] == (name == "category_parse_failures")
        elif name not in ("step_f1", "step_accuracy_none"):
            assert asked[name] == failed[name] and not math.isnan(asked[name])
    assert asked["n_category"] == 40
    assert all(math.isnan(t["recall"]) for t in asked["per_category"].values())
    assert sum(map(sum, asked["confusion"])) == 0
    assert [line[5] for line in failed["confusion"]] == [
        failed["per_category"][code]["n"] for code in CATEGORIES
    ]
    other = error_radar_metrics([{k: v for k, v in r.items() if k != "pred_step"} for r in rows])
    assert math.isnan(other["step_accuracy"]) and math.isnan(other["joint_accuracy"])
    assert other["category_accuracy"] == error_radar_metrics(rows)["category_accuracy"]


def test_right_solutions_are_processbench():
    rows = [{"gold_step": 0, "pred_step": p, "n_steps": 4} for p in (0, 0, 1, None)]
    alone = error_radar_metrics(rows)
    assert alone["step_accuracy_none"] == 0.5
    assert math.isnan(alone["step_accuracy"]) and math.isnan(alone["step_f1"])
    rows += [{"gold_step": 2, "pred_step": p, "n_steps": 4} for p in (2, 0, 0, 0)]
    found = error_radar_metrics(rows)
    assert found["step_accuracy"] == 0.25 == found["step_within_one"]
    assert found["step_f1"] == pytest.approx(2 * 0.25 * 0.5 / 0.75)
    assert found["step_distance"] == 0
    zero = error_radar_metrics([{**r, "pred_step": 3} for r in rows])
    assert zero["step_f1"] == 0


def test_no_rows_and_plain_values():
    empty = error_radar_metrics([], draws=5)
    assert empty["n"] == 0 and empty["per_problem_type"] == {}
    assert all(math.isnan(empty[name]) for name in SCALARS)
    assert all(math.isnan(low) for low, _ in empty["intervals"].values())
    found = error_radar_metrics(drawn_rows(50), draws=5)
    assert flat(json.loads(json.dumps(found))) == flat(found)
    assert set(found["per_problem_type"]) == set(TYPES)
    assert "intervals" not in error_radar_metrics(drawn_rows(5))


def test_faults():
    good = {"gold_step": 1, "n_steps": 2}
    with pytest.raises(ValueError, match="row 2: gold_step is 3, must be from 1 to 2"):
        error_radar_metrics([good, {"gold_step": 3, "n_steps": 2}])
    for draws in (-1, 1.5, True):
        with pytest.raises(ValueError, match="draws is .*: a whole number, at least 0"):
            error_radar_metrics([good], draws=draws)


def test_rows_are_only_iterated():
    rows = drawn_rows(1000)
    assert flat(error_radar_metrics(r for r in rows)) == flat(error_radar_metrics(rows))
