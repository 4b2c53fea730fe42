"""What is tried again, when, and what ends everything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.analysis.errorradar.endpoint import EndpointError
from simlearn.analysis.errorradar.http_call import HttpAnswer
from simlearn.analysis.errorradar.http_retry import (
    LONGEST_BACK_OFF,
    Unanswered,
    back_off,
    check_status,
    retry_after,
    with_retries,
)
from tests.analysis.errorradar.requests_to_ask import KEY


def check(status, body=b"", header=None, key_env="MY_KEY"):
    answer = HttpAnswer(status, "Words", header, body, 0.1)
    check_status(answer, base_url="http://h/v1", model="m", key_env=key_env, secret=KEY)


@pytest.mark.parametrize("status", [*range(200, 300, 7), 299])
def test_replies(status):
    assert check(status) is None


@pytest.mark.parametrize(
    ("status", "again"),
    [(s, True) for s in (408, 409, 425, 429, 500, 502, 503, 504, 529, 599)]
    + [(s, False) for s in (400, 402, 405, 413, 415, 422, 451)],
)
def test_what_is_tried_again(status, again):
    body = b'{"error": {"message": "so\\nit\\u001b is %s"}}' % KEY.encode()
    with pytest.raises(Unanswered) as caught:
        check(status, body, "7")
    assert caught.value.again is again and caught.value.wait == (7.0 if again else None)
    assert caught.value.reason == f"{status} Words: so it\\x1b is ***"


@pytest.mark.parametrize(
    ("status", "key_env", "text"),
    [
        (401, "MY_KEY", "the key in the environment variable MY_KEY .endpoint.key_env. is refused"),
        (403, "MY_KEY", "the key in the environment variable MY_KEY"),
        (401, None, "the server wants a key: .* name that in endpoint.key_env"),
        (404, None, "endpoint.base_url http://h/v1 has no model 'm'"),
        (307, None, "endpoint.base_url http://h/v1 sends to another address, which is not foll"),
    ],
)
def test_what_ends_everything(status, key_env, text):
    with pytest.raises(EndpointError, match=text) as caught:
        check(status, f"<b>{KEY}\x1b[0m".encode(), key_env=key_env)
    assert KEY not in str(caught.value) and "\x1b" not in str(caught.value)
    assert str(status) in str(caught.value)


NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("3", 3.0),
        (" 2.5 ", 2.5),
        ("-5", 0.0),
        ("1e999", 120.0),
        ("9" * 5000, 120.0),
        ("nan", None),
        ("", None),
        ("soon", None),
        ("Wed, 99 Foo 20255 99:99:99 GMT", None),
        (format_datetime(NOW + timedelta(seconds=30), usegmt=True), 30.0),
        (format_datetime(NOW - timedelta(days=3), usegmt=True), 0.0),
        (format_datetime(NOW + timedelta(days=3), usegmt=True), 120.0),
        ("Sat, 01 Mar 2025 12:00:09 -0000", 9.0),
        ("Sat, 01 Mar 2025 13:00:09 +0100", 9.0),
    ],
)
def test_retry_after(header, seconds):
    found = retry_after(header, NOW.timestamp())
    assert found == seconds
    if found is not None and header and header.strip("-. 0123456789"):
        assert retry_after(header) is not None


@given(st.text())
def test_any_header(header):
    found = retry_after(header)
    assert found is None or 0 <= found <= 120


@given(st.integers(1, 2000), st.floats(0, 3600), st.floats(0, 120) | st.none(), st.text(max_size=9))
def test_back_off(attempt, backoff_s, asked, key):
    options = {"backoff_s": backoff_s, "key": key}
    wait = back_off(attempt, asked=asked, **options)
    assert wait == back_off(attempt, asked=asked, **options)
    if asked is None:
        assert 0 <= wait <= LONGEST_BACK_OFF
        assert attempt > 10 or wait <= backoff_s * 2 ** (attempt - 1)
    else:
        assert asked <= wait <= asked + min(backoff_s, LONGEST_BACK_OFF)


def test_the_jitter_is_full():
    waits = [back_off(3, backoff_s=1.0, asked=None, key=str(i)) for i in range(2000)]
    assert 0 < min(waits) < 0.02 and 3.98 < max(waits) < 4
    assert abs(sum(waits) / 2000 - 2) < 0.1  # 4 standard errors of a uniform law
    assert waits[0] != back_off(3, backoff_s=1.0, asked=None, key="0", seed=1)


def attempts(outcomes, retries, interrupted_at=None):
    """Run through outcomes; gives the result or the error, and the waits."""
    left, waits = list(outcomes), []

    def send():
        one = left.pop(0)
        if isinstance(one, Exception):
            raise one
        return one

    def wait(seconds):
        waits.append(seconds)
        return len(waits) == interrupted_at

    try:
        found = with_retries(send, retries=retries, backoff_s=1.0, key="k", wait=wait)
    except (Unanswered, EndpointError) as error:
        found = error
    return found, waits, left


def again(**options):
    return Unanswered("429 busy", again=True, **options)


def test_tries():
    assert attempts(["a"], 0) == ("a", [], [])
    found, waits, _ = attempts([again(), again(), "b"], 2)
    expected = [back_off(i, backoff_s=1.0, asked=None, key="k") for i in (1, 2)]
    assert found == "b" and waits == expected
    found, waits, left = attempts([again(), again(unreachable=True), "c"], 1)
    assert found.reason == "429 busy (tried 2 times)" and found.unreachable
    assert len(waits) == 1 and left == ["c"]
    found, waits, _ = attempts([again(wait=50.0), "d"], 3)
    assert found == "d" and 50 <= waits[0] <= 51


def test_what_is_not_tried_again():
    found, waits, _ = attempts([Unanswered("400 no", again=False)], 5)
    assert (found.reason, waits) == ("400 no", [])
    found, waits, _ = attempts([again(), Unanswered("400 no", again=False)], 5)
    assert found.reason == "400 no (tried 2 times)" and len(waits) == 1
    found, waits, _ = attempts([EndpointError("key"), "x"], 5)
    assert isinstance(found, EndpointError) and waits == []


def test_interrupted_while_waiting():
    found, waits, left = attempts([again(), "x"], 5, interrupted_at=1)
    assert found.reason == "429 busy; stopped before it was tried again"
    assert left == ["x"] and len(waits) == 1
