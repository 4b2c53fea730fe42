"""Settings of a server: what is refused, and what is never shown."""

from __future__ import annotations

import pytest

from simlearn.analysis.errorradar.endpoint import Endpoint, EndpointError
from simlearn.analysis.errorradar.openai_server import OpenAIServer
from tests.analysis.errorradar.requests_to_ask import KEY


def server(**changes):
    return OpenAIServer(**{"base_url": "http://127.0.0.1:9/v1", "model": "m", **changes})


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        ("http://h/v1", "http://h/v1/chat/completions"),
        ("https://h:8/v1/", "https://h:8/v1/chat/completions"),
        ("http://h/v1/chat/completions", "http://h/v1/chat/completions"),
        ("http://h/v1/chat/completions/", "http://h/v1/chat/completions"),
        ("http://[::1]:8000", "http://[::1]:8000/chat/completions"),
    ],
)
def test_addresses(base_url, url):
    assert server(base_url=base_url).url == url


@pytest.mark.parametrize(
    ("base_url", "text"),
    [
        ("", "no address with http:// or https://"),
        ("127.0.0.1:8000", "no address"),
        ("ftp://h/v1", "no address with http:// or https://"),
        ("file:///etc/passwd", "no address with"),
        ("http://", "no address with"),
        ("http://user:geheim@h/v1", "an address with a user or a password in it"),
        ("http://geheim@h/v1", "an address with a user"),
        ("http://h/v1?key=geheim", r"an address with \? or # in it"),
        ("http://h/v1#a", r"an address with \? or # in it"),
        ("http://h:99999/v1", "no address"),
        ("http://h:geheim/v1", "no address"),
        ("http://[::1/v1", "no address"),
        ("http://h/v1\n", "no address .white space or odd letters"),
        ("http://h\\@i/", "no address"),
        ("http://h/ö", "no address"),
    ],
)
def test_what_is_no_address(base_url, text):
    with pytest.raises(ValueError, match=f"^endpoint.base_url is {text}") as caught:
        server(base_url=base_url)
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"model": " "}, "endpoint.model is empty"),
        ({"image_detail": ""}, "endpoint.image_detail is empty"),
        ({"weights": "closd"}, "endpoint.weights is 'closd', must be 'open' or 'closed'"),
        ({"concurrency": 0}, "endpoint.concurrency is 0, must be a whole number from 1 to 256"),
        ({"concurrency": True}, "endpoint.concurrency is True, must be a whole number"),
        ({"concurrency": 2.0}, "endpoint.concurrency is 2.0, must be a whole number"),
        ({"timeout_s": 0}, "endpoint.timeout_s is 0, must be a number from 0.001 to 86,400"),
        ({"timeout_s": float("nan")}, "endpoint.timeout_s is nan"),
        ({"timeout_s": float("inf")}, "endpoint.timeout_s is inf"),
        ({"retries": -1}, "endpoint.retries is -1"),
        ({"backoff_s": -0.1}, "endpoint.backoff_s is -0.1"),
        ({"max_tokens": 0}, "endpoint.max_tokens is 0"),
        ({"temperature": -1}, "endpoint.temperature is -1"),
        ({"seed": 2**63}, "endpoint.seed is 9223372036854775808"),
        ({"price_in": 1.0}, "endpoint.price_out is null: give both prices or neither"),
        ({"price_out": 1.0}, "endpoint.price_in is null: give both"),
        ({"price_in": -1.0, "price_out": 1.0}, "endpoint.price_in is -1.0"),
        ({"max_cost": 2.0}, "endpoint.max_cost is 2 without prices: set endpoint.price_in"),
        ({"max_cost": 0, "price_in": 1, "price_out": 1}, "endpoint.max_cost is 0"),
        ({"extra": {"max_tokens": 3}}, "endpoint.extra is .* 'max_tokens', which is ours: set end"),
        ({"extra": {"messages": []}}, "'messages', which is ours: it cannot be changed"),
        ({"extra": {"stream": True}}, "'stream', which is ours"),
        ({"extra": {"n": 4}}, "'n', which is ours: it cannot be changed"),
        ({"extra": {"Api-Key": KEY}}, "'Api-Key', and it is kept in files: name the environment"),
        ({"extra": {"a": {"api_key": KEY}}}, "'api_key', and it is kept in files"),
        ({"extra": {"a": [3, {"Authorization": KEY}]}}, "'Authorization', and it is kept"),
        ({"extra": {"access-token": KEY}}, "'access-token', and it is kept in files"),
        ({"extra": {"a": {1, 2}}}, "endpoint.extra is no plain JSON"),
        ({"extra": {"a": float("nan")}}, "endpoint.extra is no plain JSON"),
        ({"extra": {3: 4}}, "endpoint.extra is a mapping with the key 3, must be text"),
        ({"key_env": KEY}, "endpoint.key_env is not the name of an environment variable"),
    ],
)
def test_settings_that_are_refused(changes, text):
    with pytest.raises(ValueError, match=f"^{text}|^endpoint.*{text}") as caught:
        server(**changes)
    assert str(caught.value).startswith("endpoint.") and KEY not in str(caught.value)


def test_the_key_is_read_when_opened_and_shown_nowhere(monkeypatch):
    one = server(key_env="SIMLEARN_TEST_KEY")
    monkeypatch.delenv("SIMLEARN_TEST_KEY", raising=False)
    with pytest.raises(EndpointError, match="export SIMLEARN_TEST_KEY=YOUR_KEY"):
        one.open()
    assert server(key_env="SIMLEARN_TEST_KEY", dry_run=True).open().name == "m"
    monkeypatch.setenv("SIMLEARN_TEST_KEY", KEY)
    session = one.open()
    for shown in (repr(one), str(one), repr(session), str(session), str(session.identity())):
        assert KEY not in shown


def test_sessions():
    one = server(weights="open", extra={"b": [1, {"c": None}]}, seed=None, temperature=1)
    session = one.open()
    assert isinstance(one, Endpoint) and not one.needs_model and not one.dry_run
    assert (session.name, session.weights, session.spent()) == ("m", "open", "")
    assert session.identity() == {
        "model": "m",
        "max_tokens": 512,
        "temperature": 1,
        "seed": None,
        "extra": {"b": [1, {"c": None}]},
        "image_detail": None,
    }
