"""The closest right word for a mistyped one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

CUTOFF = 0.6


def closest_word(word: str, choices: Iterable[str]) -> str | None:
    """The choice most like ``word`` (difflib ratio of at least 0.6), case ignored; None if none is.

    Ties go to the choice that sorts first, so the answer does not depend on their order.
    """
    folded: dict[str, str] = {}
    for choice in sorted(choices):
        folded.setdefault(choice.casefold(), choice)
    found = get_close_matches(word.casefold(), folded, n=1, cutoff=CUTOFF)
    return folded[found[0]] if found else None


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """``" Did you mean 'margin'?"`` or an empty string when nothing is close."""
    best = closest_word(word, choices)
    return f" Did you mean '{best}'?" if best is not None else ""


def listing(choices: Iterable[str], limit: int = 40) -> str:
    """``"a, b, c"`` sorted, cut after ``limit`` words; ``"none"`` when there is none."""
    words = sorted(choices)
    more = f", ... ({len(words) - limit} more)" if len(words) > limit else ""
    return ", ".join(words[:limit]) + more if words else "none"
