"""Replies of one run in another: the same prompts, or an error."""

from __future__ import annotations

import json

import pytest

from simlearn.analysis.errorradar.error_protocol import ErrorRadar
from simlearn.analysis.errors import AnalysisError
from simlearn.tasks.error_kept_protocol import PROTOCOL, check_replayed, keep_protocol

DRAWN = {"data": "error_problems", "n": 20, "seed": 0, "shares": {"VIS": 0.5}}
SHARED = {
    **DRAWN,
    "data_fingerprint": "aa",
    "ask": "joint",
    "style": "cc",
    "tell_step": False,
    "none_allowed": False,
}
OWN = {**SHARED, "data": "error_records", "file": "mine.csv"}


def asked(folder, shared, **settings):
    """What a run keeps that asks for something."""
    folder.mkdir(exist_ok=True)
    return keep_protocol(folder, shared, ErrorRadar(**settings))


def test_what_is_kept(tmp_path):
    kept = asked(tmp_path, {**SHARED, "columns": ("a", "b")}, images=False)
    assert kept == {**SHARED, "columns": ["a", "b"], "images": False}
    assert json.loads((tmp_path / PROTOCOL).read_text()) == kept


def test_the_same_prompts(tmp_path):
    first = tmp_path / "first"
    asked(first, SHARED)
    (first / "responses.jsonl").write_text("")
    again = asked(tmp_path / "again", SHARED)
    assert check_replayed(first, again) is None
    assert check_replayed(first / "responses.jsonl", again) is None
    assert check_replayed(first, {**again, "ask": "step"}) is None


@pytest.mark.parametrize(
    ("changed", "setting"),
    [
        ({"style": "dd"}, "evaluation.style"),
        ({"tell_step": True}, "evaluation.tell_step"),
        ({"images": False}, "evaluation.images"),
        ({"none_allowed": True}, "data.correct"),
    ],
)
def test_other_prompts(tmp_path, changed, setting):
    ours = asked(tmp_path, OWN)
    with pytest.raises(AnalysisError) as caught:
        check_replayed(tmp_path, {**ours, **changed})
    told = str(caught.value)
    assert f"answers other prompts: {setting} was another there" in told
    assert str(tmp_path / "config.yaml") in told


@pytest.mark.parametrize(("key", "value"), [("n", 10), ("seed", 1), ("shares", "uniform")])
def test_other_drawn_problems(tmp_path, key, value):
    ours = {**asked(tmp_path, SHARED), key: value, "data_fingerprint": "bb"}
    reason = f"is about other problems: {key} .*, this run {value!r}. Set data as"
    with pytest.raises(AnalysisError, match=reason):
        check_replayed(tmp_path, ours)


def test_a_part_of_ones_own_records_is_told(tmp_path):
    ours = {**asked(tmp_path, OWN), "n": 10, "data_fingerprint": "bb"}
    told = check_replayed(tmp_path, ours)
    assert told is not None and "matched by id alone" in told


@pytest.mark.parametrize("text", [None, b"", b"[]", b"\xff\xfe\x00", b"[" * 99_999])
def test_replies_from_elsewhere_are_not_checked(tmp_path, text):
    if text is not None:
        (tmp_path / PROTOCOL).write_bytes(text)
    assert check_replayed(tmp_path, {**SHARED, "images": True}) is None


def test_another_file_in_the_folder_of_a_run_is_not_checked(tmp_path):
    ours = asked(tmp_path, SHARED)
    path = tmp_path / "edited.jsonl"
    path.write_text("")
    assert check_replayed(path, {**ours, "n": 3, "data_fingerprint": "bb"}) is None


def test_hostile_values_are_one_short_line(tmp_path):
    ours = asked(tmp_path, {**SHARED, "seed": "\x1b[2J\n" * 99})
    with pytest.raises(AnalysisError) as caught:
        check_replayed(tmp_path, {**ours, "seed": 1, "data_fingerprint": "bb"})
    assert str(caught.value).isprintable() and len(str(caught.value)) < 600
