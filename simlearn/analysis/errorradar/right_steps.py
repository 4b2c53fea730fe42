"""Steps that a reply calls right: what it names then is no wrong step."""

from __future__ import annotations

import re

from simlearn.analysis.errorradar.step_mentions import CARDINALS

_COUNT = rf"(?:[0-9]+|{CARDINALS.replace(' ', '|')})"
_FINE = "(?:correct|right|fine|ok|okay|valid|accurate)"
_TICK = "[\u2705\u2611\u2713\u2714]"
_RIGHT = re.compile(
    rf"step[\W_]{{0,8}}{_COUNT}(?:[\W_]{{1,6}}(?:(?:is|was|seems|looks)\s+)?"
    rf"(?:(?:also|indeed|still|thus|again)\s+)?{_FINE}"
    rf"(?=\s*(?:$|[^\w\s:]|and\b|but\b|as\b|since\b))"
    rf"|[^\n]{{0,200}}{_TICK}[^\w\n]*$)"
    rf"|\bno\s+(?:errors?|mistakes?)\s+(?:\w+\s+)?(?:in|at|with)\s+(?:the\s+)?step"
    rf"|\b{_FINE}\s+(?:up\s+to|to|until|till|through)\s+(?:and\s+including\s+)?(?:the\s+)?step"
    rf"|\blast\s+{_FINE}\s+(?:step|one)",
    re.MULTILINE,
)


def calls_right(text: str) -> bool:
    """Whether a text says of a step that it is right.

    "Step 4 is correct", a tick at the end of the line of step 4, "no error in step 4", "right up to
    step 4", "step 4 is the last correct one". "Step 4: correct is 60" says the contrary, and "step
    4 is wrong, the rest is right" is about others.
    """
    return bool(_RIGHT.search(text.lower()))
