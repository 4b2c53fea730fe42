"""The report of a search for wrong steps, and what makes two of them comparable."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.analysis.errorradar.error_protocol import ErrorRadar
from simlearn.analysis.errorradar.metrics import error_radar_metrics
from simlearn.analysis.errorradar.prompt_style import load_style
from simlearn.analysis.errorradar.rating_file import Rating
from simlearn.analysis.errorradar.tally import Tally
from simlearn.report import protocol_fingerprint, write_report
from simlearn.report.error_words import NAMES
from simlearn.tasks.error_human import Human
from simlearn.tasks.error_metrics import CATEGORY, STEP, as_metrics, metric_counts
from simlearn.tasks.error_report import error_report, run_protocol
from simlearn.tasks.error_rivals import Rival
from simlearn.tasks.run_context import RunContext
from tests.analysis.errorradar.error_rows import many_rows
from tests.tasks.wrong_steps import HOSTILE, data_of, records, results_of, rows_of

SOME = records(24, seed=3, right=True)
ROWS = rows_of(SOME, seed=4)
PARTS = SimpleNamespace(protocol=ErrorRadar(bootstrap=9))


def context(folder):
    """A run of its own."""
    return RunContext(recipe="error_radar", card={}, config="", run_dir=folder, seed=0)


def report_of(results, folder, *, masks=(), shared=None):
    """The report of some results."""
    results.show({one: HOSTILE for one in results.wanted()})
    return error_report(PARTS, context(folder), results, masks, shared or {}, {"replies": 1.0})


def protocol(**changes):
    """What two models have to share."""
    fields = {"style": "plain", "data": data_of(SOME), **changes}
    data, style = fields.pop("data"), load_style(fields["style"])
    return run_protocol(data, ErrorRadar(**fields), style)


def test_the_protocol_is_the_data_and_the_prompts():
    found = protocol()
    assert found == {
        **{"data": "test", "n": 24, "data_fingerprint": "f" * 16},
        **{"ask": "joint", "style": found["style"], "tell_step": False, "none_allowed": False},
    }
    assert len(found["style"]) == 16
    # not the model, nor whether it sees the figures, nor how intervals are made
    for changes in (
        {"images": False},
        {"bootstrap": 3},
        {"missing": 1.0},
        {"controls": 9},
        {"value": None},
    ):
        assert protocol(**changes) == found


def test_another_prompt_or_other_data_are_another_protocol():
    found = [
        protocol(),
        protocol(style="stepwise"),
        protocol(ask="separate"),
        protocol(ask="separate", tell_step=True),
        protocol(data=data_of(SOME, fingerprint="0" * 16)),
        protocol(data=data_of(SOME, none_allowed=True)),
        protocol(data=data_of(SOME, facts={"data": "other"})),
    ]
    assert len({protocol_fingerprint(one) for one in found}) == len(found)


def test_the_words_of_a_style_count_and_not_only_its_name():
    style = load_style("plain")
    usual = run_protocol(data_of(SOME), ErrorRadar(), style)
    other = run_protocol(data_of(SOME), ErrorRadar(), replace(style, step=style.step + " Now."))
    assert usual["style"] != other["style"]


def naive_counts(rows):
    """Over how many rows each metric is taken, row by row."""
    wrong = [r for r in rows if r["gold_step"] and "pred_step" in r]
    asked = [r for r in rows if "pred_step" in r]
    named = [r for r in rows if "pred_category" in r]
    known = [r for r in named if r.get("gold_category")]
    thirds = {"first": 0, "middle": 0, "last": 0}
    for r in wrong:
        place, last = 3 * (r["gold_step"] - 1), r["n_steps"] - 1
        first = place < last or not last
        thirds["first" if first else "last" if place > 2 * last else "middle"] += 1
    return {
        **dict.fromkeys(STEP, len(wrong)),
        **dict.fromkeys(CATEGORY, len(known)),
        **{f"step_accuracy_{name}": n for name, n in thirds.items()},
        "step_accuracy_none": len(asked) - len(wrong),
        "step_f1": len(asked),
        "step_parse_failures": len(asked),
        "step_distance": sum(
            r["pred_step"] is not None and 1 <= r["pred_step"] <= r["n_steps"] for r in wrong
        ),
        "category_parse_failures": len(named),
        "joint_accuracy": sum("pred_step" in r for r in known),
    }


@given(many_rows())
def test_every_metric_says_over_how_many_problems_it_is(rows):
    counts = metric_counts(Tally(rows))
    assert counts == naive_counts(rows)
    metrics = as_metrics(error_radar_metrics(rows), counts)
    for name, metric in metrics.items():
        assert metric.n > 0 and not math.isnan(metric.value) and metric.interval is None
        assert metric.higher_is_better == (name not in LESS_IS_BETTER)


LESS_IS_BETTER = {"step_distance", "step_parse_failures", "category_parse_failures"}


def test_intervals_come_with_the_metrics():
    found = error_radar_metrics(ROWS, draws=9)
    metrics = as_metrics(found, metric_counts(Tally(ROWS)))
    for name, metric in metrics.items():
        assert metric.value == found[name]
        assert list(metric.interval) == found["intervals"][name]
        assert metric.interval[0] <= metric.value <= metric.interval[1]
    assert set(metrics) == set(STEP) | set(CATEGORY)


def test_what_was_not_asked_has_no_metric():
    for part, absent in (("step", CATEGORY), ("category", STEP)):
        rows = rows_of(SOME, parts=(part,))
        metrics = as_metrics(error_radar_metrics(rows), metric_counts(Tally(rows)))
        assert metrics and not set(metrics) & set(absent)
    assert as_metrics(error_radar_metrics([]), metric_counts(Tally())) == {}


def test_every_metric_has_a_name():
    assert set(NAMES) | {"category_accuracy"} == {*STEP, *CATEGORY}


def test_the_report_holds_all_and_fits_into_json(tmp_path):
    results = results_of(SOME, ROWS)
    results.usage.models = {"served": 24}
    report = report_of(results, tmp_path, shared=protocol())
    told = json.loads(json.dumps(report.to_json()))
    assert told["protocol"]["fingerprint"] == protocol_fingerprint(protocol())
    assert told["model"] == {
        **{"name": "tiny", "weights": "open", "images": True},
        "called_itself": {"served": 24},
    }
    assert told["error_radar"]["n"] == 24 and told["masks"] == []
    assert told["human"] is None and told["human_gap"] is None
    assert told["test"]["step_accuracy"]["value"] == report.metrics["step_accuracy"].value
    assert set(told["baselines"]) == {"majority", "uniform", "first step", "last step"}
    assert report.train["problems"] == 24 and report.seconds == {"replies": 1.0}


def test_baselines_have_the_metrics_that_the_model_has(tmp_path):
    report = report_of(results_of(SOME, rows_of(SOME, parts=("step",))), tmp_path)
    for metrics in report.baselines.values():
        assert set(metrics) == {"step_accuracy", "step_within_one", "step_f1"}
    wrong = [one for one in SOME if one.error_step]
    uniform = report.baselines["uniform"]["step_accuracy"]
    assert uniform.value == pytest.approx(sum(1 / one.n_steps for one in wrong) / len(wrong))
    assert uniform.n == len(wrong) and uniform.interval is None


def test_people_are_in_the_details_and_in_a_sentence(tmp_path):
    wrong = [one for one in SOME if one.error_step]
    gold = {one.id: (one.error_step, one.error_category) for one in wrong}
    ratings = [Rating(one.id, "ann", one.error_step, None) for one in wrong[:9]]
    results = results_of(SOME, ROWS, human=Human(ratings, gold, "0" * 16))
    report = report_of(results, tmp_path)
    told = json.loads(json.dumps(report.to_json()))
    assert told["human"]["step"]["accuracy"]["value"] == 1.0
    assert told["human_gap"]["step"]["n"] == 9 and told["human_gap"]["category"]["model"] is None
    (note,) = report.notes
    assert note.startswith("step: on 9 problems that people rated the model has ")


def test_notes_of_the_data_are_kept(tmp_path):
    results = results_of(SOME, ROWS)
    results.data = data_of(SOME, notes=("3 records are left out.",))
    assert report_of(results, tmp_path).notes == ("3 records are left out.",)


def test_a_hostile_report_is_written_and_shows_no_markup(tmp_path):
    rows = [{**row, "problem_type": HOSTILE} for row in ROWS]
    rivals = [Rival(HOSTILE, "open", {"step_accuracy": {"value": 0.5, "interval": None}}, {})]
    results = results_of(SOME, rows, name=HOSTILE, rivals=rivals)
    results.usage.models = {HOSTILE: 24}
    report = report_of(results, tmp_path)
    write_report(report)
    page = report.report_path.read_text()
    assert "<script" not in page and "&lt;script" in page
    assert "\x1b" not in page and "\u202e" not in page
    assert json.loads((tmp_path / "metrics.json").read_text())["model"]["name"] == HOSTILE


@given(st.sampled_from(sorted({*STEP, *CATEGORY})))
def test_the_direction_is_said_by_the_name(name):
    better = {**STEP, **CATEGORY}[name]
    assert better == (not name.endswith(("_failures", "_distance")))
