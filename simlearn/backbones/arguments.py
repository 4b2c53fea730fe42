"""Checks of what a configuration gives a backbone."""

from __future__ import annotations

from collections.abc import Sequence


def at_least_one(**numbers: int) -> None:
    """Refuse a number below 1.

    Raises:
        ValueError: names the first such key of ``backbone`` and its value.
    """
    for name, value in numbers.items():
        if value < 1:
            raise ValueError(f"backbone.{name} is {value}, must be at least 1")


def one_of(choices: Sequence[str], **words: str) -> None:
    """Refuse a word that is none of the choices.

    Raises:
        ValueError: names the key of ``backbone``, the word and the choices.
    """
    for name, word in words.items():
        if word not in choices:
            raise ValueError(f"backbone.{name} is {word!r}, must be one of {', '.join(choices)}")
