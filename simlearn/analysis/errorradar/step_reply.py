"""The step that a reply gives as the first wrong one, by rules and without a judge."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any

from simlearn.analysis.errorradar.json_answer import KeyGroup, keyed_answer
from simlearn.analysis.errorradar.parsed import Parsed
from simlearn.analysis.errorradar.reply_text import boxed_texts, clean_reply, last_line
from simlearn.analysis.errorradar.right_steps import calls_right
from simlearn.analysis.errorradar.step_mentions import (
    NO_STEP,
    lone_step,
    named_steps,
    told_step,
    whole_numbers,
)

_WRONG = ("error", "wrong", "incorrect", "mistake", "mistaken", "erroneous", "faulty")
_STEP_KEYS = {
    f"{first}{key}{number}"
    for first in ("", "first_", "earliest_")
    for wrong in _WRONG
    for key in (f"{wrong}_step", f"step_{wrong}", f"{wrong}_at_step", f"step_with_{wrong}")
    for number in ("", "_number", "_no", "_id")
} | {f"step_{a}{w}" for a in ("of_", "of_first_", "with_first_") for w in _WRONG}
_GROUPS = (
    KeyGroup(frozenset(_STEP_KEYS | {"first_error", "first_mistake"}), binding=True),
    KeyGroup(frozenset({"step", "step_number", "step_no", "步骤", "步驟"}), True),
    KeyGroup(
        frozenset({"answer", "final_answer", "result", "output", "prediction", "response"}),
        binding=False,
    ),
)
_HEAD = re.compile(r"\W{0,4}([0-9]{1,9})\s?[.:)]\s+\S")
_LETTERS = re.compile(r"[^\W\d_]+")
_NONE_WORDS = ("none", "null", "no error", "no step", "no wrong step", "n/a")


def parse_step(text: str, n_steps: int, *, none_allowed: bool = False) -> Parsed[int]:
    r"""Read the number of a step from a reply.

    The first of these rules that finds a number is the one that applies; nothing later is asked,
    even where its number is out of range or it finds two different ones (both then fail):

    ============  ==============================================================================
    json          a JSON object with a key such as "step" or "first_error_step"; outer keys before
                  inner ones, telling keys before "step", "step" before "answer"
    boxed         ``\boxed{...}``
    last line     "Step 3" and the like (:func:`named_steps`) in the last line with words in it,
                  or that line is nothing but a number (:func:`lone_step`)
    only step     one step is named in the whole reply
    only number   one whole number in range stands in it (:func:`whole_numbers`)
    ============  ==============================================================================

    Thinking is left out first (:func:`~simlearn.analysis.errorradar.reply_text.clean_reply`). What
    a sentence means is not understood: "step 3, since step 2 is right" has two answers. Three
    cases fail although a rule finds a number, for it would be a wrong one: the only step that is
    named is called right ("step 4 is correct", :func:`calls_right`); a box or the last line holds a
    bare number and other steps are named, not that one (it may be a result); the first line is
    nothing but another step (:func:`told_step`).

    Args:
        text: anything at all.
        n_steps: how many steps the solution has, at least 1.
        none_allowed: whether 0 is an answer: no step is wrong. As a JSON value or in a box, null
            and "none" say the same.

    Returns:
        From 1 (0) to ``n_steps`` and the rule; ``None`` and the reason: "empty", "none found",
        "out of range" or "two answers".

    Raises:
        ValueError: ``n_steps`` below 1.
    """
    if n_steps < 1:
        raise ValueError(f"n_steps is {n_steps}: at least 1")
    reply = clean_reply(text)
    if not reply:
        return Parsed(None, "empty")
    lowest = 0 if none_allowed else 1
    read = _reader(n_steps, none_allowed)
    found = keyed_answer(reply, _GROUPS, read)
    if found is not None:
        return _decide(found, lowest, n_steps, "json")
    if boxed := _of_boxes(reply, read):
        return _decide(boxed, lowest, n_steps, "boxed")
    line, rule = last_line(reply), "last line"
    named = _of_last_line(line, reply)
    if not named and len(line) != len(reply):
        named, line, rule = named_steps(reply), reply, "only step"
    if named:
        if len(set(named)) == 1 and calls_right(line):
            others = set(named_steps(reply)) - set(named)
            named = [*named, *others] if others else []
        return _decide(named, lowest, n_steps, rule)
    numbers = whole_numbers(reply, n_steps)
    fitting = [k for k in numbers if lowest <= k <= n_steps]
    return _decide(fitting or numbers, lowest, n_steps, "only number")


def _of_boxes(reply: str, read: Callable[[Any], list[int]]) -> list[int]:
    """The steps in boxes, and those that a bare boxed number contradicts."""
    boxes = boxed_texts(reply)
    boxed = [k for inner in boxes for k in read(inner)]
    if len(set(boxed)) != 1 or any(named_steps(inner) for inner in boxes):
        return boxed
    return boxed + _others(boxed[0], reply)


def _of_last_line(line: str, reply: str) -> list[int]:
    """The steps of the last line, and what contradicts it: another first line, other steps."""
    if named := named_steps(line):
        first = reply.split("\n", 1)[0]
        return named + (told_step(first) if len(line) != len(reply) else [])
    alone = lone_step(line)
    return alone + _others(alone[0], reply) if alone else []


def _others(number: int, reply: str) -> list[int]:
    """The steps that a reply names where ``number`` is not among them; 0 for none needs no name."""
    named = named_steps(reply) if number else []
    return [] if number in named else named


def _of_text(text: str, n_steps: int) -> list[int]:
    """The steps of a text in a number's place; none of a step's wording ("The area is 4")."""
    if found := named_steps(text) or lone_step(text):
        return found
    if head := _HEAD.match(text):
        return whole_numbers(head[1], n_steps)
    return whole_numbers(text, n_steps) if len(_LETTERS.findall(text)) <= 2 else []


def _reader(n_steps: int, none_allowed: bool) -> Callable[[Any], list[int]]:
    """What a JSON value or a box's text says: none, one or several numbers."""

    def read(value: Any) -> list[int]:
        """The steps of one value; a list says what its entries say."""
        if isinstance(value, list):
            return [k for one in value[:100] if not isinstance(one, list) for k in read(one)]
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return [value if 0 <= value < 10**9 else NO_STEP]
        if value is None:
            return [0] if none_allowed else []
        if not isinstance(value, str):
            return []
        if none_allowed and value.strip().strip(".\"'").lower() in _NONE_WORDS:
            return [0]
        return _of_text(value, n_steps)

    return read


def _decide(found: Collection[int], lowest: int, n_steps: int, rule: str) -> Parsed[int]:
    """One number in range, or why there is none."""
    numbers = set(found)
    if not numbers:
        return Parsed(None, "none found")
    if len(numbers) > 1:
        return Parsed(None, "two answers")
    number = numbers.pop()
    return Parsed(number, rule) if lowest <= number <= n_steps else Parsed(None, "out of range")
