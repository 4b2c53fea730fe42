"""The last lines of a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from simlearn.report import Metric
from simlearn.tasks.summary import summary_lines


def metric(value, interval=(0.1, 0.9)):
    return Metric(value, 320, interval, higher_is_better=True)


@dataclass
class Shown:
    metrics: dict
    baselines: dict
    protocol: dict = field(default_factory=lambda: {"crop": 0.6, "clips_per_video": 5})
    notes: tuple = ()
    details: dict = field(default_factory=dict)
    report_path: Path = Path("outputs/x/report.html")


TOP = {"recall_at_1": metric(0.609, (0.5311, 0.675)), "map_at_r": metric(0.452)}


def test_retrieval_alone_prints_no_protocol():
    lines = summary_lines(Shown(TOP, {"untrained": TOP}))
    assert lines == [
        "                       top-1   95 % interval    MAP@R   queries",
        "trained               60.9 %   [53.1, 67.5]    45.2 %       320",
        "untrained             60.9 %   [53.1, 67.5]    45.2 %       320",
        "report: outputs/x/report.html",
    ]


def test_further_numbers_come_with_the_whole_protocol():
    more = {"nshot_2_linear_accuracy": metric(0.5), "verification_auc": metric(0.97, None)}
    lines = summary_lines(Shown({**TOP, **more}, {}))
    assert lines[2:] == [
        "nshot_2_linear_accuracy                   50.0 %   [10.0, 90.0]",
        "verification_auc                            0.97",
        "protocol:",
        "  crop: 0.6",
        "  clips_per_video: 5",
        "report: outputs/x/report.html",
    ]


def test_nothing_measured_is_a_dash_and_notes_are_told():
    nothing = Metric(float("nan"), 0, (float("nan"), float("nan")), higher_is_better=True)
    shown = Shown({"recall_at_1": nothing, "map_at_r": nothing}, {}, notes=("Left\nout.",))
    assert summary_lines(shown)[1:] == [
        "trained                    -   -                    -         0",
        "note: Left out.",
        "report: outputs/x/report.html",
    ]
