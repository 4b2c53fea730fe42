"""A whole search for wrong steps: what is asked, how replies are scored, what is left behind."""

from __future__ import annotations

import json
import math

import pytest

from simlearn.train import main
from tests.analysis.errorradar.chat_server import ChatServer
from tests.tasks.error_case import (
    FILES,
    SMALL,
    ask,
    go,
    metrics,
    problems,
    record_of,
    replies,
    rows,
    run,
    values,
)
from tests.tasks.error_plan import naive, planned, planned_script

DETAILS = {"model", "error_radar", "compared", "masks", "masked_neurons"} | {
    "human",
    "human_gap",
    "human_file",
}
KEYS = {"format_version", "recipe", "seed", "test", "baselines", "train", "seconds", "protocol"}


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
def finished(drawn, plan, tmp_path_factory):
    """A run with a server, its pictures and all: its report, its folder, what was asked."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    with ChatServer(planned_script(drawn[1], plan)) as server:
        report = ask(folder, server, *drawn[0])
    return report, folder, server.asked


def test_the_server_is_asked_once_about_every_problem(drawn, finished):
    _, _, asked = finished
    assert sorted(record_of(one.prompt, drawn[1])["id"] for one in asked) == [
        r["id"] for r in drawn[1]
    ]
    for one in asked:
        assert one.body["model"] == "asked-for" and one.body["max_tokens"] == 512
        assert "authorization" not in one.headers
        system, user = one.body["messages"]
        assert "teacher" in system["content"]
        text, image = user["content"]
        assert text["text"] == one.prompt and "data:image/" in image["image_url"]["url"]
        record = record_of(one.prompt, drawn[1])
        assert record["correct_answer"] in one.prompt and record["student_answer"] in one.prompt


def test_values_are_those_of_a_naive_scoring(drawn, plan, finished):
    report, folder, _ = finished
    wanted, found = naive(drawn[1], plan), values(folder)
    for name, value in wanted.items():
        assert found[name] == pytest.approx(value), name
    assert found["step_accuracy"] == 0.5  # three of the six kinds
    for entry in metrics(folder)["test"].values():
        low, high = entry["interval"]
        assert low <= entry["value"] <= high and 0 < entry["n"] <= 12
    told = metrics(folder)["train"]
    assert (told["problems"], told["replies"], told["without reply"]) == (12, 12, 0)
    assert (told["prompt_tokens"], told["completion_tokens"]) == (11 * 12, 7 * 12)
    assert report.metrics["step_accuracy"].value == found["step_accuracy"]


def test_numbers_of_problems_behind_each_metric(drawn, finished):
    """A third of the solutions' places for each third, all for what could not be read."""
    told = metrics(finished[1])["test"]
    thirds = [math.ceil(3 * r["error_step"] / len(r["steps"])) for r in drawn[1]]
    for third, name in enumerate(("first", "middle", "last"), 1):
        if thirds.count(third):
            assert told[f"step_accuracy_{name}"]["n"] == thirds.count(third)
        else:
            assert f"step_accuracy_{name}" not in told
    for name in ("step_parse_failures", "category_parse_failures", "step_accuracy"):
        assert told[name]["n"] == 12


def test_rows_say_how_every_reply_was_read(drawn, plan, finished):
    _, folder, _ = finished
    assert [row["id"] for row in rows(folder)] == [r["id"] for r in drawn[1]]
    for row, record in zip(rows(folder), drawn[1], strict=True):
        _, step, kind = plan[record["id"]]
        assert (row["pred_step"], row["pred_category"]) == (step, kind)
        assert (row["gold_step"], row["gold_category"]) == (
            record["error_step"],
            record["error_category"],
        )
        assert row["n_steps"] == len(record["steps"])
        assert row["problem_type"] == record["problem_type"]
    rules = [row["step_rule"] for row in rows(folder)[:6]]
    assert rules == ["json", "last line", "json", "none found", "last line", "json"]
    said = {reply["id"]: reply for reply in replies(folder)}
    assert len(said) == 12
    for name, reply in said.items():
        assert reply["text"] == plan[name][0] and reply["model"] == "served-1"
        assert (reply["task"], reply["variant"]) == ("joint", "")


def test_files_of_a_run(finished):
    report, folder, _ = finished
    there = {p.name for p in folder.iterdir()}
    assert there == FILES | {"recipe.yaml", ".lock", "figures"}  # the problems have their own place
    assert not [p for p in folder.rglob("*") if p.suffix == ".tmp"]
    assert (folder / "failures.jsonl").read_bytes() == b""
    found = metrics(folder)
    assert set(found) == KEYS | DETAILS
    assert set(found["baselines"]) == {"majority", "uniform", "first step", "last step"}
    assert found["protocol"].keys() >= {"data", "data_fingerprint", "ask", "style", "fingerprint"}
    assert "asked-for" not in json.dumps(found["protocol"])
    assert found["model"] == {
        "name": "asked-for",
        "weights": "closed",
        "images": True,
        "called_itself": {"served-1": 12},
    }
    assert (found["masks"], found["human"], found["human_gap"]) == ([], None, None)
    names = [figure.name for figure in report.figures]
    assert names == ["models", "error_confusion", "step_positions", "error_examples"]
    assert [t.title for t in report.tables] == [
        "Models",
        "Kinds of errors",
        "Which kind is taken for which",
        "Types of problems",
    ]
    text = " ".join(str(cell) for t in report.tables for row in t.rows for cell in row)
    assert "nan" not in text and "None" not in text
    page = report.report_path.read_text()
    assert "asked-for (this run)" in page and "<script" not in page


@pytest.mark.parametrize("tell", ["false", "true"])
def test_two_prompts_a_problem_score_the_same(
    drawn, plan, finished, no_pictures, tmp_path, tell, capsys
):
    folder = tmp_path / "run"
    words = ("evaluation.ask=separate", f"evaluation.tell_step={tell}", "evaluation.images=false")
    with ChatServer(planned_script(drawn[1], plan)) as server:
        assert go(folder, server, *drawn[0], *words) == 0
    assert len(server.asked) == 24 == len(replies(folder))
    for one in server.asked:
        assert isinstance(one.body["messages"][-1]["content"], str)  # no figure
        step = record_of(one.prompt, drawn[1])["error_step"]
        about_kind = "Reply only with one of:" in one.prompt
        line = f"The first wrong step is step {step}.\n"
        assert (line in one.prompt) == (about_kind and tell == "true")
        assert ("FIRST wrong step. Reply only" in one.prompt) != about_kind
    assert values(folder) == values(finished[1])
    told, name = metrics(folder), "asked-for (without figures)"
    assert told["protocol"]["tell_step"] == (tell == "true")
    assert told["train"]["replies"] == 24 and told["train"]["model"] == name
    assert f"{name}  " in capsys.readouterr().out


@pytest.mark.parametrize("task", ["step", "category"])
def test_one_question_alone(drawn, plan, no_pictures, tmp_path, task, capsys):
    folder = tmp_path / "run"
    with ChatServer(planned_script(drawn[1], plan)) as server:
        assert go(folder, server, *drawn[0], f"evaluation.ask={task}") == 0
    other = "category" if task == "step" else "step"
    told, wanted = values(folder), naive(drawn[1], plan)
    assert told[f"{task}_accuracy"] == pytest.approx(wanted[f"{task}_accuracy"])
    assert not [name for name in told if name.startswith(other)] and "joint_accuracy" not in told
    assert all(f"pred_{other}" not in row and f"pred_{task}" in row for row in rows(folder))
    out = capsys.readouterr().out
    assert f"{task:12} 95 % interval" in out and f"{other:12} 95 % interval" not in out


def test_replies_of_a_run_give_its_numbers_again(drawn, finished, no_pictures, tmp_path):
    _, source, _ = finished
    folder = tmp_path / "run"
    report = run(folder, "endpoint=replay", f"endpoint.responses={source}", *drawn[0])
    assert metrics(folder)["test"] == metrics(source)["test"]
    assert metrics(folder)["error_radar"] == metrics(source)["error_radar"]
    assert metrics(folder)["protocol"] == metrics(source)["protocol"]
    assert rows(folder) == rows(source)
    assert report.train["model"] == "served-1"
    of_source = {reply["id"]: reply for reply in replies(source)}
    for reply in replies(folder):
        assert reply["key"] != of_source[reply["id"]]["key"]  # of another endpoint
        assert {**reply, "key": ""} == {**of_source[reply["id"]], "key": ""}


def test_replies_from_elsewhere(drawn, no_pictures, tmp_path, capsys):
    """Written by hand, with an id and a text; one is missing."""
    path = tmp_path / "said.jsonl"
    said = [
        {"id": r["id"], "text": f"Step {r['error_step']}, {r['error_category']}"}
        for r in drawn[1][1:]
    ]
    path.write_text("".join(json.dumps(one) + "\n" for one in said))
    words = (*SMALL, "endpoint=replay", f"endpoint.responses={path}", *drawn[0])
    words = ("recipe=error_radar", *words, "endpoint.name=by hand", "endpoint.weights=open")
    assert main([*words, f"run_dir={tmp_path / 'run'}"]) == 1
    told = capsys.readouterr().err
    assert "1 of 12 requests got no reply; the first, about 'drawn-000000': said.jsonl has" in told
    assert main([*words, f"run_dir={tmp_path / 'two'}", "evaluation.missing=0.1"]) == 0
    assert values(tmp_path / "two")["joint_accuracy"] == pytest.approx(11 / 12)
    model = metrics(tmp_path / "two")["model"]
    assert (model["name"], model["weights"]) == ("by hand", "open")


def test_a_dry_run_asks_nothing(drawn, tmp_path, capsys):
    folder = tmp_path / "run"
    words = ("endpoint.dry_run=true", "endpoint.price_in=2", "endpoint.price_out=8")
    key = "endpoint.key_env=NO_SUCH_VARIABLE_IS_SET"
    with ChatServer() as server:
        assert go(folder, server, *drawn[0], *words, key) == 0
        assert server.asked == []
    out = capsys.readouterr().out
    assert not (folder / "responses.jsonl").exists() and not (folder / "rows.jsonl").exists()
    page = (folder / "report.html").read_text()
    for record in drawn[1][:3]:
        last = f"{len(record['steps'])}. {record['steps'][-1]}"
        assert f"Question: {record['question']}\n" in out and f"\n{last}\n" in out
        assert f"--- {record['id']} (joint), figure: {record['image'].split('/')[-1]}" in out
        assert record["question"] in page
    assert drawn[1][3]["id"] not in out
    for text in (out, page):
        assert "You are an experienced K-12 maths teacher" in text
        assert "A dry run: nothing was asked. 12 requests, 12 of them with a picture" in text
    assert f"{12 * 512:,} of replies" in out
    found = metrics(folder)
    assert found["dry_run"] is True and found["test"] == {}
    assert found["train"] == {"problems": 12, "requests": 12}


def test_a_dry_run_of_a_model_in_this_process(drawn, tmp_path):
    words = ("endpoint=local", "model=tiny_shipped", "endpoint.dry_run=true")
    report = run(tmp_path / "run", *words, *drawn[0], "evaluation.ask=separate")
    assert report.train["requests"] == 24 and report.metrics == {}
    (table,) = report.tables
    assert [row[1] for row in table.rows] == ["step", "category", "step"]


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    """The recipe as it is, for the small model that ships with simlearn."""
    folder = tmp_path_factory.mktemp("shipped") / "run"
    words = ("endpoint=local", "model=tiny_shipped", "endpoint.max_tokens=4", "data.n=6")
    return run(folder, *words), folder, words


def test_a_model_in_this_process(shipped):
    report, folder, _ = shipped
    assert {p.name for p in folder.iterdir()} >= FILES | {"problems", "figures"}
    assert len(replies(folder)) == 6 == len(rows(folder))
    assert report.train["weights"] == "open" and report.train["replies"] == 6
    assert all(0 < reply["completion_tokens"] <= 4 for reply in replies(folder))
    assert all(reply["prompt_tokens"] > 20 for reply in replies(folder))
    assert report.metrics["step_accuracy"].n == 6
    page = report.report_path.read_text()
    assert "(this run)" in page and "majority" in page
