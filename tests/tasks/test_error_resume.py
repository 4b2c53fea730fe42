"""A search for wrong steps that is killed, stopped or refused anywhere, and goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections import Counter

import pytest

from simlearn.analysis.errorradar.prompt_style import load_style
from simlearn.analysis.errorradar.prompts import build_prompt
from simlearn.analysis.errorradar.records import read_records
from tests.analysis.errorradar.chat_server import ChatServer
from tests.tasks.error_case import (
    ROOT,
    address,
    begin,
    command,
    comparable,
    go,
    go_on,
    kill_at,
    metrics,
    problems,
    replies,
    rows,
    run,
    server_process,
    values,
)


@pytest.fixture(scope="module", autouse=True)
def no_pictures():
    """Most of a short run's time; other tests look at them."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("simlearn.tasks.error_report.error_figures", lambda *_: ())
        yield


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Words of twenty problems, and their rows."""
    return problems(tmp_path_factory.mktemp("drawn") / "problems", n=20)


@pytest.fixture(scope="module")
def whole(drawn, tmp_path_factory):
    """The numbers of a run that nothing happened to."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    with ChatServer() as server:
        assert go(folder, server, *drawn[0]) == 0
    return comparable(folder)


@pytest.mark.timeout(900)
def test_five_hundred_problems_killed_twice_by_sigkill(tmp_path):
    folder, concurrency = tmp_path / "run", 8
    settings = (
        *("endpoint=openai", "endpoint.model=asked-for", f"endpoint.concurrency={concurrency}"),
        *("endpoint.backoff_s=0.01", "data.n=500", "evaluation.bootstrap=200", "trainer=cpu"),
        "trainer.threads=1",
    )
    stored, at_kill = [], []
    with server_process(tmp_path, seconds=0.06) as server:
        words = ("recipe=error_radar", address(server), *settings, f"run_dir={folder}")
        for least, most in ((100, 300), (300, 500)):
            process = begin(*words)
            printed = kill_at(process, folder / "responses.jsonl", least)
            assert process.returncode == -signal.SIGKILL, printed
            at_kill.append(len(server.prompts))
            stored.append({reply["id"] for reply in replies(folder)})
            assert least <= len(stored[-1]) < most
            assert not (folder / "metrics.json").exists()
            words = (f"resume={folder}",)
        assert stored[0] < stored[1]
        done = subprocess.run(
            command(*words), cwd=ROOT, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stdout + done.stderr
        log = server.prompts
        kept = replies(folder)
        assert len(kept) == len({reply["key"] for reply in kept}) == 500
        assert (folder / "responses.jsonl").read_bytes().count(b"\n") == 500

        # what was kept at a kill is not asked again, and little else is asked twice
        prompts = {
            record.id: build_prompt(record, "joint", load_style("plain")).text
            for record in read_records(folder / "problems/problems.jsonl")
        }
        assert set(log) == set(prompts.values()) and len(prompts) == 500
        for ids, count in zip(stored, at_kill, strict=True):
            open_prompts = {text for name, text in prompts.items() if name not in ids}
            assert set(log[count:]) <= open_prompts
        asked_twice = sum((Counter(log) - Counter(prompts.values())).values())
        assert len(log) == 500 + asked_twice and asked_twice <= 2 * concurrency

        # a finished run asks nothing
        before = (folder / "metrics.json").read_bytes()
        assert go_on(folder) == 0
        assert server.prompts == log and (folder / "metrics.json").read_bytes() == before

    # the same numbers as those of a run that nothing happened to
    other = tmp_path / "other"
    with ChatServer() as server:
        run(other, address(server), *settings, f"data.root={folder / 'problems'}")
    assert comparable(folder) == comparable(other)
    assert rows(folder) == rows(other)
    assert {r["key"]: r["text"] for r in kept} == {r["key"]: r["text"] for r in replies(other)}


def is_number(number, prompt, server):
    """Whether a prompt is the one that came so many-th; all are different."""
    return server.prompts[number - 1 : number] == [prompt]


def test_sigterm_says_how_to_go_on(drawn, whole, tmp_path, capsys):
    folder = tmp_path / "run"

    def script(prompt, nth):
        if is_number(7, prompt, server):
            os.kill(os.getpid(), signal.SIGTERM)
        return "slow:0.05"

    with ChatServer(script) as server:
        assert go(folder, server, *drawn[0]) == 130
        told = capsys.readouterr().err
        kept = len(replies(folder))
        assert f"stopped by SIGTERM, {kept} of 20 replies are kept; go on with: " in told
        assert f"go on with: python -m simlearn.train resume={folder}\n" in told
        assert "Traceback" not in told and not (folder / "metrics.json").exists()
        assert len(server.asked) == kept < 20  # what was under way is waited for
        assert go_on(folder) == 0
        assert len(server.asked) == len(replies(folder)) == 20
    assert comparable(folder) == whole
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_sigterm_while_the_last_is_tried_again_leaves_no_hole(drawn, whole, tmp_path, capsys):
    """What was given up because of the signal is no failure of the server."""
    folder, ill = tmp_path / "run", True

    def script(prompt, nth):
        if not ill or len(server.asked) < 20:
            return "fine"
        os.kill(os.getpid(), signal.SIGTERM)
        return "503:30"

    words = ("endpoint.concurrency=1", "endpoint.retries=9", "evaluation.missing=0.5")
    with ChatServer(script) as server:
        assert go(folder, server, *drawn[0], *words) == 130
        told = capsys.readouterr().err
        assert "stopped by SIGTERM, 19 of 20 replies are kept; go on with: " in told
        assert not (folder / "metrics.json").exists()
        ill = False
        assert go_on(folder) == 0
        assert len(server.asked) == 21
    assert comparable(folder) == whole


def test_a_server_that_goes_down_and_another_address(drawn, whole, tmp_path, capsys):
    folder = tmp_path / "run"

    def script(prompt, nth):
        if is_number(8, prompt, first):
            first.close()
        return "fine"

    with ChatServer() as other:
        first = ChatServer(script)
        first.__enter__()
        assert go(folder, first, *drawn[0], "endpoint.retries=0") == 1
        told = capsys.readouterr().err
        kept = {reply["id"] for reply in replies(folder)}
        assert f"error: endpoint.base_url {first.base_url} cannot be reached (" in told
        assert f"({len(kept)} replies are kept)" in told and f"resume={folder}" in told
        assert f"resume={folder}" in told and "Traceback" not in told
        assert 1 <= len(kept) < 20 and not (folder / "metrics.json").exists()
        assert go_on(folder) == 1  # still down
        assert {reply["id"] for reply in replies(folder)} == kept
        assert go_on(folder, address(other)) == 0
        assert len(other.asked) == 20 - len(kept)
    assert comparable(folder) == whole
    assert f"base_url: {other.base_url}" in (folder / "config.yaml").read_text()


def test_a_server_that_never_was(drawn, tmp_path, capsys):
    with ChatServer() as server:
        pass
    assert go(tmp_path / "run", server, *drawn[0]) == 1
    told = capsys.readouterr().err
    assert "cannot be reached" in told and "(0 replies are kept)" in told
    assert replies(tmp_path / "run") == []


def test_a_cost_limit_that_is_raised(drawn, whole, tmp_path, capsys):
    """11 + 7 tokens a reply: 0.018 each, so that the third reaches the limit."""
    folder = tmp_path / "run"
    prices = ("endpoint.price_in=1000", "endpoint.price_out=1000", "endpoint.max_cost=0.05")
    with ChatServer() as server:
        assert go(folder, server, *drawn[0], *prices, "endpoint.concurrency=1") == 1
        told = capsys.readouterr().err
        assert "endpoint.max_cost 0.05 is reached (0.054 spent, 3 replies kept)" in told
        assert "are kept" not in told and f"resume={folder} endpoint.max_cost" in told
        assert len(server.asked) == len(replies(folder)) == 3
        assert go_on(folder) == 1  # the limit holds for the whole run
        assert len(server.asked) == 3
        assert go_on(folder, "endpoint.max_cost=0.09") == 1
        assert len(server.asked) == 5
        assert go_on(folder, "endpoint.max_cost=1") == 0
        assert len(server.asked) == 20
    assert comparable(folder) == whole


def test_requests_that_fail_for_ever(drawn, whole, tmp_path, capsys):
    folder, well = tmp_path / "run", False
    bad = {drawn[1][3]["id"], drawn[1][11]["id"]}

    def script(prompt, nth):
        ill = any(r["id"] in bad and r["steps"][1] in prompt for r in drawn[1])
        return "500" if ill and not well else "fine"

    with ChatServer(script) as server:
        assert go(folder, server, *drawn[0]) == 1
        told = capsys.readouterr().err
        failed = [json.loads(line) for line in (folder / "failures.jsonl").open()]
        ids = {failure["id"] for failure in failed}
        assert bad <= ids and len(ids) == len(failed) < 10
        assert f"{len(ids)} of 20 requests got no reply; the first, about 'drawn-" in told
        assert "500 Internal Server Error: status 500 for you (tried 2 times)" in told
        assert str(folder / "failures.jsonl") in told and f"resume={folder}" in told
        kept = {reply["id"] for reply in replies(folder)}
        assert kept | ids == {r["id"] for r in drawn[1]} and not kept & ids
        assert not (folder / "metrics.json").exists() and not (folder / "rows.jsonl").exists()
        asked = len(server.asked)
        assert go_on(folder) == 1
        assert len(server.asked) == asked + 2 * len(ids)  # each twice, no other
        well = True
        assert go_on(folder) == 0
        assert len(server.asked) == asked + 3 * len(ids)
    assert (folder / "failures.jsonl").read_bytes() == b""
    assert comparable(folder) == whole


def test_holes_that_are_allowed_count_as_wrong(drawn, tmp_path):
    folder = tmp_path / "run"
    records = {r["id"]: r for r in drawn[1]}
    bad = drawn[1][3]

    def script(prompt, nth):
        if bad["question"] in prompt and bad["steps"][1] in prompt:
            return "400"
        gold = next(r for r in records.values() if "\n".join(numbered(r)) in prompt)
        return f"say:Step {gold['error_step']}, {gold['error_category']}"

    with ChatServer(script) as server:
        assert go(folder, server, *drawn[0], "evaluation.missing=0.1") == 0
    found, failed = metrics(folder), (folder / "failures.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in failed] == [bad["id"]]
    assert found["train"]["without reply"] == 1 and found["train"]["replies"] == 19
    told = values(folder)
    for name in ("step_accuracy", "category_accuracy", "joint_accuracy"):
        assert told[name] == pytest.approx(19 / 20), name
        assert found["test"][name]["n"] == 20
    assert told["step_parse_failures"] == told["category_parse_failures"] == pytest.approx(1 / 20)
    (row,) = [row for row in rows(folder) if row["id"] == bad["id"]]
    assert (row["pred_step"], row["step_rule"]) == (None, "no reply")
    assert (row["pred_category"], row["category_rule"]) == (None, "no reply")


def numbered(record):
    """Steps as they stand in a prompt."""
    return [f"{number}. {step}" for number, step in enumerate(record["steps"], 1)]


def test_a_store_that_was_torn_and_one_that_was_edited(drawn, whole, tmp_path, capsys):
    folder = tmp_path / "run"
    with ChatServer() as server:
        assert go(folder, server, *drawn[0]) == 0
        (folder / "metrics.json").unlink()
        path = folder / "responses.jsonl"
        kept = path.read_bytes()
        path.write_bytes(kept[:-30])  # as a kill leaves it
        assert go_on(folder) == 0
        assert len(server.asked) == 21 and len(replies(folder)) == 20
        assert comparable(folder) == whole
        (folder / "metrics.json").unlink()
        written = kept.splitlines(keepends=True)
        path.write_bytes(b"".join([*written[:2], b"?" + written[2], *written[3:]]))
        capsys.readouterr()
        code = go_on(folder)
        told = capsys.readouterr().err
    assert code == 1 and f"{path}, line 3: " in told and "delete the line" in told
    assert len(server.asked) == 21
