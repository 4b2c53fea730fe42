"""The last lines of a stream on the terminal."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from simlearn.report import Metric
from simlearn.tasks.incremental_summary import incremental_lines
from simlearn.tasks.summary import summary_lines


def metric(value, interval=None, n=540):
    return Metric(value, n, interval, higher_is_better=True)


@dataclass
class Shown:
    metrics: dict
    baselines: dict
    train: dict
    protocol: dict = field(default_factory=lambda: {"data": "Digits"})
    notes: tuple = ()
    details: dict = field(default_factory=dict)
    report_path: Path = Path("outputs/x/report.html")


def shown(**more):
    metrics = {
        "ncm_all": metric(0.8125, (0.78, 0.844)),
        "ncm_base": metric(0.75),
        "ncm_new": metric(0.9),
        "omega_base": metric(0.8765432),
        "omega_new": metric(0.95),
        "omega_all": metric(0.5),
        "omega_all_per_experience": metric(float("nan")),
        "forgetting": metric(0.125),
        "recall_at_1": metric(0.7),
        **more,
    }
    baselines = {"untrained": {"ncm_all": metric(0.5, (0.45, 0.55))}}
    return Shown(metrics, baselines, {"strategy": "RepresentationReplay", "memory_bytes": 1234567})


def test_every_line():
    assert summary_lines(shown()) == [
        "                         all classes   95 % interval    images",
        "RepresentationReplay          81.2 %   [78.0, 84.4]        540",
        "untrained                     50.0 %   [45.0, 55.0]        540",
        "base classes                  75.0 %",
        "newest classes                90.0 %",
        "omega base                    0.8765",
        "omega new                       0.95",
        "omega all, per experience           -",
        "forgetting                    12.5 %",
        "bytes kept                 1,234,567",
        "report: outputs/x/report.html",
    ]


def test_what_was_not_measured_has_no_line():
    bare = shown()
    bare.metrics = {"ncm_all": metric(1.0, (1.0, 1.0), 8)}
    lines = incremental_lines(bare)
    assert len(lines) == 4
    assert lines[1].split() == ["RepresentationReplay", "100.0", "%", "[100.0,", "100.0]", "8"]
    assert "real class means" in "\n".join(incremental_lines(shown(ncm_real=metric(0.6))))


def test_notes_are_told():
    told = shown()
    told.notes = ("There is\nno omega.",)
    assert summary_lines(told)[-2:] == [
        "note: There is no omega.",
        "report: outputs/x/report.html",
    ]
