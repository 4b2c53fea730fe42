"""The key of a server is in no file of a run and on no terminal."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from tests.analysis.errorradar.chat_server import ChatServer
from tests.tasks.error_case import (
    go,
    go_on,
    metrics,
    problems,
    replies,
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


SECRET = 'sk-t3st/"very"\\secret+KEY~0123456789'


def spelled(secret):
    """As it is, and as JSON, Python and addresses spell it."""
    whole = {secret, json.dumps(secret)[1:-1], repr(secret)[1:-1], quote(secret)}
    return {*whole, json.dumps(secret)[1:-1].replace("/", "\\/")}


def assert_unseen(folder, *told):
    """The secret is in no file and on no terminal."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) >= 5
    for secret in spelled(SECRET):
        for path in files:
            assert secret.encode() not in path.read_bytes(), path
        for text in told:
            assert secret not in text


def test_a_key_that_the_server_repeats_is_nowhere(drawn, tmp_path, capsys, monkeypatch):
    folder = tmp_path / "run"
    monkeypatch.setenv("MY_TEST_KEY", SECRET)
    key = "endpoint.key_env=MY_TEST_KEY"

    def script(prompt, nth):
        number = int.from_bytes(prompt.encode()[-200:-190]) + len(prompt)
        return ["echo fine", "echo:400", "echo:500"][number % 3]

    with ChatServer(script) as server:
        assert go(folder, server, *drawn[0], key, "evaluation.missing=1") == 0
    heads = {one.headers["authorization"] for one in server.asked}
    assert heads == {f"Bearer {SECRET}"}
    seen = capsys.readouterr()
    failed = (folder / "failures.jsonl").read_text()
    assert "***" in failed and "***" in (folder / "responses.jsonl").read_text()
    assert "***" in str(metrics(folder)["model"]["called_itself"])
    assert_unseen(folder, seen.out, seen.err)
    assert "key_env: MY_TEST_KEY" in (folder / "config.yaml").read_text()


@pytest.mark.parametrize("status", [401, 400, 500])
def test_a_key_that_is_refused_is_not_shown(drawn, tmp_path, capsys, monkeypatch, status):
    folder = tmp_path / "run"
    monkeypatch.setenv("MY_TEST_KEY", SECRET)
    with ChatServer(lambda prompt, nth: f"echo:{status}") as server:
        assert go(folder, server, *drawn[0], "endpoint.key_env=MY_TEST_KEY") == 1
        seen = capsys.readouterr()
        assert_unseen(folder, seen.out, seen.err)
        assert "***" in seen.err and "Traceback" not in seen.err
        assert ("MY_TEST_KEY (endpoint.key_env) is refused" in seen.err) == (status == 401)
        assert replies(folder) == []
        server.script = lambda prompt, nth: "fine"
        assert go_on(folder) == 0
    assert len(replies(folder)) == 20
