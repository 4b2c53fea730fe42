"""Asking a real server on 127.0.0.1 that behaves and misbehaves."""

from __future__ import annotations

import base64
import logging
import socket
import threading
import traceback

import pytest

from simlearn.analysis.errorradar.endpoint import EndpointError, Failure, Reply
from simlearn.analysis.errorradar.openai_session import chat_body
from simlearn.data.errors import DataError
from simlearn.trainer.interrupt import StopFlag
from tests.analysis.errorradar.chat_server import HOSTILE, ChatServer, joint_reply
from tests.analysis.errorradar.requests_to_ask import KEY, PNG, endpoint, request, requests


def ask(script, asked, **changes):
    """Replies and failures by id, and the server."""
    with ChatServer(script) as server:
        found = list(endpoint(server, **changes).open().ask(asked))
    assert len({one.id for one in found}) == len(found)
    return {one.id: one for one in found}, server


def one(word, **changes):
    """The outcome of a request whose first answer is ``word`` and all others are fine."""
    found, server = ask(lambda prompt, nth: word if nth == 1 else "fine", requests(1), **changes)
    return found["r0"], server


def test_replies():
    asked = requests(40)
    found, server = ask(None, asked)
    assert set(found) == {one.id for one in asked}
    for was in asked:
        reply = found[was.id]
        assert isinstance(reply, Reply) and reply.text == joint_reply(was.text)
        assert (reply.key, reply.task, reply.variant) == (was.key, was.task, was.variant)
        assert (reply.model, reply.finish) == ("served-1", "stop")
        assert (reply.prompt_tokens, reply.completion_tokens) == (11, 7) and reply.seconds > 0
    assert set(server.counts.values()) == {1}


def test_what_is_sent(monkeypatch, tmp_path):
    monkeypatch.setenv("SIMLEARN_TEST_KEY", KEY)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login a password b")
    settings = {"extra": {"reasoning_effort": "low"}, "seed": 3, "temperature": 0.5}
    asked = [request("question\ud800", system="teacher", image=PNG)]
    _, server = ask(None, asked, key_env="SIMLEARN_TEST_KEY", image_detail="high", **settings)
    (sent,) = server.asked
    assert sent.headers["authorization"] == f"Bearer {KEY}"
    assert sent.headers["content-type"] == "application/json"
    url = "data:image/png;base64," + base64.b64encode(PNG).decode()
    assert sent.body == {
        "model": "tiny",
        "messages": [
            {"role": "system", "content": "teacher"},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "question\ud800"},
                    {"type": "image_url", "image_url": {"url": url, "detail": "high"}},
                ],
            },
        ],
        "max_tokens": 512,
        "temperature": 0.5,
        "seed": 3,
        "reasoning_effort": "low",
    }
    extra = {"max_completion_tokens": 9}
    _, server = ask(None, [request("q")], seed=None, temperature=None, extra=extra)
    assert server.asked[0].body == {
        "model": "tiny",
        "messages": [{"role": "user", "content": "q"}],
        "max_completion_tokens": 9,
    }
    assert "authorization" not in server.asked[0].headers


def test_pictures_that_cannot_be_read(tmp_path):
    asked = [
        request("a", 0, image=tmp_path / "gone.png"),
        request("b", 1),
        request("c", 2, image=b"x"),
    ]
    found, server = ask(None, asked)
    assert "gone.png' is not there" in found["r0"].reason and isinstance(found["r1"], Reply)
    assert "no picture" in found["r2"].reason and server.prompts == ["b"]


@pytest.mark.parametrize(
    "word",
    [
        "500",
        "502",
        "408",
        "425",
        "429",
        "cut head",
        "cut body",
        "garbage",
        "short",
        "no choices",
        "bare 500",
    ],
)
def test_what_is_tried_again(word):
    reply, server = one(word)
    assert reply.text == joint_reply("prompt 0") and server.counts["prompt 0"] == 2


def test_500_twice_and_timeouts():
    found, server = ask(lambda prompt, nth: "500" if nth < 3 else "fine", requests(3))
    assert all(isinstance(one, Reply) for one in found.values())
    assert set(server.counts.values()) == {3}
    for word in ("drip:0.1", "drip head:0.1", "slow:9"):
        reply, server = one(word, timeout_s=0.5)
        assert reply.text == joint_reply("prompt 0") and server.counts["prompt 0"] == 2


def test_the_server_says_when():
    reply, server = one("429:1")
    assert isinstance(reply, Reply)
    assert server.asked[1].at - server.asked[0].at >= 1.0


def test_retries_end():
    found, server = ask(lambda prompt, nth: "500", requests(2), retries=3)
    assert found["r0"].reason == "500 Internal Server Error: status 500 for you (tried 4 times)"
    assert set(server.counts.values()) == {4}
    (reply, server) = one("garbage", retries=0)
    assert reply.reason == "the reply is no JSON: <html>Bad gateway\\x1b[2J</html>"


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("400", "400 Bad Request: status 400 for you"),
        ("422", "422 Unprocessable Entity: status 422 for you"),
        ("huge", "the reply is larger than 8 MiB"),
    ],
)
def test_what_is_not_tried_again(word, reason):
    failure, server = one(word)
    assert isinstance(failure, Failure) and failure.reason == reason
    assert server.counts["prompt 0"] == 1


@pytest.mark.parametrize(
    ("word", "text"),
    [("null", ""), ("parts", "Step 2"), ("refusal", "I would rather not"), ("hostile", HOSTILE)],
)
def test_odd_replies(word, text):
    reply, _ = one(word)
    assert reply.text == text and reply.model.isprintable()


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("401", "the server wants a key"),
        ("404", "endpoint.base_url http://127.0.0.1:[0-9]+/v1 has no model 'tiny'"),
        ("302", "sends to another address, which is not followed"),
    ],
)
def test_what_ends_everything(word, text):
    script = lambda prompt, nth: word if prompt == "prompt 5" else "slow:0.1"  # noqa: E731
    found = []
    with ChatServer(script) as server, pytest.raises(EndpointError, match=text):
        for outcome in endpoint(server, concurrency=4).open().ask(requests(100)):
            found.append(outcome)
    # what was under way is given, nothing more is asked
    assert {one.id for one in found} == {f"r{p.split()[1]}" for p in server.prompts} - {"r5"}
    assert 5 <= len(found) <= 12 and all(isinstance(one, Reply) for one in found)


def test_a_filter_is_no_refused_key():
    script = lambda prompt, nth: "403" if prompt in ("prompt 0", "prompt 9") else "fine"  # noqa: E731
    with ChatServer(script) as server:
        session = endpoint(server, concurrency=1).open()
        with pytest.raises(EndpointError, match="the server wants a key"):
            list(session.ask(requests(20)))  # nothing was answered yet
        assert len(server.asked) == 1
        session.remember(Reply("k", "i", "joint", "", "kept"))
        found = {one.id: one for one in session.ask(requests(20))}
    failed = {name: one.reason for name, one in found.items() if isinstance(one, Failure)}
    assert failed == dict.fromkeys(("r0", "r9"), "403 for this prompt: status 403 for you")
    assert len(found) == 20 and server.counts["prompt 9"] == 1


def test_the_key_is_in_no_refusal_of_a_prompt(monkeypatch):
    monkeypatch.setenv("A_KEY", KEY)
    with ChatServer(lambda prompt, nth: "echo:403") as server:
        session = endpoint(server, key_env="A_KEY").open()
        session.remember(Reply("k", "i", "joint", "", "kept"))
        (found,) = session.ask(requests(1))
    assert found.reason.startswith("403 for this prompt: bad key Bearer ***")
    assert KEY not in found.reason and found.reason.isprintable()


def test_the_wrong_path():
    with ChatServer() as server, pytest.raises(EndpointError, match="does not answer at"):
        list(endpoint(server, base_url=server.base_url + "/v2").open().ask(requests(1)))


def refused(script, count, **changes):
    found = []
    with ChatServer(script) as server:
        session = endpoint(server, concurrency=1, **changes).open()
        try:
            found.extend(session.ask(requests(count)))
        except EndpointError as error:
            return found, error
    return found, None


def test_five_refused_in_a_row_before_any_success():
    found, error = refused(lambda prompt, nth: "400", 20)
    assert len(found) == 5 and all(isinstance(one, Failure) for one in found)
    assert "the first 5 requests have no reply (400 Bad Request: status 400 for you)" in str(error)
    found, error = refused(lambda prompt, nth: "fine" if prompt == "prompt 4" else "400", 20)
    assert len(found) == 20 and error is None
    found, error = refused(lambda prompt, nth: "400", 4)
    assert len(found) == 4 and error is None


def test_refused_in_a_row_where_replies_were_kept():
    found = []
    with ChatServer(lambda prompt, nth: "400") as server:
        session = endpoint(server).open()
        session.remember(Reply("k", "i", "joint", "", "kept"))
        found = list(session.ask(requests(20)))
    assert len(found) == 20


@pytest.mark.parametrize("concurrency", [1, 3])
def test_a_quota_that_is_used_up(concurrency):
    found = []
    script = lambda prompt, nth: "fine" if int(prompt.split()[1]) < 10 else "429"  # noqa: E731
    with ChatServer(script) as server:
        session = endpoint(server, concurrency=concurrency, retries=1, backoff_s=0).open()
        with pytest.raises(EndpointError, match="no request is answered any more .429 Too Many"):
            for outcome in session.ask(requests(300)):
                found.append(outcome)
    assert sum(isinstance(one, Reply) for one in found) == 10
    assert 20 + 2 * concurrency <= len(found) - 10 <= 20 + 3 * concurrency


def test_failures_now_and_then_do_not_end_it():
    script = lambda prompt, nth: "fine" if int(prompt.split()[1]) % 20 == 0 else "429"  # noqa: E731
    found, _ = ask(script, requests(100), concurrency=1, retries=0)
    assert sum(isinstance(one, Failure) for one in found.values()) == 95


def test_a_server_that_is_not_there():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
    with ChatServer() as server:
        session = endpoint(server, base_url=address, retries=1, concurrency=2).open()
        session.remember(Reply("k", "i", "joint", "", "kept"))  # it was there before
        found = []
        with pytest.raises(EndpointError, match="cannot be reached .*: start the server or corr"):
            for outcome in session.ask(requests(50)):
                found.append(outcome)
    assert 5 <= len(found) <= 7 and all("tried 2 times" in one.reason for one in found[:4])


def test_how_many_at_once():
    taken = []

    def lazily():
        for one in requests(60):
            taken.append(one.id)
            yield one

    with ChatServer(lambda prompt, nth: "slow:0.03") as server:
        given = 0
        for _ in endpoint(server, concurrency=5).open().ask(lazily()):
            given += 1
            assert len(taken) <= given + 10
    assert given == 60 and server.most_at_once == 5


def test_results_come_as_they_are_there():
    with ChatServer(lambda prompt, nth: "slow:1" if prompt == "prompt 0" else "fine") as server:
        found = [one.id for one in endpoint(server).open().ask(requests(8))]
    assert found[-1] == "r0" and len(found) == 8


def test_the_stop_flag():
    stop, found = StopFlag(), []
    with ChatServer(lambda prompt, nth: "slow:0.1") as server:
        for outcome in endpoint(server, concurrency=3).open().ask(requests(50), stop=stop):
            found.append(outcome.id)
            stop.signal = "SIGTERM"
    assert sorted(found) == sorted(f"r{p.split()[1]}" for p in server.prompts)
    assert 3 <= len(found) <= 6


def test_stopped_while_waiting_to_try_again():
    stop, found = StopFlag(), []
    with ChatServer(lambda prompt, nth: "429:100") as server:
        threading.Timer(0.3, setattr, (stop, "signal", "SIGTERM")).start()
        for outcome in endpoint(server, concurrency=2).open().ask(requests(50), stop=stop):
            found.append(outcome.reason)
    assert (
        found
        == ["429 Too Many Requests: status 429 for you; stopped before it was tried again"] * 2
    )
    assert set(server.counts.values()) == {1}


def test_an_iterator_that_is_closed_early():
    before = threading.active_count()
    with ChatServer(lambda prompt, nth: "fine" if prompt == "prompt 0" else "slow:30") as server:
        results = endpoint(server, timeout_s=60.0).open().ask(requests(50))
        assert next(results).id == "r0"
        results.close()
        asked = len(server.asked)
        assert not [t for t in threading.enumerate() if t.name.startswith("ask")]
        assert list(results) == [] and len(server.asked) == asked <= 16
    assert threading.active_count() <= before + 16  # handlers of the server that still sleep
    results = endpoint(server).open().ask(requests(3))
    results.close()  # never begun


def test_errors_of_the_requests_come_after_the_replies():
    def broken():
        yield from requests(3)
        raise DataError("row 4")

    found = []
    with (
        ChatServer(lambda prompt, nth: "slow:0.1") as server,
        pytest.raises(DataError, match="row 4"),
    ):
        for outcome in endpoint(server).open().ask(broken()):
            found.append(outcome.id)
    assert sorted(found) == ["r0", "r1", "r2"]


PRICES = {"price_in": 1000.0, "price_out": 2000.0}  # a reply costs 0.025


def test_the_limit_of_the_cost():
    found = []
    with ChatServer() as server:
        session = endpoint(server, concurrency=1, max_cost=0.1, **PRICES).open()
        with pytest.raises(EndpointError) as caught:
            for outcome in session.ask(requests(50)):
                found.append(outcome)
        assert session.spent() == "72 tokens, 0.10"
        assert len(found) == len(server.asked) == 4
        with pytest.raises(EndpointError, match="max_cost 0.10 is reached"):
            list(session.ask(requests(50)))
        assert len(server.asked) == 4 and list(session.ask([])) == []
    assert str(caught.value) == (
        "endpoint.max_cost 0.10 is reached (0.10 spent, 4 replies kept): raise it and go on with "
        "resume=RUN_DIR endpoint.max_cost=..."
    )


def test_the_limit_at_the_last_request_is_no_error():
    with ChatServer() as server:
        session = endpoint(server, concurrency=1, max_cost=0.1, **PRICES).open()
        assert len(list(session.ask(requests(4)))) == 4
        session = endpoint(server, concurrency=8, max_cost=0.1, **PRICES).open()
        found = []
        with pytest.raises(EndpointError, match="is reached"):
            for outcome in session.ask(requests(100)):
                found.append(outcome)
        assert 4 <= len(found) <= 11 and session.spending.replies == len(found)


def test_kept_replies_count():
    with ChatServer() as server:
        session = endpoint(server, max_cost=0.1, **PRICES).open()
        for _ in range(4):
            session.remember(
                Reply("k", "i", "joint", "", "", prompt_tokens=11, completion_tokens=7)
            )
        with pytest.raises(EndpointError, match=r"0.10 spent, 4 replies kept"):
            list(session.ask(requests(3)))
    assert server.asked == []


def test_a_server_that_tells_no_numbers():
    with ChatServer(lambda prompt, nth: "no usage") as server:
        session = endpoint(server, **PRICES).open()
        reply = next(iter(session.ask([request("12345678")])))
    assert (reply.prompt_tokens, reply.completion_tokens) == (0, 0)
    tokens = 2 + -(-len(reply.text) // 4)
    assert session.spent().startswith(f"about {tokens} tokens, 0.0")


def test_a_dry_run_asks_nothing():
    with ChatServer() as server:
        session = endpoint(server, dry_run=True, max_tokens=10, **PRICES).open()
        assert session.estimate(requests(3)).startswith("3 requests, 0 of them with a picture: rou")
        assert "at most 30 of replies, 0.066 at most" in session.estimate(requests(3))
        with pytest.raises(EndpointError, match="endpoint.dry_run is true: nothing is asked"):
            list(session.ask(requests(3)))
    assert server.asked == []
    extra = {"max_completion_tokens": 100}
    assert "at most 300 of" in endpoint(server, extra=extra).open().estimate(requests(3))


@pytest.mark.parametrize("word", ["echo:400", "echo:401", "echo:404", "echo:500", "echo fine"])
def test_the_key_comes_back_nowhere(monkeypatch, caplog, capfd, word):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("SIMLEARN_TEST_KEY", KEY)
    seen = []
    with ChatServer(lambda prompt, nth: word) as server:
        session = endpoint(server, key_env="SIMLEARN_TEST_KEY", retries=1).open()
        try:
            seen.extend(map(repr, session.ask(requests(3))))
        except EndpointError as error:
            seen += [repr(error), "".join(traceback.format_exception(error))]
            assert "SIMLEARN_TEST_KEY" in str(error) or word == "echo:404"
    assert seen and "***" in "".join(seen)
    shown = "".join([*seen, caplog.text, *capfd.readouterr()])
    assert KEY not in shown and KEY[4:] not in shown and "\x1b" not in shown
    assert all(one.headers["authorization"] == f"Bearer {KEY}" for one in server.asked)


def test_bodies_are_plain_json():
    with ChatServer() as server:
        body = chat_body(endpoint(server), request('a"}]\x00\ud800\n', system=""))
    assert body.isascii() and b'"system"' not in body


def test_sessions_may_be_asked_again_and_at_once():
    with ChatServer(lambda prompt, nth: "slow:0.02") as server:
        session = endpoint(server, concurrency=2).open()
        first, second = (
            session.ask(requests(9)),
            session.ask(request("b", 10 + i) for i in range(9)),
        )
        found = [one.id for pair in zip(first, second, strict=True) for one in pair]
        assert sorted(found) == sorted(
            [f"r{i}" for i in range(9)] + [f"r{10 + i}" for i in range(9)]
        )
        assert session.spending.replies == 18
