"""Findings join in order, and later metrics of one model count."""

from __future__ import annotations

from simlearn.report import Metric, Table
from simlearn.tasks.findings import Findings, join_findings


def metric(value):
    return Metric(value, 1, None, higher_is_better=True)


def table(title):
    return Table(title, ("a",), ((1,),))


def test_nothing():
    assert join_findings([]) == Findings()
    assert join_findings([Findings(), Findings()]) == Findings()


def test_everything_is_kept():
    one = Findings(
        metrics={"a": metric(0.1)},
        baselines={"untrained": {"a": metric(0.0)}, "pixels": {"a": metric(0.3)}},
        tables=(table("one"),),
        notes=("first",),
        protocol={"x": 1},
    )
    two = Findings(
        metrics={"b": metric(0.2)},
        baselines={"untrained": {"b": metric(0.5), "a": metric(0.4)}},
        tables=(table("two"),),
        notes=("second",),
        protocol={"y": 2},
    )
    both = join_findings([one, two])
    assert both.metrics == {"a": metric(0.1), "b": metric(0.2)}
    assert both.baselines["untrained"] == {"a": metric(0.4), "b": metric(0.5)}
    assert list(both.baselines) == ["untrained", "pixels"]
    assert [t.title for t in both.tables] == ["one", "two"]
    assert both.notes == ("first", "second") and both.protocol == {"x": 1, "y": 2}
    assert one.baselines["untrained"] == {"a": metric(0.0)}
