"""Kinds of errors that a reply names only to say that it is not them."""

from __future__ import annotations

import re

from simlearn.analysis.errorradar.category_names import GAP, KINDS

_DENIED = re.compile(
    "(?:\\bnot|n['\u2019]t|\\bno|\\bnever|\\bthan|\\binstead of|\\bwithout) "
    "(?:(?:any|an?|the|of|just) ){0,2}"
    f"(?:(?:vis|cal|reas|mis)(?![a-z0-9])|(?:{KINDS})(?![a-z]))".replace(" ", GAP)
)


def denies(text: str) -> bool:
    """Whether a kind of error is named after a "not": "no VIS", "rather than a logical error"."""
    return bool(_DENIED.search(text.lower()))
