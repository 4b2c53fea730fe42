"""The last lines of a search for wrong steps on the terminal."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from simlearn.report import Metric, Table
from simlearn.tasks.error_dry_run import PROMPTS
from simlearn.tasks.error_summary import COLUMNS, error_lines, finds_errors
from simlearn.tasks.summary import summary_lines
from tests.tasks.wrong_steps import HOSTILE


def metric(value, interval=None, n=500):
    return Metric(value, n, interval, higher_is_better=True)


@dataclass
class Shown:
    metrics: dict
    baselines: dict
    train: dict = field(default_factory=lambda: {"model": "gpt-4o"})
    details: dict = field(default_factory=lambda: {"error_radar": {}})
    protocol: dict = field(default_factory=dict)
    tables: tuple = ()
    notes: tuple = ()
    report_path: Path = Path("outputs/x/report.html")


WHOLE = {
    "step_accuracy": metric(0.551, (0.5023, 0.6)),
    "step_within_one": metric(0.7),
    "category_accuracy": metric(0.532, (0.5, 0.55), 480),
    "category_macro_f1": metric(0.4),
    "joint_accuracy": metric(1.0),
    "step_parse_failures": metric(0.015),
    "category_parse_failures": metric(0.0),
    "step_distance": metric(1.5),
}
BLIND = {"majority": {"step_accuracy": metric(0.2), "joint_accuracy": metric(0.0)}}


def test_every_line():
    assert error_lines(Shown(WHOLE, BLIND)) == [
        "                step  within one    category    macro-F1        both",
        "gpt-4o        55.1 %      70.0 %      53.2 %      40.0 %     100.0 %",
        "majority      20.0 %                                           0.0 %",
        "step         95 % interval [50.2, 60.0]     500 problems",
        "within one   95 % interval -                500 problems",
        "category     95 % interval [50.0, 55.0]     480 problems",
        "macro-F1     95 % interval -                500 problems",
        "both         95 % interval -                500 problems",
        "step not readable in 1.5 %",
        "category not readable in 0.0 %",
    ]


def test_what_was_not_asked_has_no_column():
    step = {name: one for name, one in WHOLE.items() if name.startswith("step")}
    lines = error_lines(Shown(step, {}))
    assert lines[0].split() == ["step", "within", "one"]
    assert len(lines) == 5 and lines[-1] == "step not readable in 1.5 %"
    assert set(COLUMNS) - {"step_f1"} <= set(WHOLE)


def test_solutions_without_an_error_have_a_column():
    lines = error_lines(Shown({"step_accuracy": metric(0.5), "step_f1": metric(0.25)}, {}))
    assert lines[0].split() == ["step", "step", "F1"] and lines[1].split()[3] == "25.0"


def test_compared_runs_stand_below_this_one():
    values = {"step_accuracy": 0.25, "category_accuracy": None}
    runs = [{"name": name, "weights": "open", "values": values} for name in ("other", HOSTILE)]
    lines = error_lines(Shown(WHOLE, BLIND, details={"error_radar": {}, "compared": runs}))
    assert [line.split()[0] for line in lines[1:3]] == ["gpt-4o", "other"]
    assert lines[2].split() == ["other", "25.0", "%"] and lines[4].startswith("majority")
    assert all(line.isprintable() for line in lines)


def test_nothing_measured_prints_no_number():
    assert error_lines(Shown({}, {})) == ["      ", "gpt-4o"]


def test_a_model_that_is_called_like_a_baseline():
    lines = error_lines(Shown(WHOLE, BLIND, train={"model": "majority"}))
    assert [line.split()[1] for line in lines[1:3]] == ["55.1", "20.0"]


def test_a_hostile_name_is_one_short_line():
    for lines in (
        error_lines(Shown(WHOLE, BLIND, train={"model": HOSTILE})),
        error_lines(Shown(WHOLE, {HOSTILE: BLIND["majority"]})),
    ):
        assert len(lines) == 10 and all(line.isascii() or "\u2026" in line for line in lines)
        assert all(line.isprintable() and len(line) <= 100 for line in lines)
        assert len({len(line) for line in lines[:3]}) == 1


PROMPT = Table(
    title=PROMPTS,
    columns=("problem", "asked", "figure", "role", "prompt"),
    rows=(
        ("p0", "step", "a.png", "You are a teacher.", "Find it:\n1. a"),
        (HOSTILE, "step", HOSTILE, "", f"x\n{HOSTILE}"),
    ),
)


def test_a_dry_run_shows_its_prompts():
    other = Table("other", ("a",), (("b",),))
    shown = Shown({}, {}, details={"dry_run": True}, tables=(other, PROMPT))
    lines = error_lines(shown)
    assert lines[:3] == [
        "--- p0 (step), figure: a.png",
        "You are a teacher.",
        "Find it:\n1. a",
    ]
    assert lines[-1] == "---" and len(lines) == 6
    assert lines[3].isprintable() and lines[3].startswith("--- <script>")
    assert "\x1b" not in "".join(lines) and "\u202e" not in "".join(lines)
    assert error_lines(Shown({}, {}, details={"dry_run": True})) == ["---"]


def test_whose_report_it_is():
    assert finds_errors(Shown(WHOLE, {}))
    assert finds_errors(Shown({}, {}, details={"dry_run": True}))
    assert not finds_errors(Shown(WHOLE, {}, details={}))
    assert not finds_errors(Shown(WHOLE, {}, details={"dry_run": False}))


def test_what_the_terminal_shows():
    lines = summary_lines(Shown(WHOLE, BLIND, notes=("Left\nout.",)))
    assert lines[:-2] == error_lines(Shown(WHOLE, BLIND))
    assert lines[-2:] == ["note: Left out.", "report: outputs/x/report.html"]
