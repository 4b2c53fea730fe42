"""The body of a chat completion: its text, why it ended, and how many tokens it took."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from simlearn.analysis.errorradar.server_text import (
    LEAST_SECRET,
    error_message,
    mask_secret,
    safe_line,
)

MOST_TOKENS = 10**9
"""Larger numbers are not believed."""


class ChatReply(NamedTuple):
    """What one reply says.

    Attributes:
        text: may be empty.
        model: that answered, in the server's words; one line.
        finish: why it ended; one word.
        prompt_tokens: 0 where it is not told or not believable.
        completion_tokens: the same.
    """

    text: str
    model: str
    finish: str
    prompt_tokens: int
    completion_tokens: int


def read_chat_reply(body: bytes, *, secret: str = "") -> ChatReply:
    """Read the first choice of a chat completion.

    A message without content is an empty text; where the server gives a refusal instead, it is
    that. Content in parts is joined. The secret is masked (in the text only where it is long
    enough to be one).

    Args:
        body: of a response with status 200; anything.
        secret: the key; ``""`` for none.

    Raises:
        ValueError: no JSON, no choices, or an error in the place of one (routers send that with
            status 200 where the model behind them failed); the text is one line that may be shown.
    """
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError(f"the reply is no JSON: {_begin(body, secret)}") from None
    found = found if isinstance(found, dict) else {}
    choices = found.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    choice = first if isinstance(first, dict) else {}
    message = choice.get("message")
    text = _text(message) if isinstance(message, dict) else None
    if text is None:
        raise ValueError(f"the reply holds no choice with a message: {_begin(body, secret)}")
    model, finish = found.get("model"), choice.get("finish_reason")
    if finish == "error" or isinstance(choice.get("error"), dict):
        raise ValueError(f"the reply broke off: {_begin(json.dumps(choice).encode(), secret)}")
    usage = found.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    return ChatReply(
        mask_secret(text, secret, least=LEAST_SECRET),
        _word(model, secret, 120),
        _word(finish, secret, 40),
        _count(usage.get("prompt_tokens")),
        _count(usage.get("completion_tokens")),
    )


def _text(message: dict[str, Any]) -> str | None:
    """The content of a message; ``None`` where it is of no known kind."""
    content = message.get("content")
    if content is None:
        refusal = message.get("refusal")
        return refusal if isinstance(refusal, str) else ""
    if isinstance(content, list):
        texts = [part.get("text") for part in content if isinstance(part, dict)]
        return "".join(text for text in texts if isinstance(text, str))
    return content if isinstance(content, str) else None


def _word(value: object, secret: str, most: int) -> str:
    """A short text of the server; ``""`` for anything else."""
    if not isinstance(value, str):
        return ""
    return safe_line(value, secret=secret if len(secret) >= LEAST_SECRET else "", most=most)


def _count(value: object) -> int:
    """A number of tokens, 0 for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    return int(value) if 0 <= value <= MOST_TOKENS else 0  # nan is not


def _begin(body: bytes, secret: str) -> str:
    """The beginning of a body, or the error that it holds, for a message."""
    return safe_line(error_message(body), secret=secret, most=120) or "it is empty"
