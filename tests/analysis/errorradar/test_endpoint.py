"""The contract of endpoints, and that every one of them keeps it."""

from __future__ import annotations

import dataclasses
import json
from typing import get_args

import pytest

from simlearn.analysis.errorradar import endpoint
from simlearn.analysis.errorradar.endpoint import (
    Endpoint,
    EndpointError,
    EndpointSession,
    Failure,
    Reply,
    Request,
)
from simlearn.analysis.errorradar.error_protocol import TASKS
from simlearn.analysis.errorradar.local_model import LocalModel
from simlearn.analysis.errorradar.openai_server import OpenAIServer
from simlearn.analysis.errorradar.replay import Replay
from tests.analysis.errorradar.chat_server import ChatServer
from tests.analysis.errorradar.requests_to_ask import requests
from tests.analysis.small_llava import small_llava

SERVER = OpenAIServer(base_url="http://127.0.0.1:1/v1", model="m")


def test_endpoints_and_sessions_have_to_say_how():
    for kind, lacking in ((Endpoint, {"open"}), (EndpointSession, {"identity", "ask"})):
        assert kind.__abstractmethods__ == lacking
        with pytest.raises(TypeError, match="abstract"):
            kind()


def test_only_the_model_in_this_process_needs_one():
    assert {kind.__name__: kind.needs_model for kind in (LocalModel, OpenAIServer, Replay)} == {
        "LocalModel": True,
        "OpenAIServer": False,
        "Replay": False,
    }
    for kind in (LocalModel, OpenAIServer, Replay):
        assert kind.dry_run is False
        assert "dry_run" in {field.name for field in dataclasses.fields(kind)}


def test_a_reply_and_a_failure_belong_to_their_request():
    asked = {field.name for field in dataclasses.fields(Request)}
    for kind in (Reply, Failure):
        own = [field.name for field in dataclasses.fields(kind)]
        assert own[:4] == ["key", "id", "task", "variant"] and set(own[:4]) <= asked
    reply = Reply("k", "r1", "step", "", "Step 2")
    assert (reply.model, reply.finish) == ("", "")
    assert reply.seconds == reply.prompt_tokens == reply.completion_tokens == 0


def test_tasks_are_those_of_the_protocol():
    assert {task for tasks in TASKS.values() for task in tasks} == set(get_args(endpoint.Task))
    assert get_args(endpoint.Weights) == ("open", "closed")


def test_an_error_is_one_that_users_can_mend():
    assert issubclass(EndpointError, ValueError)


@pytest.fixture(params=["local", "server", "replay"])
def session(request, tmp_path):
    """A session of each kind over three requests; no server or model is slow."""
    if request.param == "local":
        yield LocalModel(max_tokens=2, batch_size=2).open(small_llava())
    elif request.param == "server":
        with ChatServer(lambda prompt, nth: "say:Step 2") as server:
            yield OpenAIServer(base_url=server.base_url, model="tiny", retries=0).open()
    else:
        path = tmp_path / "responses.jsonl"
        lines = [{"id": f"r{i}", "text": f"Step {i}", "model": "old"} for i in range(3)]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        yield Replay(responses=path).open()


def test_every_session_answers_each_request_once(session):
    asked = requests(3)
    assert isinstance(session, EndpointSession)
    assert session.name and session.weights in get_args(endpoint.Weights)
    assert json.loads(json.dumps(dict(session.identity()))) == dict(session.identity())
    back = list(session.ask(iter(asked)))
    assert all(isinstance(one, Reply) for one in back)
    assert sorted(one.key for one in back) == sorted(one.key for one in asked)
    wanted = {one.key: (one.id, one.task, one.variant) for one in asked}
    for one in back:
        assert (one.id, one.task, one.variant) == wanted[one.key]
        session.remember(one)
    assert isinstance(session.spent(), str)
    assert list(session.ask(iter(()))) == []


def test_a_session_that_counts_nothing_says_nothing():
    class Silent(EndpointSession):
        name, weights = "silent", "open"

        def identity(self):
            return {}

        def ask(self, requests, *, stop=None):
            return iter(())

    silent = Silent()
    silent.remember(Reply("k", "r", "step", "", "x"))
    assert silent.spent() == ""
