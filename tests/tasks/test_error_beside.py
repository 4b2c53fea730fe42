"""Other models and people beside a model: one table, the same problems."""

from __future__ import annotations

import math

import pytest

from simlearn.analysis.errors import AnalysisError
from simlearn.data.errors import DataError
from tests.analysis.errorradar.chat_server import ChatServer
from tests.tasks.error_case import (
    ask,
    go,
    metrics,
    problems,
    record_of,
    replies,
    rows,
    values,
)
from tests.tasks.error_plan import naive, planned, planned_script


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Words of twelve problems, and their rows."""
    return problems(tmp_path_factory.mktemp("drawn") / "problems")


@pytest.fixture
def no_pictures(monkeypatch):
    """Most of a short run's time."""
    monkeypatch.setattr("simlearn.tasks.error_report.error_figures", lambda *_: ())


@pytest.fixture(scope="module")
def plan(drawn):
    return planned(drawn[1])


@pytest.fixture(scope="module")
def rival(drawn, tmp_path_factory):
    """A finished run of another model, with open weights, that finds every step."""
    folder = tmp_path_factory.mktemp("rival") / "run"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("simlearn.tasks.error_report.error_figures", lambda *_: ())
        with ChatServer(
            lambda prompt, nth: f"say:Step {record_of(prompt, drawn[1])['error_step']}, CAL"
        ) as server:
            words = ("endpoint.model=the-other", "endpoint.weights=open")
            ask(folder, server, *drawn[0], *words)
    return folder


def test_two_models_in_one_table(drawn, plan, rival, tmp_path):
    folder = tmp_path / "run"
    with ChatServer(planned_script(drawn[1], plan)) as server:
        report = ask(folder, server, *drawn[0], f"evaluation.compare=[{rival}]")
    tables = {t.title: t for t in report.tables}
    models = tables["Models"].rows
    assert [(row[0], row[1]) for row in models[:2]] == [
        ("asked-for (this run)", "closed"),
        ("the-other", "open"),
    ]
    assert models[0][2].startswith("50.0 [") and models[1][2].startswith("100.0 [")
    rows_of_tests = {row[1]: row for row in tables["This model beside the others"].rows}
    assert set(rows_of_tests) == {"step", "category"}
    wanted = {
        "step": [(plan[r["id"]][1] == r["error_step"], True) for r in drawn[1]],
        "category": [
            (plan[r["id"]][2] == r["error_category"], r["error_category"] == "CAL")
            for r in drawn[1]
        ],
    }
    for task, pairs in wanted.items():
        ours = sum(a and not b for a, b in pairs)
        theirs = sum(b and not a for a, b in pairs)
        row = rows_of_tests[task]
        assert (row[0], *row[2:5]) == ("the-other", 12, ours, theirs)
        assert float(row[5]) == pytest.approx(100 * (ours - theirs) / 12, abs=0.05)
        n, few = ours + theirs, min(ours, theirs)
        p = min(1.0, 2 * sum(math.comb(n, k) for k in range(few + 1)) / 2**n)
        assert float(row[7]) == pytest.approx(p, rel=0.05)
    page = report.report_path.read_text()
    for text in ("asked-for (this run)", "the-other", "open", "closed"):
        assert text in page
    assert values(folder)["step_accuracy"] == naive(drawn[1], plan)["step_accuracy"] == 0.5


def test_models_on_other_problems_are_not_compared(drawn, rival, tmp_path, capsys):
    others, _ = problems(tmp_path / "problems", seed=1)
    with ChatServer() as server:
        compare = f"evaluation.compare=[{rival}]"
        with pytest.raises(AnalysisError, match=r"has seed 0, this run 1: their numbers cannot"):
            ask(tmp_path / "a", server, *others, compare)
        with pytest.raises(AnalysisError, match=r"has ask 'joint', this run 'step'"):
            ask(tmp_path / "b", server, *drawn[0], compare, "evaluation.ask=step")
        with pytest.raises(AnalysisError, match=r"has style '[0-9a-f]{16}', this run '[0-9a-f]"):
            ask(tmp_path / "c", server, *drawn[0], compare, "evaluation.style=json")
        no_run = f"evaluation.compare=[{tmp_path / 'problems'}]"
        assert go(tmp_path / "d", server, *drawn[0], no_run) == 1
        assert server.asked == []
    told = capsys.readouterr().err
    assert "is not the folder of a finished run of task=error_steps" in told
    assert not (tmp_path / "d/responses.jsonl").exists()


def test_people_beside_the_model(drawn, plan, tmp_path, capsys):
    """Ann is always right about steps, Bob says step 1 and CAL; six problems."""
    rated = drawn[1][:6]
    path = tmp_path / "people.csv"
    given = [f"{r['id']},Ann,{r['error_step']},{r['error_category']}" for r in rated]
    given += [f"{r['id']},Bob,1,calculation error" for r in rated]
    path.write_text("\n".join(["id,rater,step,category", *given]) + "\n")
    with ChatServer(planned_script(drawn[1], plan)) as server:
        report = ask(tmp_path / "run", server, *drawn[0], f"evaluation.human={path}")
    found = metrics(tmp_path / "run")
    bob = {
        "step": [r["error_step"] == 1 for r in rated],
        "category": [r["error_category"] == "CAL" for r in rated],
    }
    for place, (task, hits) in enumerate(bob.items(), 1):
        people = sum((1 + hit) / 2 for hit in hits) / 6
        gold = [r[f"error_{task}"] for r in rated]
        model = sum(plan[r["id"]][place] == one for r, one in zip(rated, gold, strict=True)) / 6
        gap = found["human_gap"][task]
        assert gap["n"] == 6
        assert gap["model"] == pytest.approx(model) and gap["human"] == pytest.approx(people)
        assert gap["difference"] == pytest.approx(model - people)
        assert gap["interval"][0] <= gap["difference"] <= gap["interval"][1]
        assert found["human"][task]["accuracy"]["value"] == pytest.approx(people)
        raters = found["human"][task]["raters"]
        assert raters["Ann"]["value"] == 1 and raters["Bob"]["value"] == pytest.approx(
            sum(hits) / 6
        )
    tables = {t.title: t for t in report.tables}
    assert "people, 6 problems" in [row[0] for row in tables["Models"].rows]
    assert {row[1] for row in tables["People"].rows} == {"Ann", "Bob", "all"}
    assert sum("6 problems that people rated" in note for note in report.notes) == 2
    assert "people" in report.report_path.read_text()
    assert found["test"]["step_accuracy"]["value"] == naive(drawn[1], plan)["step_accuracy"]


def test_people_who_rated_something_else(drawn, tmp_path):
    path = tmp_path / "people.csv"
    path.write_text("id,rater,step,category\ndrawn-00001,Ann,1,CAL\n")
    with ChatServer() as server:
        with pytest.raises(DataError, match=r"people.csv, line 2: .*'drawn-00001' is not in the"):
            ask(tmp_path / "run", server, *drawn[0], f"evaluation.human={path}")
        assert server.asked == []


def test_a_file_of_people_below_home(drawn, no_pictures, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "people.csv").write_text("id,rater,step,category\ndrawn-000001,Ann,1,CAL\n")
    with ChatServer() as server:
        ask(tmp_path / "run", server, *drawn[0], "evaluation.human=~/people.csv")
    assert metrics(tmp_path / "run")["human"]["n"] == 1


def test_a_quick_look(tmp_path, rival, no_pictures):
    """Six problems, the same that ``data.n=6`` draws, without what stands beside all."""
    people = tmp_path / "people.csv"
    people.write_text("id,rater,step,category\ndrawn-000011,Ann,1,CAL\n")
    words = ("trainer.fast_dev_run=true", "evaluation.bootstrap=2000", "data.n=12")
    beside = (f"evaluation.compare=[{rival}]", f"evaluation.human={people}")
    with ChatServer() as server:
        report = ask(tmp_path / "run", server, *words, *beside)
        assert len(server.asked) == 6 == len(replies(tmp_path / "run"))
    assert report.train["problems"] == 6
    _, raw = problems(tmp_path / "six", n=6)
    said = [(row["id"], row["gold_step"], row["problem_type"]) for row in rows(tmp_path / "run")]
    assert said == [(r["id"], r["error_step"], r["problem_type"]) for r in raw]
