"""Texts of a server or an exception, fit to be shown: without the key, on one line, cut."""

from __future__ import annotations

import json
from urllib.parse import quote

MASK = "***"
LEAST_SECRET = 6
"""Shorter keys are words for servers that want none ("EMPTY", "none"): replies may hold them."""


def mask_secret(text: str, secret: str, *, least: int = 1) -> str:
    """The text with every copy of a secret replaced, as it is and as JSON and addresses spell it.

    Args:
        text: anything.
        secret: the key; ``""`` for none.
        least: secrets with fewer letters are left where they are.
    """
    if not secret or len(secret) < least:
        return text
    for spelled in {secret, json.dumps(secret)[1:-1], quote(secret), quote(secret, safe="")}:
        text = text.replace(spelled, MASK)
    return text.replace(secret.replace("/", "\\/"), MASK)


def safe_line(text: str, *, secret: str = "", most: int = 200) -> str:
    """A text as one line for messages and files.

    Args:
        text: anything; white space runs become one space, what cannot be printed (control
            characters, marks of direction, lone surrogates) becomes an escape.
        secret: is masked, before and after the rest.
        most: letters that are kept at most, at least 1; the last is an ellipsis where more were
            there.
    """
    text = mask_secret(text, secret)[: 64 * most + 4096]
    line = " ".join(
        "".join(c if c.isprintable() or c.isspace() else _escape(c) for c in text).split()
    )
    line = mask_secret(line, secret)
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def error_message(body: bytes) -> str:
    """What a server says about a request that it did not answer.

    Looked for are ``error.message``, ``error``, ``message`` and ``detail`` of a JSON object; else
    it is the whole body. The text is as the server wrote it: hand it to :func:`safe_line`.
    """
    text = body.decode("utf-8", "replace")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if isinstance(found, dict):
        for key in ("error", "message", "detail"):
            inner = found.get(key)
            if isinstance(inner, dict):
                inner = inner.get("message")
            if isinstance(inner, str) and inner.strip():
                return inner
    return text


def _escape(letter: str) -> str:
    """The number of a letter that cannot be printed, as Python writes it."""
    code = ord(letter)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
