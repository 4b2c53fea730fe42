"""A server that speaks the chat completions of OpenAI."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from simlearn.analysis.errorradar.endpoint import Endpoint, Weights
from simlearn.analysis.errorradar.openai_session import OpenAISession
from simlearn.analysis.errorradar.server_key import check_key_env, read_key
from simlearn.data.exclusions import closest

if TYPE_CHECKING:
    from simlearn.analysis.adapter import ModelAdapter

OURS: Final = ("model", "messages", "max_tokens", "temperature", "seed", "n", "stream")
"""Fields of the body that ``extra`` may not hold."""
_SECRET_WORDS: Final = (
    *("api_key", "apikey", "authorization", "password", "secret"),
    *("access_token", "auth_token", "bearer", "credential"),
)
PATH: Final = "/chat/completions"


@dataclass(frozen=True, kw_only=True)
class OpenAIServer(Endpoint):
    """Any server with ``POST {base_url}/chat/completions``.

    OpenAI, vLLM, llama.cpp, Ollama and ``transformers serve`` have it. Proxies, netrc files and
    keys of the environment are not used, but for the one variable ``key_env``.

    Args:
        base_url: such as ``https://api.openai.com/v1`` or ``http://127.0.0.1:8000/v1``.
        model: as the server calls it.
        key_env: name of the environment variable that holds the key; ``None`` sends none.
        weights: whether anybody can have the model ("open") or it is only served ("closed").
        concurrency: requests under way at once, 1 to 256.
        timeout_s: seconds for a whole reply, from the connection to its last byte.
        retries: further tries of a request after the first, 0 to 100.
        backoff_s: longest wait before the second try in seconds; doubles with every try.
        max_tokens: of a reply. Where ``extra`` holds ``max_completion_tokens``, as newer models of
            OpenAI want it, that is sent instead.
        temperature: at least 0; ``None`` sends none, for models that refuse it.
        seed: of the server's draws; ``None`` sends none.
        image_detail: "low", "high", "auto" or another word of the server; ``None`` sends none.
        extra: further fields of the body, such as ``{"reasoning_effort": "low"}``.
        price_in: of a million tokens of prompts, in any currency.
        price_out: of a million tokens of replies.
        max_cost: nothing is sent once so much was spent; needs both prices.
        dry_run: show prompts and costs, ask nothing; needs no key.

    Raises:
        ValueError: naming the setting, what it is and what it must be.
    """

    base_url: str
    model: str
    key_env: str | None = None
    weights: Weights = "closed"
    concurrency: int = 8
    timeout_s: float = 120.0
    retries: int = 5
    backoff_s: float = 1.0
    max_tokens: int = 512
    temperature: float | None = 0.0
    seed: int | None = 0
    image_detail: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    price_in: float | None = None
    price_out: float | None = None
    max_cost: float | None = None
    dry_run: bool = False

    def __post_init__(self) -> None:
        _check_address(self.base_url)
        for name in ("model", "image_detail"):
            value = getattr(self, name)
            if value is not None and not value.strip():
                raise ValueError(f"endpoint.{name} is empty")
        if self.key_env is not None:
            check_key_env(self.key_env)
        if self.weights not in ("open", "closed"):
            raise ValueError(f"endpoint.weights is {self.weights!r}, must be 'open' or 'closed'")
        _check_number("concurrency", self.concurrency, 1, 256, whole=True)
        _check_number("timeout_s", self.timeout_s, 0.001, 86_400)
        _check_number("retries", self.retries, 0, 100, whole=True)
        _check_number("backoff_s", self.backoff_s, 0, 3600)
        _check_number("max_tokens", self.max_tokens, 1, 10**7, whole=True)
        if self.temperature is not None:
            _check_number("temperature", self.temperature, 0, 100)
        if self.seed is not None:
            _check_number("seed", self.seed, -(2**63), 2**63 - 1, whole=True)
        _check_extra(self.extra)
        self._check_prices()

    @property
    def url(self) -> str:
        """Where requests are sent."""
        return self.base_url.rstrip("/").removesuffix(PATH).rstrip("/") + PATH

    def open(self, adapter: ModelAdapter | None = None) -> OpenAISession:
        """Take the key from the environment; nothing is sent.

        Args:
            adapter: is not used.

        Raises:
            EndpointError: the variable that ``key_env`` names is not set.
        """
        needed = self.key_env is not None and not self.dry_run
        return OpenAISession(self, read_key(str(self.key_env)) if needed else "")

    def _check_prices(self) -> None:
        """Refuse one price alone, and a limit without prices."""
        prices = {"price_in": self.price_in, "price_out": self.price_out}
        for name, price in prices.items():
            if price is not None:
                _check_number(name, price, 0, 1e9)
        lacking = [name for name, price in prices.items() if price is None]
        if len(lacking) == 1:
            raise ValueError(f"endpoint.{lacking[0]} is null: give both prices or neither")
        if self.max_cost is not None:
            _check_number("max_cost", self.max_cost, 1e-9, 1e9)
            if lacking:
                raise ValueError(
                    f"endpoint.max_cost is {self.max_cost:g} without prices: set "
                    "endpoint.price_in and endpoint.price_out, of a million tokens"
                )


def _check_address(url: str) -> None:
    """Refuse what is no address of a server; what may hold a secret is not repeated."""
    way = "must be like http://127.0.0.1:8000/v1"
    if not all("!" <= letter <= "~" for letter in url) or "\\" in url:
        raise ValueError(f"endpoint.base_url is no address (white space or odd letters), {way}")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError(f"endpoint.base_url is no address, {way}") from None
    if "@" in url:
        raise ValueError(
            "endpoint.base_url is an address with a user or a password in it: leave them out and "
            "name the environment variable of the key in endpoint.key_env"
        )
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError(f"endpoint.base_url is no address with http:// or https://, {way}")
    if parts.query or parts.fragment:
        raise ValueError(f"endpoint.base_url is an address with ? or # in it, {way}")


def _check_number(name: str, value: float, low: float, high: float, *, whole: bool = False) -> None:
    """Refuse what is no number between two others."""
    kinds = (int,) if whole else (int, float)
    fine = isinstance(value, kinds) and not isinstance(value, bool)
    if not fine or not low <= value <= high:  # nan is not
        kind = "a whole number" if whole else "a number"
        raise ValueError(f"endpoint.{name} is {value!r}, must be {kind} from {low:,} to {high:,}")


def _check_extra(extra: Mapping[str, Any]) -> None:
    """Refuse fields that are ours, that look like a secret, or that JSON cannot hold."""
    for name in extra:
        if not isinstance(name, str):
            raise ValueError(f"endpoint.extra is a mapping with the key {name!r}, must be text")
        if name in OURS:
            near = closest(name, ("model", "max_tokens", "temperature", "seed"))
            way = f"set endpoint.{near}" if near == name else "it cannot be changed"
            raise ValueError(f"endpoint.extra is a mapping with {name!r}, which is ours: {way}")
    try:
        json.dumps(dict(extra), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"endpoint.extra is no plain JSON ({error})") from error
    for name in _names(extra):
        if any(word in name.lower().replace("-", "_") for word in _SECRET_WORDS):
            raise ValueError(
                f"endpoint.extra is a mapping with {name!r}, and it is kept in files: name the "
                "environment variable of the key in endpoint.key_env"
            )


def _names(value: object) -> Iterator[str]:
    """The keys of mappings at any depth of what JSON can hold."""
    if isinstance(value, Mapping):
        yield from map(str, value)
        value = list(value.values())
    if isinstance(value, list | tuple):
        for inner in value:
            yield from _names(inner)
