"""What a server says, made fit to be shown."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.analysis.errorradar.server_text import error_message, mask_secret, safe_line
from tests.analysis.errorradar.requests_to_ask import KEY


@given(st.text(st.characters()), st.integers(1, 300))
def test_one_printable_line_of_limited_length(text, most):
    line = safe_line(text, most=most)
    assert len(line) <= most and line.isprintable()
    assert line == " ".join(line.split())
    if text.isascii() and text.isprintable() and len(text) <= most:
        assert line == " ".join(text.split())


@given(st.text(), st.text(), st.integers(1, 400))
def test_the_key_is_never_in_it(before, after, most):
    for spelled in (KEY, quote(KEY, safe=""), KEY.replace("/", "\\/")):
        line = safe_line(f"{before}{spelled}{after}", secret=KEY, most=most)
        assert spelled not in line and KEY[-10:] not in line and KEY[:8] not in line


def test_escapes_show_what_was_there():
    assert safe_line("a\x1b[2J\u202eb\n\tc\ud800\x00") == "a\\x1b[2J\\u202eb c\\ud800\\x00"
    assert safe_line("größer 数学 \N{GRINNING FACE}") == "größer 数学 \N{GRINNING FACE}"
    assert safe_line("x" * 300, most=10) == "x" * 9 + "…"
    assert safe_line("") == ""


def test_a_key_behind_many_blanks():
    for blanks in (0, 9000, 16_890, 17_000):
        assert safe_line(" " * blanks + KEY, secret=KEY) in ("***", "")


def test_short_words_may_stay():
    assert mask_secret("step 1 of 11", "1") == "step *** of ******"
    assert mask_secret("step 1 of 11", "1", least=6) == "step 1 of 11"
    assert mask_secret("abc", "") == "abc"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"error": {"message": "too long", "code": 3}}', "too long"),
        (b'{"error": "no such model"}', "no such model"),
        (b'{"object": "error", "message": "vllm says"}', "vllm says"),
        (b'{"detail": "Not Found"}', "Not Found"),
        (b'{"error": null, "detail": [1]}', '{"error": null, "detail": [1]}'),
        (b"<html>", "<html>"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"[" * 100_000, "[" * 100_000),
        (b"", ""),
    ],
)
def test_where_the_message_stands(body, text):
    assert error_message(body) == text
    assert json.dumps(safe_line(error_message(body)))
