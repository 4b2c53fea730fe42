"""One POST against a real server that misbehaves."""

from __future__ import annotations

import socket
import threading
import time

import httpx
import pytest

from simlearn.analysis.errorradar import http_call
from simlearn.analysis.errorradar.http_call import CallError, HttpCall
from tests.analysis.errorradar.chat_server import ChatServer, joint_reply

BODY = b'{"messages": [{"content": "hello"}]}'


def post(server, timeout_s=10.0, call=None, url=None):
    with httpx.Client(limits=httpx.Limits(max_keepalive_connections=0), trust_env=False) as client:
        one = HttpCall(client, timeout_s)
        if call is not None:
            call.append(one)
        return one.post(url or f"{server.base_url}/chat/completions", {"X-A": "b"}, BODY)


def fails(word, **options):
    with ChatServer(lambda prompt, nth: word) as server, pytest.raises(CallError) as caught:
        post(server, **options)
    assert not caught.value.unreachable
    return caught.value


def test_a_reply():
    with ChatServer() as server:
        answer = post(server)
    assert answer.status == 200 and joint_reply("hello").replace('"', '\\"') in answer.body.decode()
    assert answer.retry_after is None and 0 < answer.seconds < 10
    assert server.asked[0].headers["x-a"] == "b"


@pytest.mark.parametrize("status", [302, 401, 429, 500])
def test_every_status_is_an_answer(status):
    with ChatServer(lambda prompt, nth: f"{status}:7") as server:
        answer = post(server)
    assert (answer.status, answer.retry_after) == (status, "7") and b"for you" in answer.body


@pytest.mark.parametrize("word", ["drip:0.1", "drip head:0.1", "slow:20"])
def test_one_deadline_over_all(word):
    before = threading.active_count()
    error = fails(word, timeout_s=0.5)
    assert error.reason == "no whole reply within 0.5 s" and error.again
    for _ in range(300):
        if threading.active_count() <= before + 1:  # the server may still sleep
            break
        time.sleep(0.01)
    assert threading.active_count() <= before + 1


def test_cut_replies():
    assert fails("cut head").again and fails("cut body").again


def test_a_reply_that_is_too_large(monkeypatch):
    error = fails("huge")
    assert error.reason == "the reply is larger than 8 MiB" and not error.again
    monkeypatch.setattr(http_call, "MOST_ERROR_BYTES", 10)
    with ChatServer(lambda prompt, nth: "500") as server:
        assert post(server).body == b'{"error": '


def test_a_body_without_length_that_never_ends():
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n{}")
            while connection.recv(65536):  # until the client is gone
                pass

    thread = threading.Thread(target=serve)
    thread.start()
    with listener, pytest.raises(CallError, match="no whole reply within 0.3 s"):
        post(None, 0.3, url=f"http://127.0.0.1:{listener.getsockname()[1]}/")
    thread.join()


def test_nobody_is_there():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(CallError) as caught:
        post(None, url=f"http://127.0.0.1:{port}/")
    assert caught.value.unreachable and caught.value.again


def test_breaking_off_from_another_thread():
    calls = []
    with ChatServer(lambda prompt, nth: "slow:20") as server:

        def break_off():
            while not server.asked:
                time.sleep(0.01)
            calls[0].abort()

        thread = threading.Thread(target=break_off)
        thread.start()
        with pytest.raises(CallError, match="broken off"):
            post(server, call=calls)
        thread.join()


def test_broken_off_before_it_began():
    with ChatServer() as server, httpx.Client(trust_env=False) as client:
        call = HttpCall(client, 10.0)
        call.abort()
        with pytest.raises(CallError, match="broken off"):
            call.post(f"{server.base_url}/chat/completions", {}, BODY)


def test_a_hostile_status_line():
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"\x00\x1b[2J garbage\r\n\r\n")

    thread = threading.Thread(target=serve)
    thread.start()
    with listener, pytest.raises(CallError) as caught:
        post(None, url=f"http://127.0.0.1:{listener.getsockname()[1]}/")
    thread.join()
    assert caught.value.again and not caught.value.unreachable
