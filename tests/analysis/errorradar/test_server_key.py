"""The key comes from the environment and is never repeated."""

from __future__ import annotations

import pytest

from simlearn.analysis.errorradar.endpoint import EndpointError
from simlearn.analysis.errorradar.server_key import check_key_env, read_key


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "my_key", "_K", "K2", "A" * 64])
def test_names(name):
    assert check_key_env(name) is None


@pytest.mark.parametrize(
    "name",
    [
        "sk-proj-abc",
        "",
        "A B",
        "1A",
        "É",
        "hf_abcdefghijklmnopqrstuvwxyz",
        "gsk_" + "aB3" * 12,
        "A" * 65,
    ],
)
def test_what_may_be_the_key_is_refused_unseen(name):
    with pytest.raises(ValueError, match="endpoint.key_env is not the name of an envi") as caught:
        check_key_env(name)
    assert not name or name not in str(caught.value)


def test_reading(monkeypatch):
    monkeypatch.setenv("SIMLEARN_TEST_KEY", " sk-123\n")
    assert read_key("SIMLEARN_TEST_KEY") == "sk-123"
    for empty in ("", "  "):
        monkeypatch.setenv("SIMLEARN_TEST_KEY", empty)
        with pytest.raises(EndpointError, match="export SIMLEARN_TEST_KEY=YOUR_KEY"):
            read_key("SIMLEARN_TEST_KEY")
    monkeypatch.delenv("SIMLEARN_TEST_KEY")
    with pytest.raises(EndpointError, match="variable SIMLEARN_TEST_KEY is not set"):
        read_key("SIMLEARN_TEST_KEY")
    for odd in ("sk 1", "sk\x1b[1m", "schlüssel", "a\r\nHost: b"):
        monkeypatch.setenv("SIMLEARN_TEST_KEY", odd)
        with pytest.raises(EndpointError, match="which no key has") as caught:
            read_key("SIMLEARN_TEST_KEY")
        assert odd not in str(caught.value)
