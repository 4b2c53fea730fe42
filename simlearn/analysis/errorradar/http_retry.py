"""Which outcomes of a call are tried again, after how long, and which end everything."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import TypeVar

from simlearn.analysis.errorradar.endpoint import EndpointError
from simlearn.analysis.errorradar.http_call import HttpAnswer
from simlearn.analysis.errorradar.server_text import error_message, safe_line
from simlearn.data.randomness import derive_seed

T = TypeVar("T")

AGAIN = frozenset({408, 409, 425, 429})
"""Besides all from 500 on."""
LONGEST_ASKED = 120.0
"""Longest wait in seconds that a server may ask for."""
LONGEST_BACK_OFF = 60.0


class Unanswered(Exception):
    """A request has no reply.

    Args:
        reason: one line that may be shown.
        again: whether it makes sense to try again.
        wait: seconds that the server asks for; ``None`` where it does not.
        unreachable: whether no connection came about at all.
    """

    def __init__(
        self,
        reason: str,
        *,
        again: bool,
        wait: float | None = None,
        unreachable: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason, self.again, self.wait, self.unreachable = reason, again, wait, unreachable


def check_status(
    answer: HttpAnswer, *, base_url: str, model: str, key_env: str | None, secret: str
) -> None:
    """Return where the status says that there is a reply.

    Args:
        answer: of the server.
        base_url: for the text of an error.
        model: for the text of an error.
        key_env: the variable that holds the key; ``None`` where none is sent.
        secret: the key; never shown.

    Raises:
        Unanswered: this request has no reply: to be tried again (408, 409, 425, 429, from 500
            on) or not (other 4xx).
        EndpointError: no request will have one: the key is refused (401, 403), there is no such
            model or address (404), or the server sends elsewhere (3xx).
    """
    status = answer.status
    if 200 <= status < 300:
        return
    said = safe_line(error_message(answer.body), secret=secret)
    told = safe_line(f"{status} {answer.phrase}", secret=secret, most=60)
    reason = f"{told}: {said}" if said else told
    if status in (401, 403):
        way = (
            "the server wants a key: put it into an environment variable and name that in "
            "endpoint.key_env"
            if key_env is None
            else f"the key in the environment variable {key_env} (endpoint.key_env) is refused; "
            "check it and what it may be used for"
        )
        raise EndpointError(f"{way} ({reason})")
    if status == 404:
        raise EndpointError(
            f"endpoint.base_url {base_url} has no model {safe_line(model)!r}, or does not answer "
            f"at /chat/completions: correct endpoint.base_url or endpoint.model ({reason})"
        )
    if status < 400:
        raise EndpointError(
            f"endpoint.base_url {base_url} sends to another address, which is not followed: name "
            f"the last one ({told})"
        )
    again = status in AGAIN or status >= 500
    raise Unanswered(reason, again=again, wait=retry_after(answer.retry_after) if again else None)


def retry_after(header: str | None, now: float | None = None) -> float | None:
    """Seconds that a ``Retry-After`` header asks for, from 0 to ``LONGEST_ASKED``.

    Args:
        header: seconds or a date; ``None`` for none.
        now: seconds since 1970; ``None`` for the clock.

    Returns:
        ``None`` where there is no header or it says neither.
    """
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            date = parsedate_to_datetime(header)
            seconds = date.timestamp() - (time.time() if now is None else now)
        except (ValueError, TypeError, OverflowError, IndexError):
            return None
    return None if math.isnan(seconds) else min(max(seconds, 0.0), LONGEST_ASKED)


def back_off(
    attempt: int, *, backoff_s: float, asked: float | None, key: str, seed: int = 0
) -> float:
    """Seconds to wait before the next try: exponential with full jitter.

    Evenly distributed from 0 to ``backoff_s`` 2^(attempt - 1), at most ``LONGEST_BACK_OFF``; where
    the server asks for a time it is that, and a jitter of up to ``backoff_s`` on top of it, so
    that not all come back at once.

    Args:
        attempt: tries so far, from 1.
        backoff_s: at least 0.
        asked: of :func:`retry_after`.
        key: of the request; with ``seed`` and ``attempt`` it decides the draw.
        seed: of all draws.
    """
    share = derive_seed(seed, "back-off", key, attempt) / 2**63
    if asked is not None:
        return asked + share * min(backoff_s, LONGEST_BACK_OFF)
    return share * min(backoff_s * 2.0 ** min(attempt - 1, 60), LONGEST_BACK_OFF)


def with_retries(
    send: Callable[[], T],
    *,
    retries: int,
    backoff_s: float,
    key: str,
    wait: Callable[[float], bool],
) -> T:
    """Call until there is a reply.

    Args:
        send: one try.
        retries: further tries after the first, at least 0.
        backoff_s: as for :func:`back_off`.
        key: of the request.
        wait: waits so many seconds; whether it was interrupted, and nothing more is to be sent.

    Raises:
        Unanswered: of the last try, its reason with the number of tries.
        EndpointError: of ``send``.
    """
    for attempt in range(1, retries + 2):
        try:
            return send()
        except Unanswered as error:
            last = error
        if not last.again:
            break
        if attempt <= retries and wait(
            back_off(attempt, backoff_s=backoff_s, asked=last.wait, key=key)
        ):
            last.reason += "; stopped before it was tried again"
            break
    tries = f" (tried {attempt} times)" if attempt > 1 else ""
    raise Unanswered(last.reason + tries, again=last.again, unreachable=last.unreachable)
