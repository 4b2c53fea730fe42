"""Names and meanings of the metrics of wrong steps."""

from __future__ import annotations

import pytest

from simlearn.report.error_words import MEANINGS, NAMES
from simlearn.report.wording import is_percent, metric_label, metric_meaning, metric_number
from simlearn.tasks.error_metrics import CATEGORY, STEP

ALL = (*STEP, *CATEGORY)
"""Every metric that a report of this task has."""


@pytest.mark.parametrize("name", ALL)
def test_every_metric_has_a_name_that_people_read(name):
    label = metric_label(name)
    assert label == NAMES.get(name, name.replace("_", " ")) and "_" not in label
    assert metric_label(f"val/{name}") == label
    assert label == label.strip() and len(label) <= 40


def test_no_two_have_one_name():
    assert len({metric_label(name) for name in ALL}) == len(ALL)
    assert set(NAMES) <= set(ALL) and set(MEANINGS) <= set(ALL)


@pytest.mark.parametrize("name", ALL)
def test_all_but_the_distance_are_shares(name):
    assert is_percent(name) == is_percent(f"val/{name}") == (name != "step_distance")
    number = metric_number(name, 0.25)
    assert number == ("0.25" if name == "step_distance" else "25.0\u00a0%")


def test_names_that_are_not_ours_are_no_shares():
    for name in ("step_accuracyx", "step_loss", "category_macro", "xstep_f1", "parse_failures"):
        assert not is_percent(name)


@pytest.mark.parametrize("name", ALL)
def test_a_meaning_is_one_clause_where_the_name_does_not_say_it_all(name):
    meaning = metric_meaning(name)
    assert meaning == MEANINGS.get(name, "")
    assert not meaning.endswith(".") and meaning.isprintable()
    says_it_all = name.endswith("_parse_failures") or name == "step_accuracy_none"
    assert bool(meaning) != says_it_all


def test_thirds_say_which():
    for place in ("first", "middle", "last"):
        name = f"step_accuracy_{place}"
        assert f"{place} third" in metric_label(name) and f"{place} third" in metric_meaning(name)
