"""What asking a server costs: so far, and roughly before anything is sent."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass

from simlearn.analysis.errorradar.endpoint import EndpointError, Reply, Request

LETTERS_PER_TOKEN = 4
IMAGE_TOKENS = 1000
"""Rough: servers count pictures in many ways."""


@dataclass(frozen=True)
class Estimate:
    """What requests may come to.

    Attributes:
        requests: how many there are.
        images: how many of them hold a picture.
        prompt_tokens: letters / 4 and 1,000 a picture.
        completion_tokens: as many as are allowed: what comes back is usually much less.
        money: in the unit of the prices; ``None`` without prices.
    """

    requests: int
    images: int
    prompt_tokens: int
    completion_tokens: int
    money: float | None

    def words(self) -> str:
        """One sentence that says how rough this is."""
        price = "" if self.money is None else f", {money_words(self.money)} at most"
        return (
            f"{self.requests:,} requests, {self.images:,} of them with a picture: roughly "
            f"{self.prompt_tokens:,} tokens of prompts and at most {self.completion_tokens:,} of "
            f"replies{price} (a guess: a token for every {LETTERS_PER_TOKEN} letters, "
            f"{IMAGE_TOKENS:,} for a picture)"
        )


def estimate_cost(
    requests: Iterable[Request],
    *,
    max_tokens: int,
    price_in: float | None = None,
    price_out: float | None = None,
) -> Estimate:
    """Guess what requests will cost; they are read once and not held. None cost nothing.

    Args:
        requests: any number.
        max_tokens: of a reply.
        price_in: of a million tokens of prompts.
        price_out: of a million tokens of replies.
    """
    count = images = prompt = 0
    for request in requests:
        count += 1
        images += request.image is not None
        prompt += prompt_tokens(request)
    money = None
    if price_in is not None and price_out is not None:
        money = (prompt * price_in + count * max_tokens * price_out) / 1e6
    return Estimate(count, images, prompt, count * max_tokens, money)


def prompt_tokens(request: Request) -> int:
    """A guess at the tokens of a prompt with its picture."""
    image = IMAGE_TOKENS if request.image is not None else 0
    return text_tokens(request.system + request.text) + image


def text_tokens(text: str) -> int:
    """A guess at the tokens of a text: one for every four letters, rounded up."""
    return -(-len(text) // LETTERS_PER_TOKEN)


def money_words(amount: float) -> str:
    """Two decimals, below 0.1 two digits: "12.30", "0.0031", "0.00"."""
    return f"{amount:,.2f}" if amount >= 0.0995 or amount <= 0 else f"{amount:.2g}"


class Spending:
    """Tokens and money so far; may be used by several threads.

    Args:
        price_in: of a million tokens of prompts; ``None`` where it is not known.
        price_out: of a million tokens of replies; the same.
        max_cost: above 0, in the unit of the prices, which are needed then; ``None`` for no limit.

    Attributes:
        replies: how many were counted.
    """

    def __init__(
        self,
        price_in: float | None = None,
        price_out: float | None = None,
        max_cost: float | None = None,
    ) -> None:
        self.price_in, self.price_out, self.max_cost = price_in, price_out, max_cost
        self.replies = self._prompt = self._completion = 0
        self._guessed = False
        self._lock = threading.Lock()

    def add(self, reply: Reply, request: Request | None = None) -> None:
        """Count a reply.

        Args:
            reply: a new one, or one that an earlier part of the run kept: with those counted too
                the limit holds for the whole run.
            request: its request; where the server told no numbers of tokens they are guessed from
                it, else they count as 0.
        """
        prompt, completion = reply.prompt_tokens, reply.completion_tokens
        guessed = request is not None and not (prompt or completion)
        if request is not None and guessed:
            prompt, completion = prompt_tokens(request), text_tokens(reply.text)
        with self._lock:
            self._guessed |= guessed
            self.replies += 1
            self._prompt += prompt
            self._completion += completion

    @property
    def tokens(self) -> int:
        """Of prompts and replies together."""
        return self._prompt + self._completion

    @property
    def money(self) -> float:
        """In the unit of the prices; 0 without them."""
        price_in, price_out = self.price_in or 0.0, self.price_out or 0.0
        return (self._prompt * price_in + self._completion * price_out) / 1e6

    @property
    def exhausted(self) -> bool:
        """Whether the limit is reached."""
        return self.max_cost is not None and self.money >= self.max_cost

    def limit_error(self) -> EndpointError:
        """The error for a limit that is reached."""
        return EndpointError(
            f"endpoint.max_cost {money_words(self.max_cost or 0)} is reached "
            f"({money_words(self.money)} spent, {self.replies:,} replies kept): raise it and go "
            "on with resume=RUN_DIR endpoint.max_cost=..."
        )

    def words(self) -> str:
        """A few words for the progress line: "12,300 tokens, 0.42"; "" before the first reply."""
        if not self.replies:
            return ""
        about = "about " if self._guessed else ""
        money = f", {money_words(self.money)}" if self.price_in is not None else ""
        return f"{about}{self.tokens:,} tokens{money}"
