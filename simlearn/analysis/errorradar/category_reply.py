"""The kind of error that a reply gives, by rules and without a judge."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from simlearn.analysis.errorradar.category_names import (
    lone_category,
    named_categories,
    value_categories,
)
from simlearn.analysis.errorradar.denied_category import denies
from simlearn.analysis.errorradar.json_answer import KeyGroup, keyed_answer
from simlearn.analysis.errorradar.parsed import Parsed
from simlearn.analysis.errorradar.reply_text import boxed_texts, clean_reply, last_line

_WORDS = ("category", "type", "kind", "class", "code", "label")
_GROUPS = (
    KeyGroup(
        frozenset(
            {"category", "cate", "类别", "错误类型"}
            | {f"{of}_{word}" for of in ("error", "mistake") for word in _WORDS}
            | {f"{word}_of_{of}" for of in ("error", "mistake", "the_error") for word in _WORDS}
            | {f"category_{word}" for word in ("code", "name", "label")}
        ),
        binding=True,
    ),
    KeyGroup(frozenset({*_WORDS, "error", "mistake", "classification"}), binding=False),
    KeyGroup(
        frozenset({"answer", "final_answer", "result", "output", "prediction", "response"}),
        binding=False,
    ),
)


def parse_category(text: str) -> Parsed[str]:
    r"""Read one of ``CATEGORIES`` from a reply.

    The first of these rules that finds a kind is the one that applies; nothing later is asked,
    even where it finds two different ones (then it fails):

    =============  =============================================================================
    json           a JSON object with a key such as "category" or "error_type"
    boxed          ``\boxed{...}``
    last line      codes in capitals, full names and synonyms (:func:`named_categories`) in the
                   last line with words in it, or that line is nothing but a code or a kind's
                   short name in any case (:func:`lone_category`)
    only category  the whole reply names one kind
    =============  =============================================================================

    Thinking is left out first (:func:`~simlearn.analysis.errorradar.reply_text.clean_reply`).
    Negations are not understood: "not a calculation error but a reasoning error" has two answers;
    but what only denies one kind ("it is no calculation error") names none. Where the first line
    is nothing but one kind and the last line names another, there are two answers as well.
    Letters (A to E) are no kinds, the prompts do not number them.

    Args:
        text: anything at all.

    Returns:
        A code and the rule; ``None`` and the reason: "empty", "none found" or "two answers".
    """
    reply = clean_reply(text)
    if not reply:
        return Parsed(None, "empty")
    found = keyed_answer(reply, _GROUPS, _read)
    if found is not None:
        return _decide(found, "json")
    boxed = [code for inner in boxed_texts(reply) for code in _of_text(inner)]
    if boxed:
        return _decide(boxed, "boxed")
    line, rule = last_line(reply), "last line"
    named = named_categories(line) or lone_category(line)
    if named and len(line) != len(reply):
        named = named + _of_first_line(reply)
    elif not named and len(line) != len(reply):
        named, line, rule = named_categories(reply), reply, "only category"
    if len(set(named)) == 1 and denies(line):
        named = named_categories(reply)
        named = named if len(set(named)) > 1 else []
    return _decide(named, rule)


def _of_first_line(reply: str) -> list[str]:
    """The kind of a first line that says nothing else; "VIS:" is a heading and says none."""
    first = reply.split("\n", 1)[0].rstrip("*_ \t\r")
    return [] if first.endswith(":") else lone_category(first)


def _read(value: Any) -> list[str]:
    """The kinds that a JSON value names; a list names what its entries name."""
    if isinstance(value, list):
        return [code for one in value[:100] if isinstance(one, str) for code in _read(one)]
    return _of_text(value) if isinstance(value, str) else []


def _of_text(text: str) -> list[str]:
    """The kinds of a JSON value or a box; none where it denies the only one."""
    found = value_categories(text)
    return [] if len(set(found)) == 1 and denies(text) else found


def _decide(found: Collection[str], rule: str) -> Parsed[str]:
    """One kind, or why there is none."""
    codes = set(found)
    if not codes:
        return Parsed(None, "none found")
    return Parsed(codes.pop(), rule) if len(codes) == 1 else Parsed(None, "two answers")
