"""Interpolations: where they lead, and what is said when they lead nowhere."""

from __future__ import annotations

import pytest
from omegaconf import OmegaConf

from simlearn.config.references import drop_unreadable, is_reference, reference_fault, resolved

CONFIG = OmegaConf.create(
    {
        "seed": 3,
        "group": {
            "good": "${seed}",
            "list": [1, "${seed}"],
            "text": "run-${seed}",
            "lost": "${group.nothing}",
            "itself": "${group.itself}",
            "around": "${group.about}",
            "about": "${group.around}",
            "parent": "${group}",
            "env": "${oc.env:SIMLEARN_TEST_UNSET}",
            "through": "${group.env}",
            "missing": "???",
            "waits": "${group.missing}",
            "evil": "${evil:1}",
            "below": "${seed.x}",
        },
    }
)


@pytest.mark.parametrize(("key", "value"), [("good", 3), ("list", [1, 3]), ("text", "run-3")])
def test_resolved(key, value):
    assert resolved(CONFIG, ("group", key)) == (True, value)
    assert reference_fault(CONFIG, ("group", key)) is None


@pytest.mark.parametrize("key", ["env", "through", "waits"])
def test_what_may_have_a_value_later_is_no_fault(key):
    assert resolved(CONFIG, ("group", key)) == (False, None)
    assert reference_fault(CONFIG, ("group", key)) is None


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("lost", "nothing of that name"),
        ("itself", "refers to itself"),
        ("around", "refers to itself"),
        ("parent", "refers to itself"),
        ("evil", "cannot be resolved"),
        ("below", "cannot be resolved"),
    ],
)
def test_faults(key, words):
    assert words in reference_fault(CONFIG, ("group", key))
    assert resolved(CONFIG, ("group", key)) == (False, None)


def test_is_reference():
    assert is_reference("a${b}")
    assert is_reference([1, {"x": ["${b}"]}])
    assert not is_reference("$b")
    assert not is_reference({"x": [1, None]})


def test_values_that_break_off_are_taken_out():
    values = {"a": "${", "b": {"c": ["${x"], "d": "${x}"}, "e": "$ {"}
    assert drop_unreadable(values) == [("a",), ("b", "c")]
    assert values == {"b": {"d": "${x}"}, "e": "$ {"}
