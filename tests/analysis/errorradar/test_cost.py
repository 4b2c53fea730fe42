"""What asking costs."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.analysis.errorradar.cost import (
    Spending,
    estimate_cost,
    money_words,
    text_tokens,
)
from simlearn.analysis.errorradar.endpoint import Reply
from tests.analysis.errorradar.requests_to_ask import PNG, request

COUNTS = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), max_size=20)


def reply(prompt, completion, text="x"):
    return Reply("k", "i", "joint", "", text, prompt_tokens=prompt, completion_tokens=completion)


@given(COUNTS, st.floats(0, 100), st.floats(0, 100), st.floats(0.01, 1000))
def test_sums(counts, price_in, price_out, most):
    spending = Spending(price_in, price_out, most)
    for prompt, completion in counts:
        spending.add(reply(prompt, completion))
    tokens_in, tokens_out = sum(c[0] for c in counts), sum(c[1] for c in counts)
    money = tokens_in / 1e6 * price_in + tokens_out / 1e6 * price_out
    assert spending.tokens == tokens_in + tokens_out and spending.replies == len(counts)
    assert math.isclose(spending.money, money, abs_tol=1e-9)
    assert spending.exhausted == (spending.money >= most)


def test_threads_lose_nothing():
    spending = Spending(1e6, 1e6)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: spending.add(reply(1, 2)), range(2000)))
    assert (spending.replies, spending.tokens, spending.money) == (2000, 6000, 6000)


def test_words():
    spending = Spending(10, 30, 2.0)
    assert spending.words() == ""
    spending.add(reply(12_000, 300))
    assert spending.words() == "12,300 tokens, 0.13"
    for _ in range(119):
        spending.add(reply(1584, 0))
    assert spending.exhausted
    assert str(spending.limit_error()) == (
        "endpoint.max_cost 2.00 is reached (2.01 spent, 120 replies kept): raise it and go on with "
        "resume=RUN_DIR endpoint.max_cost=..."
    )
    assert Spending().words() == "" and not Spending().exhausted


def test_what_the_server_does_not_tell_is_guessed():
    spending = Spending(1e6, 1e6)
    spending.add(reply(0, 0, "12345"), request("1234", system="1234", image=PNG))
    assert spending.tokens == 1000 + 2 + 2
    assert spending.words().startswith("about 1,004 tokens, 1,004.00")
    plain = Spending()
    plain.add(reply(0, 0, "12345"))
    assert plain.words() == "0 tokens"


def test_estimate():
    asked = [request("a" * 400), request("b", system="c" * 7, image=PNG)]
    guess = estimate_cost(iter(asked), max_tokens=100, price_in=10, price_out=100)
    assert (guess.requests, guess.images) == (2, 1)
    assert guess.prompt_tokens == 100 + 2 + 1000 and guess.completion_tokens == 200
    assert guess.money == pytest.approx((1102 * 10 + 200 * 100) / 1e6)
    assert guess.words() == (
        "2 requests, 1 of them with a picture: roughly 1,102 tokens of prompts and at most 200 of "
        "replies, 0.031 at most (a guess: a token for every 4 letters, 1,000 for a picture)"
    )
    free = estimate_cost([], max_tokens=9)
    assert free.money is None and free.words().startswith("0 requests")
    assert "at most 0 of replies (a guess" in free.words()


@given(st.text())
def test_tokens_of_a_text(text):
    assert text_tokens(text) == math.ceil(len(text) / 4)


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (0, "0.00"),
        (2, "2.00"),
        (0.1, "0.10"),
        (0.0994, "0.099"),
        (0.00312, "0.0031"),
        (1234.5, "1,234.50"),
    ],
)
def test_money(amount, words):
    assert money_words(amount) == words
