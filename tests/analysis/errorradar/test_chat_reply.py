"""Bodies of chat completions, right and wrong."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.analysis.errorradar.chat_reply import ChatReply, read_chat_reply
from simlearn.analysis.errorradar.taxonomy import CATEGORIES
from tests.analysis.errorradar.chat_server import HOSTILE, ODD, completion, joint_reply
from tests.analysis.errorradar.requests_to_ask import KEY


def read(content, **options):
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return read_chat_reply(data, **options)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_the_text_is_kept_as_it_is(text):
    assert read(completion(text)) == ChatReply(text, "served-1", "stop", 11, 7)


def test_the_helper_names_real_categories():
    for i in range(30):
        found = json.loads(joint_reply(str(i)))
        assert found["category"] in CATEGORIES and 1 <= found["step"] <= 3


def test_kinds_of_content():
    assert read(completion(None)).text == ""
    assert read(ODD["refusal"]("")).text == "I would rather not"
    assert read(ODD["parts"]("")).text == "Step 2"
    assert read(completion([{"type": "image"}, 3])).text == ""
    assert read({"choices": [{"message": {"content": "a"}}]}) == ChatReply("a", "", "", 0, 0)


def test_words_of_a_hostile_server():
    found = read({**completion(HOSTILE), "model": HOSTILE})
    assert found.text == HOSTILE and "\x1b" not in found.model and found.model.isprintable()
    assert len(read({**completion(""), "model": "m" * 500}).model) == 120
    assert read({**completion(""), "model": ["m"]}).model == ""


@pytest.mark.parametrize("count", [-1, 10**400, 1e300, True, "7", None, [1], 10**9 + 1])
def test_numbers_that_are_not_believed(count):
    content = {**completion("a"), "usage": {"prompt_tokens": count, "completion_tokens": 3.0}}
    assert read(content)[3:] == (0, 3)
    assert read(b'{"choices": [{"message": {}}], "usage": {"prompt_tokens": NaN}}')[3:] == (0, 0)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "the reply is no JSON: it is empty"),
        (b"<html>\x1b[2J", "the reply is no JSON: <html>\\\\x1b"),
        (b"[" * 100_000, "the reply is no JSON: "),
        (b"\xff\xfe\x00", "the reply is no JSON"),
        (b"[]", "no choice with a message"),
        (b"3", "no choice with a message"),
        (b'{"choices": []}', "no choice with a message"),
        (b'{"choices": {"0": 1}}', "no choice with a message"),
        (b'{"choices": [3]}', "no choice with a message"),
        (b'{"choices": [{"message": "a"}]}', "no choice with a message"),
        (b'{"choices": [{"message": {"content": 3}}]}', "no choice with a message"),
        (b'{"error": {"message": "overloaded"}}', "no choice with a message: overloaded"),
        (
            b'{"choices": [{"message": {"content": ""}, "finish_reason": "error"}]}',
            "the reply broke off: ",
        ),
        (
            b'{"choices": [{"message": {"content": "Ste"}, "error": {"message": "too busy"}}]}',
            "the reply broke off: too busy",
        ),
    ],
)
def test_what_is_no_completion(body, text):
    with pytest.raises(ValueError, match=text) as caught:
        read(body)
    assert str(caught.value).isprintable() and len(str(caught.value)) < 200


def test_the_key_is_masked():
    found = read({**completion(f"your key {KEY}!"), "model": KEY}, secret=KEY)
    assert (found.text, found.model) == ("your key ***!", "***")
    assert read({**completion("none of 1"), "model": "1"}, secret="1")[:2] == ("none of 1", "1")
    with pytest.raises(ValueError) as caught:
        read(f"<b>{KEY}</b>".encode(), secret=KEY)
    assert KEY not in str(caught.value)
