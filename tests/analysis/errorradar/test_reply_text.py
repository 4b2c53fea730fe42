"""Cleaning of replies: thinking, fences, tags, boxes, the last line, and hostile lengths."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.analysis.errorradar.reply_text import (
    MOST_BOXES,
    MOST_CHARACTERS,
    boxed_texts,
    clean_reply,
    last_line,
    strip_thinking,
)

PIECES = st.lists(
    st.sampled_from(["<think>", "</think>", "a", "b ", "<Reasoning>", "</reasoning>", "<b>", "\n"]),
    max_size=12,
)


def naive_strip(pieces):
    """Another way: piece by piece, with a state."""
    kept, inside = [], False
    for piece in pieces:
        if piece.lower() in ("<think>", "<reasoning>"):
            inside = True
        elif piece.lower() in ("</think>", "</reasoning>"):
            kept, inside = (kept if inside else []), False
        elif not inside:
            kept.append(piece)
    return "".join(kept)


@given(PIECES)
def test_thinking_against_an_oracle(pieces):
    assert strip_thinking("".join(pieces)) == naive_strip(pieces)


@pytest.mark.parametrize(
    "opening, closing",
    [
        ("<think>", "</think>"),
        ("< THINK >", "</ think >"),
        ('<thinking time="3">', "</thinking>"),
        ("[THINK]", "[/THINK]"),
        ("\u25c1think\u25b7", "\u25c1/think\u25b7"),
        ("<scratchpad>", "</scratchpad>"),
    ],
)
def test_names_of_thinking(opening, closing):
    assert strip_thinking(f"a{opening}x\ny{closing}b") == "ab"
    assert strip_thinking(f"a{opening}x") == "a"
    assert strip_thinking(f"x{closing}b") == "b"


def test_other_words_in_brackets_stay():
    for text in ("<thinker>a</thinker>", "I think [reasonably] a < b", "[see thought 1]"):
        assert strip_thinking(text) == text


@pytest.mark.parametrize(
    "reply, clean",
    [
        ("```json\n1\n```", "1"),
        ("```Step 3```", "Step 3"),
        ("```json 3```", "3"),
        ("~~~\na\n~~~", "a"),
        ("a<br>b</p>c", "a\nb\nc"),
        ("<div class='x'>a</div>", "a"),
        ("a<|eot_id|></s>", "a"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("&lt;3&gt; &quot;", "<3> '"),
        ("\uff13\uff1a\u2463 \u0665", "3:(4) 5"),
        ("a b", "a b"),
    ],
)
def test_clean_reply(reply, clean):
    assert clean_reply(reply) == clean


@given(st.text())
def test_cleaning_never_raises_and_knows_no_white_space(text):
    found = clean_reply(text)
    assert found == found.strip()
    assert clean_reply(f"\n \t{text}\r\n") == found
    assert clean_reply(f"<think>7</think>{text}") == found


@given(st.text(alphabet="ab {}[]<>&;`~\n1", max_size=30))
def test_plain_text_keeps_its_letters(text):
    found = clean_reply(text)
    assert len(re.findall("[0-9]", found)) == text.count("1")


def test_only_the_end_of_a_long_reply_counts():
    found = clean_reply("Step 1\n" + "x " * MOST_CHARACTERS + "Step 2")
    assert len(found) <= MOST_CHARACTERS and found.endswith("Step 2") and "Step 1" not in found
    assert clean_reply("<think>" + "x" * 10**6 + "</think>Step 1") == "Step 1"


@pytest.mark.parametrize(
    "text, boxes",
    [
        (r"\boxed{3}", ["3"]),
        (r"\boxed {a{b}{c{d}}} e}", ["a{b}{c{d}}"]),
        (r"\fbox{\text{Step }3}", [" {Step }3"]),
        ("\x08oxed{4}", ["4"]),
        (r"\boxed{1} \boxed{2}", ["1", "2"]),
        (r"\boxed{1", []),
        (r"\boxed{" + "x" * 400 + "}", []),
        ("a box {", []),
        (r"\boxed{}", [""]),
    ],
)
def test_boxes(text, boxes):
    assert boxed_texts(text) == boxes


def test_the_last_of_many_boxes():
    text = "".join(rf"\boxed{{{k}}}" for k in range(100))
    assert boxed_texts(text) == [str(k) for k in range(100 - MOST_BOXES, 100)]


@given(st.lists(st.sampled_from(["", "  ", "---", "a", "3.", "**", "é", "_"]), max_size=6))
def test_last_line(lines):
    words = [line for line in lines if any(c.isalnum() for c in line)]
    assert last_line("\n".join(lines)) == (words[-1] if words else "")
