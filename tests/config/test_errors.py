"""The one error: a list of sentences."""

from __future__ import annotations

import copy

import pytest

from simlearn.config.errors import ConfigError


def test_all_faults_one_a_line_and_each_once():
    error = ConfigError(["a", "b", "a"])
    assert error.faults == ["a", "b"]
    assert str(error) == "a\nb"
    assert isinstance(error, ValueError)


def test_a_single_sentence_is_one_fault():
    assert ConfigError("abc").faults == ["abc"]


def test_copies_keep_the_list():
    assert copy.deepcopy(ConfigError(["a", "b"])).faults == ["a", "b"]


def test_no_fault_is_no_error():
    with pytest.raises(ValueError, match="at least one fault"):
        ConfigError([])
