"""How a model is asked and measured: words, ranges, and the prompts of each problem."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from simlearn.analysis.errorradar.error_protocol import TASKS, Ask, ErrorRadar
from simlearn.analysis.errorradar.prompt_style import load_style, style_names
from simlearn.analysis.errorradar.prompts import build_prompt
from simlearn.analysis.errorradar.record import Record


def test_what_is_asked_decides_the_prompts():
    assert set(TASKS) == set(get_args(Ask))
    assert {ask: ErrorRadar(ask=ask).tasks for ask in get_args(Ask)} == {
        "joint": ("joint",),
        "separate": ("step", "category"),
        "step": ("step",),
        "category": ("category",),
    }


def test_defaults():
    usual = ErrorRadar()
    assert (usual.ask, usual.style, usual.images, usual.tell_step) == (
        "joint",
        "plain",
        True,
        False,
    )
    assert (usual.missing, usual.human, usual.compare, usual.neurons) == (0.0, None, (), None)
    assert usual.style in style_names()


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {"ask": "both"},
            "evaluation.ask is 'both', must be one of joint, separate, step, category",
        ),
        ({"bootstrap": 0}, "evaluation.bootstrap is 0, must be at least 1"),
        ({"controls": -1}, "evaluation.controls is -1, must be at least 1"),
        ({"missing": 2}, "evaluation.missing is 2, must be a share in [0, 1]"),
        ({"missing": -0.1}, "evaluation.missing is -0.1, must be a share in [0, 1]"),
        ({"missing": math.nan}, "evaluation.missing is nan, must be a share in [0, 1]"),
        ({"value": math.inf}, "evaluation.value is inf, must be a number or null"),
        ({"value": math.nan}, "evaluation.value is nan, must be a number or null"),
        (
            {"tell_step": True},
            "evaluation.tell_step=true and evaluation.ask=joint: the wrong step can be told only "
            "where the category is asked for alone; use evaluation.ask=separate",
        ),
        (
            {"tell_step": True, "ask": "step"},
            "evaluation.tell_step=true and evaluation.ask=step: the wrong step can be told only "
            "where the category is asked for alone; use evaluation.ask=separate",
        ),
    ],
)
def test_what_is_refused(changes, text):
    with pytest.raises(ValueError) as caught:
        ErrorRadar(**changes)
    assert str(caught.value) == text


def test_ends_of_the_ranges_are_taken():
    for changes in (
        {"missing": 0.0},
        {"missing": 1.0},
        {"bootstrap": 1},
        {"controls": 1},
        {"value": None},
        {"value": -1e300},
        {"tell_step": True, "ask": "separate"},
        {"tell_step": True, "ask": "category"},
        {"human": Path("x.csv"), "compare": (Path("a"),), "neurons": Path("b")},
    ):
        protocol = ErrorRadar(**changes)
        assert replace(protocol) == protocol


def test_the_wrong_step_is_told_to_no_task_that_asks_for_it():
    record = Record("p", "q", ("one", "two", "three"), 2, "CAL")
    style = load_style("plain")
    for protocol in (ErrorRadar(ask="separate", tell_step=True), ErrorRadar(ask="separate")):
        texts = {
            task: build_prompt(record, task, style, tell_step=protocol.tell_step).text
            for task in protocol.tasks
        }
        other = replace(record, error_step=3)
        for task, text in texts.items():
            same = build_prompt(other, task, style, tell_step=protocol.tell_step).text == text
            assert same == (task == "step" or not protocol.tell_step)
