"""Replies of models made readable: thinking, fences and tags off, the answer's place found."""

from __future__ import annotations

import html
import re
import unicodedata

MOST_CHARACTERS = 32_768
"""Only the end of a longer reply is looked at: the answer stands there."""
MOST_BOXES = 16
_BOX_LENGTH = 400

_THOUGHT = re.compile(
    r"[<\[\u25c1][ \t]*(/?)[ \t]*"
    r"(?:think|thinking|thought|thoughts|reasoning|reflection|scratchpad)"
    r"\b[^<>\[\]\u25b7]{0,80}[>\]\u25b7]",
    re.IGNORECASE,
)
_THOUGHT_WORDS = ("think", "thought", "reasoning", "reflection", "scratchpad")
_FENCE = re.compile(
    r"(?:`{3,}|~{3,})(?:[ \t]*(?:json5?|jsonc|text|txt|plaintext|python|latex|tex|markdown|md|math"
    r"|html|xml|yaml)\b|[\w+-]{0,20}(?=[ \t]*$))?",
    re.IGNORECASE | re.MULTILINE,
)
_BREAK = re.compile(r"<(?:br[ \t]*/?|/(?:p|div|li|tr|h[1-6]))[ \t]*>", re.IGNORECASE)
_TAG = re.compile(
    r"</?(?:a|b|i|u|em|strong|p|div|span|br|hr|ul|ol|li|h[1-6]|table|tr|td|th|code|pre|sub|sup|mark"
    r"|font|html|body|answer|final|final_answer|output|response|result|conclusion|step|category"
    r"|s|eos|bos|pad|unk|end_of_turn|start_of_turn)(?:[ \t][^<>]{0,200})?/?>",
    re.IGNORECASE,
)
_SPECIAL = re.compile(r"<\|[^<>|\s]{1,40}\|>")
_DIGIT = re.compile(r"(?![0-9])\d")
_BOX = re.compile(r"(?:f?box(?:ed)?|\x08oxed)\s*\{")
_COMMAND = re.compile(r"\\[A-Za-z]+")
_WORD = re.compile(r"[^\W_]")
_WIDE = str.maketrans(
    {0xFF01 + k: chr(0x21 + k) for k in range(94)}
    | {0x2460 + k: f"({k + 1})" for k in range(20)}
    | {0x3000: " ", 0xA0: " ", 0x2212: "-", 0x2010: "-", 0x2011: "-"}
)


def clean_reply(text: str) -> str:
    """What a reply says once the marks around it are gone.

    In this order: thinking is left out (:func:`strip_thinking`); white space at both ends goes;
    only the last ``MOST_CHARACTERS`` stay; HTML's entities, digits of all scripts, wide letters
    and circled numbers become plain; code fences, common HTML tags and a model's special tokens
    go, the content between them stays.

    Args:
        text: anything at all.

    Returns:
        ``""`` where nothing is left.
    """
    plain = text.isascii()
    if "<" in text or "[" in text or not plain:
        text = strip_thinking(text)
    text = text.strip()
    if len(text) > MOST_CHARACTERS:
        text = text[-MOST_CHARACTERS:]
    if "&" in text:
        text = html.unescape(text.replace("&quot;", "'"))  # " would end a text of JSON
        plain = plain and text.isascii()
    if not plain:
        text = text.translate(_WIDE)
        text = _DIGIT.sub(lambda match: str(unicodedata.digit(match[0])), text)
    if "```" in text or "~~~" in text:
        text = _FENCE.sub("\n", text)
    if "<" in text:
        text = text.replace("<|begin_of_box|>", r"\boxed{").replace("<|end_of_box|>", "}")
        text = _SPECIAL.sub(" ", _TAG.sub(" ", _BREAK.sub("\n", text)))
    return text.strip()


def strip_thinking(text: str) -> str:
    """A reply without ``<think>...</think>`` and its like.

    Understood are think, thinking, thought(s), reasoning, reflection and scratchpad in angle or
    square brackets. A block that never ends takes the rest with it; an end without a beginning
    (a chat template had opened the block) takes all that stands before it. An opening inside a
    block counts for nothing.
    """
    low = text.lower()
    if not any(word in low for word in _THOUGHT_WORDS):
        return text
    kept: list[str] = []
    start, inside = 0, False
    for match in _THOUGHT.finditer(text):
        if not match[1]:
            if not inside:
                kept.append(text[start : match.start()])
            inside = True
            continue
        if not inside:
            kept.clear()
        inside, start = False, match.end()
    if not inside:
        kept.append(text[start:])
    return "".join(kept)


def boxed_texts(text: str) -> list[str]:
    r"""What stands in ``\boxed{...}``; ``[]`` where there is no whole box.

    Inner braces stay, the names of LaTeX's commands (``\text``) go.

    Of many boxes the last ``MOST_BOXES`` count; one of more than 400 characters is passed over.
    """
    if "box" not in text and "\x08oxed" not in text:
        return []
    found = []
    for match in list(_BOX.finditer(text))[-MOST_BOXES:]:
        depth = 1
        for at in range(match.end(), min(match.end() + _BOX_LENGTH, len(text))):
            depth += (text[at] == "{") - (text[at] == "}")
            if not depth:
                found.append(_COMMAND.sub(" ", text[match.end() : at]))
                break
    return found


def last_line(text: str) -> str:
    """The last line with a letter or a digit in it; ``""`` where there is none."""
    lines = text.splitlines()
    for line in reversed(lines):
        if _WORD.search(line):
            return line
    return ""
