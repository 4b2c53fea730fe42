"""Replies of a file in the place of a server."""

from __future__ import annotations

import hashlib
import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.analysis.errorradar.endpoint import EndpointError, Failure, Reply
from simlearn.analysis.errorradar.replay import Replay
from simlearn.analysis.errorradar.reply_store import ReplyStore
from simlearn.trainer.interrupt import StopFlag
from tests.analysis.errorradar.requests_to_ask import request


def write(path, *lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def ask(path, *requests, **options):
    return list(Replay(responses=path, **options).open().ask(requests))


IDS = st.text(min_size=1, max_size=8)
MARKS = st.tuples(
    IDS, st.sampled_from(["joint", "step", "category"]), st.sampled_from(["", "union"])
)


@given(st.dictionaries(MARKS, st.text(), max_size=8), st.lists(MARKS, max_size=4))
def test_what_a_store_kept_is_given_again(tmp_path_factory, kept, others):
    path = tmp_path_factory.mktemp("run") / "responses.jsonl"
    with ReplyStore(path) as store:
        for i, ((one, task, variant), text) in enumerate(kept.items()):
            store.append(Reply(str(i), one, task, variant, text, "m", "stop", 1.5, 3, 4))
    asked = [*kept, *others]
    requests = [
        request("q", 100 + i, id=one, task=task, variant=variant)
        for i, (one, task, variant) in enumerate(asked)
    ]
    found = list(Replay(responses=path.parent).open().ask(requests))
    for mark, one, was in zip(asked, requests, found, strict=True):
        assert (was.key, was.id, was.task, was.variant) == (one.key, *mark)
        if mark in kept:
            assert isinstance(was, Reply) and was.text == kept[mark]
            assert (was.model, was.seconds, was.prompt_tokens) == ("m", 1.5, 3)
        else:
            assert isinstance(was, Failure) and "responses.jsonl has no reply of" in was.reason


def test_few_fields(tmp_path):
    path = write(tmp_path / "a.jsonl", {"id": "a", "text": "1"}, {"id": 7, "text": "2"})
    first, second, third = ask(
        path, request("", id="a"), request("", id="7", task="step"), request("", id="b")
    )
    assert (first.text, second.text, second.task) == ("1", "2", "step")
    assert third.reason == "a.jsonl has no reply of joint"
    (masked,) = ask(path, request("", id="a", variant="union"))
    assert masked.reason == "a.jsonl has no reply of joint, variant union"
    both = write(
        tmp_path / "b.jsonl", {"id": "a", "text": "any"}, {"id": "a", "task": "step", "text": "s"}
    )
    found = ask(both, request("", id="a", task="step"), request("", id="a", task="category"))
    assert [one.text for one in found] == ["s", "any"]


def test_names_and_identity(tmp_path):
    path = write(tmp_path / "my responses.jsonl", {"id": "a", "text": "1"})
    session = Replay(responses=path).open()
    assert (session.name, session.model_name, session.weights) == ("my responses",) * 2 + (
        "closed",
    )
    assert session.identity() == {"replay": hashlib.sha256(path.read_bytes()).hexdigest()}
    lines = [{"id": str(i), "text": "", "model": f"m\x1b{i % 2}"} for i in range(5)]
    session = Replay(responses=write(path, *lines), name="mine", weights="open").open()
    assert (session.name, session.weights) == ("mine", "open")
    assert session.model_name == "m\\x1b0, m\\x1b1"
    lines = [{"id": str(i), "text": "", "model": f"m{i}"} for i in range(5)]
    assert Replay(responses=write(path, *lines)).open().name == "m0, m1, m2, and others"
    assert session.spent() == "" and not Replay.needs_model


def test_marks_at_the_beginning_empty_lines_and_a_torn_end(tmp_path):
    path = tmp_path / "a.jsonl"
    line = b'{"id": "%s", "text": "t%s"}'
    path.write_bytes(b"\xef\xbb\xbf" + line % (b"a", b"a") + b"\n\n" + line % (b"b", b"b") + b"\n{")
    found = ask(path, request("", id="b"), request("", id="a"))
    assert [one.text for one in found] == ["tb", "ta"]
    assert path.read_bytes().endswith(b"\n{")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"{", "line 1: no JSON"),
        (b'{"id": "a", "text": "t"}\n{\n', "line 2: no JSON"),
        (b"\x89PNG\r\n\x1a\n\x00", "line 1: no JSON"),
        (b'{"id": "a"}\n', "line 1: text: is missing"),
        (b'{"text": "a"}\n', "line 1: id: is missing"),
        (
            b'{"id": "a\\u001b", "text": ""}\n' * 2,
            r"line 2: the second reply of 'a\\\\x1b', any task",
        ),
    ],
)
def test_damaged_files(tmp_path, content, text):
    path = tmp_path / "a.jsonl"
    path.write_bytes(content)
    with pytest.raises(EndpointError, match=r"endpoint.responses: .*a.jsonl', " + text):
        Replay(responses=path).open()


def test_the_newest_reply_of_a_run_whose_data_changed(tmp_path):
    old, new = {"id": "r0", "task": "joint", "key": "1"}, {"id": "r0", "task": "joint", "key": "2"}
    path = write(tmp_path / "a.jsonl", {**old, "text": "old"}, {**new, "text": "new"})
    (found,) = ask(path, request("a"))
    assert found.text == "new" and found.key == request("a").key
    for twice in ({**new, "key": "1"}, {"id": "r0", "task": "joint"}, {**new, "key": ""}):
        write(path, {**old, "text": "old"}, {**twice, "text": "new"})
        with pytest.raises(EndpointError, match="line 2: the second reply of 'r0', joint"):
            Replay(responses=path).open()


def test_files_that_are_not_there(tmp_path):
    for path in (tmp_path / "gone.jsonl", tmp_path):
        with pytest.raises(EndpointError, match="is not there; name the responses.jsonl of a run"):
            Replay(responses=path).open()
    with pytest.raises(EndpointError, match="endpoint.responses"):
        Replay(responses=tmp_path / "a\0b").open()


def test_settings():
    with pytest.raises(ValueError, match="endpoint.name is empty"):
        Replay(responses="a", name=" ")
    with pytest.raises(ValueError, match="endpoint.weights is 'opne', must be 'open' or 'closed'"):
        Replay(responses="a", weights="opne")


def test_a_file_that_changes(tmp_path):
    path = write(tmp_path / "a.jsonl", {"id": "a", "text": "1"})
    session = Replay(responses=path).open()
    for content in ('{"id": "b", "text": "1"}\n', "\n", ""):
        path.write_text(content)
        with pytest.raises(EndpointError, match="was changed while it was in use"):
            list(session.ask([request("", id="a")]))
    path.unlink()
    with pytest.raises(EndpointError, match="was changed while it was in use"):
        list(session.ask([request("", id="a")]))


def test_stop(tmp_path):
    path = write(tmp_path / "a.jsonl", *({"id": f"r{i}", "text": str(i)} for i in range(9)))
    stop, found = StopFlag(), []
    for one in Replay(responses=path).open().ask((request("", i) for i in range(9)), stop=stop):
        found.append(one.text)
        stop.signal = "SIGTERM" if len(found) == 4 else None
    assert found == ["0", "1", "2", "3"]


def test_memory_holds_no_texts(tmp_path):
    lines = ({"id": f"r{i}", "text": "x" * 100_000} for i in range(100))
    path = write(tmp_path / "a.jsonl", *lines)
    tracemalloc.start()
    session = Replay(responses=path).open()
    assert sum(len(one.text) for one in session.ask(request("", i) for i in range(100))) == 10**7
    assert tracemalloc.get_traced_memory()[0] < 1_000_000
    tracemalloc.stop()
