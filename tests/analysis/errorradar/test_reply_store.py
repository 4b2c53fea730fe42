"""Replies on disk: any text, any kill, no key twice."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.analysis.errorradar.endpoint import Failure, Reply
from simlearn.analysis.errorradar.reply_line import reply_to_line
from simlearn.analysis.errorradar.reply_store import ReplyStore, write_failures
from simlearn.analysis.errors import AnalysisError

TEXTS = st.lists(st.text(max_size=40), max_size=6)


def reply(number, text="Step 2"):
    return Reply(f"{number:064x}", f"r{number}", "joint", "", text, "m", "stop", 0.5, 3, 4)


@given(TEXTS, st.lists(st.integers(0, 5), max_size=3))
def test_any_text_and_any_number_of_openings(tmp_path_factory, texts, closings):
    path = tmp_path_factory.mktemp("store") / "responses.jsonl"
    replies = [reply(i, text) for i, text in enumerate(texts)]
    store = ReplyStore(path)
    for i, one in enumerate(replies):
        if i in closings:
            store.close()
            store = ReplyStore(path)
        store.append(one)
        assert store.get(one.key) == one and len(store) == i + 1
    with store:
        assert list(store) == replies
    with ReplyStore(path) as again:
        assert list(again) == replies and all(one.key in again for one in replies)
    assert path.read_bytes() == b"".join(map(reply_to_line, replies))


@given(TEXTS, st.integers(0, 400))
def test_a_kill_at_any_byte(tmp_path_factory, texts, cut):
    path = tmp_path_factory.mktemp("store") / "responses.jsonl"
    replies = [reply(i, text) for i, text in enumerate(texts)]
    lines = [reply_to_line(one) for one in replies]
    whole = b"".join(lines)
    path.write_bytes(whole[:cut])
    # by counting: a line is there if all of it but its end is
    kept = [r for i, r in enumerate(replies) if cut >= len(b"".join(lines[: i + 1])) - 1]
    with ReplyStore(path) as store:
        assert list(store) == kept
        for one in replies:
            if one.key not in store:
                store.append(one)
            assert store.get(one.key) == one
        assert list(store) == replies
    assert path.read_bytes() == whole


def test_hard_texts(tmp_path):
    texts = ["\ud800", "a\x00b", "<script>\x1b[2J", "\r\n\u2028", "数" * 350_000, "", '"\\']
    with ReplyStore(tmp_path / "a" / "b" / "responses.jsonl") as store:
        for i, text in enumerate(texts):
            store.append(reply(i, text))
        store.sync()
    with ReplyStore(tmp_path / "a" / "b" / "responses.jsonl") as store:
        assert [one.text for one in store] == texts


def test_the_same_key_twice(tmp_path):
    path = tmp_path / "responses.jsonl"
    with ReplyStore(path) as store:
        store.append(reply(1))
        with pytest.raises(AnalysisError, match="responses.jsonl: a reply with the key '000.*kept"):
            store.append(reply(1, "another text"))
        assert [one.text for one in store] == ["Step 2"] and 3 not in store
        with pytest.raises(KeyError):
            store.get("a")
    path.write_bytes(reply_to_line(reply(1)) + reply_to_line(reply(2)) + reply_to_line(reply(1)))
    with pytest.raises(AnalysisError, match="responses.jsonl, line 3: an earlier line has its key"):
        ReplyStore(path)


@pytest.mark.parametrize(
    "line", [b"{", b"\x00" * 9, b"\xff\xfe", b"", b"[1]", b'{"key": 3}', b"[" * 50_000]
)
def test_a_damaged_line_in_the_middle(tmp_path, line):
    path = tmp_path / "responses.jsonl"
    whole = reply_to_line(reply(1)) + line + b"\n" + reply_to_line(reply(2))
    path.write_bytes(whole)
    with pytest.raises(AnalysisError, match="responses.jsonl, line 2: .*delete the line"):
        ReplyStore(path)
    assert path.read_bytes() == whole
    path.write_bytes(reply_to_line(reply(1)) + line)  # torn
    with ReplyStore(path) as store:
        assert len(store) == 1
    assert path.read_bytes() == reply_to_line(reply(1))


def test_a_binary_file_is_not_taken_for_a_torn_line(tmp_path):
    path = tmp_path / "responses.jsonl"
    path.write_bytes(os.urandom(50) + b"\n" + os.urandom(50))
    with pytest.raises(AnalysisError, match="line 1: no JSON"):
        ReplyStore(path)


def test_several_threads(tmp_path):
    with ReplyStore(tmp_path / "responses.jsonl") as store:

        def write(first):
            for i in range(first, 200, 4):
                store.append(reply(i, "x" * i))
                assert store.get(reply(i).key).text == "x" * i

        threads = [threading.Thread(target=write, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {one.id: len(one.text) for one in store} == {f"r{i}": i for i in range(200)}
    with ReplyStore(tmp_path / "responses.jsonl") as store:
        assert len(store) == 200


def test_a_full_disk(tmp_path, monkeypatch):
    path = tmp_path / "responses.jsonl"
    whole, real = reply_to_line(reply(1)), os.write
    with ReplyStore(path) as store:
        store.append(reply(1))
        monkeypatch.setattr(os, "write", lambda d, data: real(d, data[: len(data) // 2]))
        with pytest.raises(AnalysisError, match=r"cannot be written or read \(the disk is full\)"):
            store.append(reply(2))
        assert path.read_bytes() == whole and len(store) == 1
        monkeypatch.setattr(os, "write", real)
        store.append(reply(2))
        assert [one.id for one in store] == ["r1", "r2"]


def test_files_that_cannot_be_opened(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "file" / "x.jsonl", tmp_path / "a\0b"):
        with pytest.raises(AnalysisError, match="cannot be written or read"):
            ReplyStore(path)


def test_a_file_that_somebody_else_writes(tmp_path):
    path = tmp_path / "responses.jsonl"
    with ReplyStore(path) as store:
        store.append(reply(1))
        path.write_bytes(reply_to_line(reply(2)))
        with pytest.raises(AnalysisError, match="was changed while it was in use"):
            store.get(reply(1).key)
        path.write_bytes(b"{}\n")
        with pytest.raises(AnalysisError, match="was changed while it was in use"):
            list(store)


def test_memory_holds_no_texts(tmp_path):
    import tracemalloc

    with ReplyStore(tmp_path / "responses.jsonl") as store:
        big = reply(0, "x" * 100_000)
        tracemalloc.start()
        for i in range(100):
            store.append(replace(big, key=f"{i:064x}"))
        for one in store:
            assert len(one.text) == 100_000
        assert tracemalloc.get_traced_memory()[0] < 1_000_000
        tracemalloc.stop()


def test_failures(tmp_path):
    path = tmp_path / "run" / "failures.jsonl"
    failures = [
        Failure("k", "i\ud800", "step", "", "429 \x1b"),
        Failure("l", "j", "joint", "v", "x"),
    ]
    write_failures(path, iter(failures))
    assert [Failure(**json.loads(line)) for line in path.read_text().splitlines()] == failures

    def broken():
        yield failures[0]
        raise OSError(28, "No space left on device")

    with pytest.raises(AnalysisError, match="failures.jsonl': cannot be written.*No space left"):
        write_failures(path, broken())
    assert len(path.read_text().splitlines()) == 2 and [*path.parent.iterdir()] == [path]
    write_failures(path, [])
    assert path.read_bytes() == b""
