"""What server, records and settings say is shown and never obeyed."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from simlearn.analysis.errorradar.taxonomy import CATEGORIES
from tests.analysis.errorradar.chat_server import HOSTILE, ChatServer
from tests.tasks.error_case import (
    address,
    go,
    metrics,
    problems,
    replies,
    values,
)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Words of twelve problems, and their rows."""
    return problems(tmp_path_factory.mktemp("drawn") / "problems")


HOSTILE_RECORDS = [
    {
        "id": f"<img src=x onerror=alert({n})>\x1b[2J",
        "question": f"</text><script>alert('question {n}')</script>\u202e {{0.__class__}} %s",
        "steps": ["]]><script>alert('step')</script>", "\x00\x07 &amp; \x1b]0;owned", f"Fine {n}."],
        "error_step": 1 + n % 3,
        "error_category": CATEGORIES[n],
        "problem_type": "<b onmouseover=alert(1)>type</b>",
        "student_answer": "</pre><script>alert('answer')</script>",
    }
    for n in range(5)
]


def assert_harmless(folder, *told):
    """No tag of somebody else's, nothing that steers a terminal."""
    page = (folder / "report.html").read_text()
    for word in ("<script", "<img src=x", "<b onmouseover", "</pre><script"):
        assert word not in page
    for letter in ("\x1b", "\x00", "\x07", "\u202e"):
        assert letter not in page
        for text in told:
            assert letter not in text
    for path in (folder / "figures").glob("*.svg"):
        names = {element.tag.rpartition("}")[2] for element in ElementTree.parse(path).iter()}
        assert not names & {"script", "img", "b", "foreignObject", "a"}, path
    return page


def test_hostile_words_of_server_records_and_models(tmp_path, capsys):
    path = tmp_path / "bad.jsonl"
    path.write_text("".join(json.dumps(r) + "\n" for r in HOSTILE_RECORDS))
    data = ("data=error_records", f"data.path={path}")
    name = "endpoint.model='<script>alert(2)</script>'"
    one, two = tmp_path / "one", tmp_path / "two"
    with ChatServer(lambda prompt, nth: "hostile") as server:
        assert go(one, server, *data, name) == 0
        compare = ("endpoint.model=plain-model", f"evaluation.compare=[{one}]")
        assert go(two, server, *data, *compare) == 0
        dry = go(tmp_path / "three", server, *data, "endpoint.dry_run=true")
        assert dry == 0
    seen = capsys.readouterr()
    assert_harmless(tmp_path / "three", seen.out, seen.err)
    assert_harmless(one, seen.out, seen.err)
    page = assert_harmless(two, seen.out, seen.err)
    assert "&lt;script&gt;alert(2)&lt;/script&gt;" in page  # both models
    assert "plain-model (this run)" in page
    assert values(one)["step_parse_failures"] == 0  # its JSON is read
    for reply in replies(one):
        assert reply["text"] == HOSTILE
    assert b"\x1b" not in (one / "responses.jsonl").read_bytes()
    assert "alert" in str(metrics(one)["model"]["called_itself"])
    assert "\x1b" not in (one / "metrics.json").read_text()


def test_hostile_failures_are_shown_as_one_line(drawn, tmp_path, capsys):
    with ChatServer(lambda prompt, nth: "garbage" if nth < 9 else "fine") as server:
        assert go(tmp_path / "run", server, *drawn[0]) == 1
    told = capsys.readouterr().err
    assert "the reply is no JSON: <html>Bad gateway\\x1b[2J</html>" in told
    assert "\x1b" not in told and address(server).split("=")[1] in told
