"""A process that is killed while it asks: nothing is lost, nothing that was kept is asked again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from simlearn.analysis.errorradar.reply_store import ReplyStore
from tests.analysis.errorradar.chat_server import ChatServer, joint_reply
from tests.analysis.errorradar.requests_to_ask import requests

ROOT = Path(__file__).parents[3]
ASK = """
import sys
from pathlib import Path
from simlearn.analysis.errorradar.reply_store import ReplyStore
from tests.analysis.errorradar.requests_to_ask import requests
from simlearn.analysis.errorradar.openai_server import OpenAIServer

session = OpenAIServer(base_url=sys.argv[1], model="tiny", concurrency=4).open()
with ReplyStore(Path(sys.argv[2])) as store:
    left = (one for one in requests(60) if one.key not in store)
    for reply in session.ask(left):
        store.append(reply)
print("done")
"""


def begin(*command):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen([sys.executable, *command], cwd=ROOT, env=environment, stdout=-1)


def wait_for(condition):
    deadline = time.monotonic() + 90
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.skipif(os.name == "nt", reason="no kill -9 there")
def test_killed_twice(tmp_path):
    path, asked = tmp_path / "responses.jsonl", requests(60)
    lines = lambda: path.read_bytes().count(b"\n") if path.exists() else 0  # noqa: E731
    with ChatServer(lambda prompt, nth: "slow:0.05") as server:
        for least in (12, 35):
            process = begin("-c", ASK, server.base_url, str(path))
            wait_for(lambda least=least: lines() >= least)
            process.kill()
            assert process.wait() == -9
            kept = {json.loads(line)["id"] for line in path.read_bytes().split(b"\n")[:-1]}
            if least == 12:
                with path.open("ab") as file:  # as if the kill had come in the middle of a line
                    file.write(b'{"key": "0123", "te')
            before = len(server.asked)
            assert least <= len(kept) < 60
        process = begin("-c", ASK, server.base_url, str(path))
        assert process.communicate(timeout=90)[0] == b"done\n"
    again = {f"r{prompt.split()[1]}" for prompt in server.prompts[before:]}
    assert not again & kept and again | kept == {one.id for one in asked}
    assert lines() == 60 and max(server.counts.values()) <= 3
    with ReplyStore(path) as store:
        texts = {reply.id: reply.text for reply in store}
    assert texts == {one.id: joint_reply(one.text) for one in asked}


def test_the_server_as_a_process_of_its_own(tmp_path):
    port, log = tmp_path / "port", tmp_path / "log"
    process = begin("-m", "tests.analysis.errorradar.chat_server", str(port), str(log))
    try:
        wait_for(port.exists)
        url = f"http://127.0.0.1:{port.read_text()}/v1"
        from simlearn.analysis.errorradar.openai_server import OpenAIServer

        found = list(OpenAIServer(base_url=url, model="m").open().ask(requests(3)))
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert sorted(one.text for one in found) == sorted(joint_reply(f"prompt {i}") for i in range(3))
    seen = [json.loads(line) for line in log.read_text().splitlines()]
    assert sorted(one["prompt"] for one in seen) == [f"prompt {i}" for i in range(3)]
