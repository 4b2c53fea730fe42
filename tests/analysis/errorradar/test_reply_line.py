"""Replies as lines of JSON."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.analysis.errorradar import reply_line
from simlearn.analysis.errorradar.endpoint import Reply
from simlearn.analysis.errorradar.reply_line import (
    lines_with_offsets,
    reply_from_line,
    reply_to_line,
)

ANY = st.text(st.characters(), max_size=30)
NUMBERS = st.integers(0, 10**9)
REPLIES = st.builds(
    Reply,
    *[ANY] * 7,
    seconds=st.floats(0, 1e9),
    prompt_tokens=NUMBERS,
    completion_tokens=NUMBERS,
)


@given(REPLIES)
def test_round_trip(reply):
    line = reply_to_line(reply)
    assert line.endswith(b"\n") and line.count(b"\n") == 1 and line.isascii()
    assert all(byte >= 32 for byte in line[:-1])
    found = reply_from_line(line)
    assert (found.seconds, found.prompt_tokens) == (reply.seconds, reply.prompt_tokens)
    for name in ("key", "id", "task", "variant", "text", "model", "finish"):
        assert getattr(found, name) == via_utf16(getattr(reply, name))


def via_utf16(text):
    units = text.encode("utf-16-le", "surrogatepass")
    out, at = [], 0
    while at < len(units):
        unit = int.from_bytes(units[at : at + 2], "little")
        low = int.from_bytes(units[at + 2 : at + 4], "little")
        if 0xD800 <= unit < 0xDC00 and 0xDC00 <= low < 0xE000:
            out.append(chr(0x10000 + ((unit - 0xD800) << 10) + low - 0xDC00))
            at += 4
        else:
            out.append(chr(unit))
            at += 2
    return "".join(out)


LINE = {"key": "k", "id": "i", "task": "t", "variant": "", "text": "x"}


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"key": None}, "key: must be a text, found None"),
        ({"text": 3}, "text: must be a text, found 3"),
        ({"seconds": -1}, "seconds: must be from 0 to 1e9, found -1"),
        ({"seconds": float("nan")}, "seconds: must be from 0"),
        ({"prompt_tokens": 10**400}, "prompt_tokens: must be from 0"),
        ({"prompt_tokens": True}, "prompt_tokens: must be a number, found True"),
        ({"completion_tokens": "7"}, "completion_tokens: must be a number, found '7'"),
    ],
)
def test_wrong_fields(change, text):
    with pytest.raises(ValueError, match=text):
        reply_from_line(json.dumps({**LINE, **change}).encode())


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"", "no JSON"),
        (b"\xff", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"9" * 5000, "no JSON"),
        (b"[1]", "must be a JSON object"),
        (b'{"key": "a"}', "id: is missing"),
    ],
)
def test_wrong_lines(line, text):
    with pytest.raises(ValueError, match=text):
        reply_from_line(line)


def test_few_fields_where_it_is_loose():
    assert reply_from_line(b'{"id": 7, "text": "a", "task": null}', loose=True) == Reply(
        "", "7", "", "", "a"
    )
    for line in (b'{"id": true, "text": "a"}', b'{"text": "a"}', b'{"id": "a", "text": null}'):
        with pytest.raises(ValueError):
            reply_from_line(line, loose=True)
    assert reply_from_line(json.dumps({**LINE, "more": [1]}).encode()) == Reply(
        "k", "i", "t", "", "x"
    )


def test_nothing_is_written_that_is_no_json():
    with pytest.raises(ValueError):
        reply_to_line(Reply("k", "i", "t", "", "x", seconds=float("inf")))


@given(st.lists(st.binary(max_size=9).map(lambda b: b.replace(b"\n", b""))), st.booleans())
def test_offsets(parts, ended):
    data = b"\n".join(parts) + (b"\n" if ended else b"")
    found = list(lines_with_offsets(io.BytesIO(data)))
    assert b"".join(line for _, _, line in found) == data
    assert [number for number, _, _ in found] == list(range(1, len(found) + 1))
    assert all(data[at : at + len(line)] == line for _, at, line in found)


def test_lines_without_end(monkeypatch):
    monkeypatch.setattr(reply_line, "MOST_BYTES", 10)
    assert len(list(lines_with_offsets(io.BytesIO(b"123456789\n1234567890")))) == 2
    with pytest.raises(ValueError, match="line 2: is longer than 10 bytes"):
        list(lines_with_offsets(io.BytesIO(b"1\n" + b"2" * 11)))
