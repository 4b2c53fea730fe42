"""Sweeps: every combination, first override slowest."""

from __future__ import annotations

import pytest
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser

from simlearn.config.errors import ConfigError
from simlearn.config.sweep import MAX_VALUES, expand_sweep


def test_order():
    assert expand_sweep(["seed=0,1", "recipe=x", "loss=choice(a,b)"]) == [
        ["seed=0", "recipe=x", "loss=a"],
        ["seed=0", "recipe=x", "loss=b"],
        ["seed=1", "recipe=x", "loss=a"],
        ["seed=1", "recipe=x", "loss=b"],
    ]


def test_no_sweep_is_one_run_as_written():
    assert expand_sweep(["a='x, y'", "~b", "+c=[1,2]"]) == [["a='x, y'", "~b", "+c=[1,2]"]]
    assert expand_sweep([]) == [[]]


@pytest.mark.parametrize(
    "texts",
    [
        ["a=1,2", "b=x,y,z"],
        ["a=range(0,6,2)"],
        ["a=choice('p, q',r)"],
        ["a=sort(3,1,2)", "b=7"],
        ["a=[1,2],[3]", "b={c: 1},{c: 2}"],
    ],
)
def test_agrees_with_hydras_own_sweeper(texts):
    parsed = OverridesParser.create().parse_overrides(list(texts))
    assert expand_sweep(texts) == BasicSweeper.split_arguments(parsed, None)[0]


def test_what_cannot_be_counted_out_is_told_all_at_once():
    bad = ["a=glob(*)", "b=interval(0,1)", "c=shuffle(1,2)", "d=range(5,0)", "e=[1,"]
    with pytest.raises(ConfigError) as caught:
        expand_sweep([*bad, "f=1,2"])
    assert len(caught.value.faults) == len(bad)
    for text, fault in zip(bad, caught.value.faults, strict=True):
        assert f"'{text}'" in fault


def test_an_endless_range_is_refused_at_once():
    with pytest.raises(ConfigError, match=f"more than {MAX_VALUES} values"):
        expand_sweep(["seed=range(0,1000000000000)"])
