"""The last lines of a run of questions."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from simlearn.report import Metric
from simlearn.tasks.answer_summary import answer_lines, answers_questions
from simlearn.tasks.summary import summary_lines


def share(value, interval=(0.1, 0.9), n=12):
    return Metric(value, n, interval, higher_is_better=True)


@dataclass
class Shown:
    metrics: dict
    baselines: dict
    protocol: dict = field(default_factory=dict)
    notes: tuple = ()
    details: dict = field(default_factory=dict)
    report_path: Path = Path("outputs/x/report.html")


TRAINED = {
    "easy_vqa_accuracy": share(0.913, (0.9004, 0.925)),
    "easy_vqa_yes_no_accuracy": share(0.5, n=7),
    "text_accuracy": share(1.0, None, 8),
    "easy_vqa_loss": Metric(0.1, 12, None, higher_is_better=False),
}
BLANKED = {"easy_vqa_accuracy": share(0.25), "text_accuracy": share(1.0)}
SHOWN = Shown(TRAINED, {"untrained": BLANKED, "question alone": {"easy_vqa_accuracy": share(0.6)}})


def test_one_line_for_each_accuracy():
    lines = [line.split() for line in answer_lines(SHOWN)]
    assert lines[0] == [
        "model",
        "untrained",
        "question",
        "alone",
        "95",
        "%",
        "interval",
        "questions",
    ]
    assert lines[1:] == [
        ["easy", "vqa", "91.3", "%", "25.0", "%", "60.0", "%", "[90.0,", "92.5]", "12"],
        ["easy", "vqa", "yes", "no", "50.0", "%", "[10.0,", "90.0]", "7"],
        ["text", "100.0", "%", "100.0", "%", "8"],
    ]


def test_columns_stand_under_their_names():
    head, *lines = answer_lines(SHOWN)
    for end in (head.index("model") + 5, head.index("untrained") + 9, len(head)):
        for line in lines:
            assert line[end - 1] in "%0123456789 " and line[end : end + 1] in ("", " ")
    assert all(len(line) == len(head) for line in lines)


def test_whose_report_it_is():
    assert answers_questions(SHOWN)
    assert not answers_questions(Shown(TRAINED, {}))
    assert not answers_questions(Shown(TRAINED, {"untrained": {"recall_at_1": share(0.5)}}))
    assert not answers_questions(
        Shown(TRAINED, {"untrained": BLANKED, "pixels": {"map_at_r": share(0.5)}})
    )


def test_what_the_terminal_shows():
    lines = summary_lines(Shown(SHOWN.metrics, SHOWN.baselines, {"asked": "test"}, ("Left\nout.",)))
    assert lines[1].startswith("easy vqa ") and "91.3 %" in lines[1]
    assert lines[-2:] == ["note: Left out.", "report: outputs/x/report.html"]
    assert not any("loss" in line for line in lines)
