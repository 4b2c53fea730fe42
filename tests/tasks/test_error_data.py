"""Wrong steps in records of one's own: by hand, without a wrong step, and ProcessBench."""

from __future__ import annotations

import json

import pytest

from tests.analysis.errorradar.chat_server import ChatServer
from tests.tasks.error_case import (
    ask,
    go,
    metrics,
    record_of,
    rows,
    values,
)


@pytest.fixture
def no_pictures(monkeypatch):
    """Most of a short run's time."""
    monkeypatch.setattr("simlearn.tasks.error_report.error_figures", lambda *_: ())


RECORDS = [
    {"id": "a", "question": "What is 2 + 3 times 4?", "steps": ["3 times 4 is 12.", "Then 15."],
     "error_step": 2, "error_category": "CAL", "problem_type": "algebra", "answer": "14"},
    {"id": "b", "question": "Half of 18?", "steps": ["18 - 2 is 16.", "So 16.", "Done."],
     "error_step": 1, "error_category": "REAS"},
    {"id": "c", "question": "Is 7 a prime?", "steps": ["No divisor.", "So it is one.", "Yes."],
     "error_step": 0},
    {"id": "d", "question": "Name {n} <b>shapes</b>.", "steps": ["A square.", "A sphere is flat."],
     "error_step": 2, "error_category": "knowledge error", "student_answer": "two"},
]  # fmt: skip
"""Written by hand; in the third nothing is wrong."""


@pytest.fixture(scope="module")
def by_hand(tmp_path_factory):
    """The word that names them."""
    path = tmp_path_factory.mktemp("records") / "mine.jsonl"
    path.write_text("".join(json.dumps(r) + "\n" for r in RECORDS))
    return ("data=error_records", f"data.path={path}")


def test_records_written_by_hand(by_hand, no_pictures, tmp_path, capsys):
    said = {"a": "Step 2, CAL", "b": "Step 2, REAS", "d": '{"step": 2, "category": "MIS"}'}
    folder = tmp_path / "run"
    with ChatServer(lambda prompt, nth: f"say:{said[record_of(prompt, RECORDS)['id']]}") as server:
        assert go(folder, server, *by_hand) == 0
    assert [row["id"] for row in rows(folder)] == ["a", "b", "d"]
    told = values(folder)
    assert told["step_accuracy"] == pytest.approx(2 / 3) and told["step_within_one"] == 1
    assert told["category_accuracy"] == pytest.approx(2 / 3)
    assert told["joint_accuracy"] == pytest.approx(1 / 3)
    assert all(isinstance(one.body["messages"][-1]["content"], str) for one in server.asked)
    assert any("Name {n} <b>shapes</b>." in prompt for prompt in server.prompts)
    out = capsys.readouterr().out
    assert "note: 1 of 4 records have no wrong step and are left out (data.correct=keep" in out
    assert metrics(folder)["protocol"]["file"] == "mine.jsonl"
    assert metrics(folder)["error_radar"]["per_problem_type"].keys() == {"algebra"}


def test_solutions_without_a_wrong_step(by_hand, no_pictures, tmp_path):
    said = {
        "a": "Step 0, CAL",  # an alarm that did not go off
        "b": "Step 1, REAS",
        "c": '{"step": 0, "category": null}',
        "d": "Step 2, KNOW",
    }
    folder = tmp_path / "run"
    with ChatServer(lambda prompt, nth: f"say:{said[record_of(prompt, RECORDS)['id']]}") as server:
        ask(folder, server, *by_hand, "data.correct=keep")
    assert all("If every step is right, reply with 0" in prompt for prompt in server.prompts)
    read = [(row["id"], row["gold_step"], row["pred_step"]) for row in rows(folder)]
    assert read == [("a", 2, 0), ("b", 1, 1), ("c", 0, 0), ("d", 2, 2)]
    told = metrics(folder)["test"]
    assert told["step_accuracy"]["value"] == pytest.approx(2 / 3)
    assert told["step_accuracy"]["n"] == 3
    assert (told["step_accuracy_none"]["value"], told["step_accuracy_none"]["n"]) == (1, 1)
    assert told["step_f1"]["value"] == pytest.approx(2 / (3 / 2 + 1))  # harmonic mean of 2/3 and 1
    assert (told["category_accuracy"]["value"], told["category_accuracy"]["n"]) == (1, 3)
    assert told["joint_accuracy"]["value"] == pytest.approx(2 / 3)
    assert metrics(folder)["protocol"]["none_allowed"] is True


def test_processbench(no_pictures, tmp_path):
    """Steps from 0, -1 where none is wrong, no kinds of errors."""
    labels = (0, 1, -1, 2)
    content = [
        {"id": f"gsm8k-{n}", "problem": f"Problem {n}?", "steps": ["One.", "Two.", f"Three {n}."],
         "label": label, "generator": "somebody", "final_answer_correct": label < 0}
        for n, label in enumerate(labels)
    ]  # fmt: skip
    path = tmp_path / "gsm8k.jsonl"
    path.write_text("".join(json.dumps(r) + "\n" for r in content))
    said = ("Step 1", "Step 3", "no step is wrong: 0", "Step 3")

    def script(prompt, nth):
        return f"say:{next(said[n] for n in range(4) if f'Problem {n}?' in prompt)}"

    words = ("data=error_records", f"data.path={path}", "data.map=processbench")
    with ChatServer(script) as server:
        ask(tmp_path / "run", server, *words, "evaluation.ask=step")
        ask(tmp_path / "both", server, *words, "evaluation.ask=separate", "data.correct=keep")
    told = values(tmp_path / "run")
    assert told["step_accuracy"] == pytest.approx(2 / 3)
    assert not [name for name in told if name.startswith(("category", "joint"))]
    assert [row["gold_step"] for row in rows(tmp_path / "run")] == [1, 2, 3]
    told = values(tmp_path / "both")
    assert told["step_accuracy_none"] == 1 and told["step_f1"] == pytest.approx(0.8)
    assert "category_accuracy" not in told and "joint_accuracy" not in told
