"""Finished runs that stand beside this one, and what is refused."""

from __future__ import annotations

import json

import pytest

from simlearn.analysis.errors import AnalysisError
from simlearn.report import protocol_fingerprint
from simlearn.tasks.error_rivals import compared_values, read_rights, read_rivals
from tests.tasks.wrong_steps import HOSTILE, records, rows_of

PROTOCOL = {"data": "error_problems", "n": 6, "ask": "joint", "columns": {"a": ("b",)}}
TEST = {
    "step_accuracy": {"value": 0.5, "n": 6, "interval": [0.2, 0.8], "higher_is_better": True},
    "step_distance": {"value": 3.5, "n": 4, "interval": [1.0, 9.0], "higher_is_better": False},
    "category_accuracy": {"value": None, "n": 0, "interval": None, "higher_is_better": True},
}
ROWS = rows_of(records(6), seed=4)


def kept(protocol=PROTOCOL):
    """What ``metrics.json`` says of a protocol."""
    plain = json.loads(json.dumps(protocol))
    return {**plain, "fingerprint": protocol_fingerprint(protocol)}


def write(folder, *, rows=ROWS, **changes):
    """The two files that are read of a finished run."""
    folder.mkdir(parents=True, exist_ok=True)
    told = {"protocol": kept(), "test": TEST, "model": {"name": "old", "weights": "closed"}}
    (folder / "metrics.json").write_text(json.dumps({**told, **changes}))
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def refused(folder):
    """The text of the error."""
    with pytest.raises(AnalysisError) as caught:
        read_rivals([folder], PROTOCOL)
    return str(caught.value)


def test_a_run_on_the_same_problems(tmp_path):
    (rival,) = read_rivals([write(tmp_path / "run")], PROTOCOL)
    assert (rival.name, rival.weights, rival.test) == ("old", "closed", TEST)
    assert rival.rights == {
        row["id"]: (
            row["pred_step"] == row["gold_step"],
            None if row["gold_category"] is None else row["pred_category"] == row["gold_category"],
        )
        for row in ROWS
    }
    assert {True, False, None} == {right for pair in rival.rights.values() for right in pair}


def test_order_and_number_are_those_given(tmp_path):
    folders = [
        write(tmp_path / name, model={"name": name, "weights": "open"}) for name in ("b", "a")
    ]
    assert [rival.name for rival in read_rivals(folders, PROTOCOL)] == ["b", "a"]
    assert read_rivals([], PROTOCOL) == []


def test_home_is_meant_by_its_sign(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    write(tmp_path / "run")
    assert read_rivals(["~/run"], PROTOCOL)[0].name == "old"


def test_rows_under_masks_are_passed_over(tmp_path):
    path = tmp_path / "rows.jsonl"
    masked = [{**row, "pred_step": None, "variant": "image"} for row in ROWS]
    plain = [{**ROWS[0], "variant": ""}]
    path.write_text("".join(json.dumps(row) + "\n" for row in [*masked, *plain]))
    rights = read_rights(path)
    assert list(rights) == [ROWS[0]["id"]]
    assert rights[ROWS[0]["id"]][0] is (ROWS[0]["pred_step"] == ROWS[0]["gold_step"])


def test_what_was_not_asked_is_none(tmp_path):
    for parts, empty in ((("step",), 1), (("category",), 0)):
        path = tmp_path / "rows.jsonl"
        rows = rows_of(records(6), parts=parts)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        assert {pair[empty] for pair in read_rights(path).values()} == {None}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"n": 7}, "has n 7, this run 6"),
        ({"ask": "separate"}, "has ask 'separate', this run 'joint'"),
        ({"data": "error_records", "n": 9}, "has data 'error_records', this run 'error_problems'"),
        ({"columns": {"a": ["c"]}}, "has columns {'a': ['c']}, this run {'a': ['b']}"),
        ({"map": "own"}, "has map 'own', this run None"),
    ],
)
def test_another_protocol_is_named_by_its_first_difference(changes, text, tmp_path):
    other = {**PROTOCOL, **changes}
    assert refused(write(tmp_path / "run", protocol=kept(other))) == (
        f"evaluation.compare: {tmp_path / 'run'} {text}: their numbers cannot stand in one table. "
        "Compare runs on the same problems with the same prompts"
    )


def test_a_missing_entry_and_a_missing_fingerprint(tmp_path):
    less = {key: value for key, value in PROTOCOL.items() if key != "ask"}
    assert "has ask None, this run 'joint'" in refused(write(tmp_path / "a", protocol=kept(less)))
    bare = dict(json.loads(json.dumps(PROTOCOL)))
    text = refused(write(tmp_path / "b", protocol=bare))
    assert f"has fingerprint None, this run '{protocol_fingerprint(PROTOCOL)}'" in text


def test_a_hostile_difference_is_one_short_line(tmp_path):
    for protocol in (kept({**PROTOCOL, "data": HOSTILE}), kept({**PROTOCOL, HOSTILE: 1})):
        text = refused(write(tmp_path / "run", protocol=protocol))
        assert text.isprintable() and len(text) < 400


@pytest.mark.parametrize("lost", ["metrics.json", "rows.jsonl", "all"])
def test_a_folder_that_is_no_run(lost, tmp_path):
    folder = write(tmp_path / "run") if lost != "all" else tmp_path / "run"
    if lost != "all":
        (folder / lost).unlink()
    begins = f"evaluation.compare: {folder} is not the folder of a finished run of task=error_steps"
    assert refused(folder).startswith(begins + " ([Errno 2]")


BROKEN = {
    "no JSON": "{",
    "binary": "\x80\x81",
    "deep": "[" * 100_000,
    "a list": "[1]",
    "a number": "3",
    "another task": json.dumps({"protocol": kept(), "test": {}}),
    "no name": json.dumps({"protocol": kept(), "test": {}, "model": {"weights": "open"}}),
    "a list as protocol": json.dumps({"protocol": [], "test": {}, "model": {}}),
    "a model that is text": json.dumps({"protocol": kept(), "test": {}, "model": "x"}),
}


@pytest.mark.parametrize("what", sorted(BROKEN))
def test_a_file_that_is_damaged(what, tmp_path):
    folder = write(tmp_path / "run")
    content = BROKEN[what].encode("latin-1" if what == "binary" else "utf-8")
    (folder / "metrics.json").write_bytes(content)
    assert "is not the folder of a finished run of task=error_steps (" in refused(folder)


@pytest.mark.parametrize(
    "test",
    [
        [],
        {"step_accuracy": 0.5},
        {"step_accuracy": {"value": 0.5}},
        {"step_accuracy": {"value": 50.0, "interval": None}},
        {"step_accuracy": {"value": -0.1, "interval": None}},
        {"step_accuracy": {"value": "half", "interval": None}},
        {"step_accuracy": {"value": 0.5, "interval": [0.9, 0.1]}},
        {"step_accuracy": {"value": 0.5, "interval": [0.1]}},
        {"step_accuracy": {"value": None, "interval": [0.1, 0.2]}},
        {"step_accuracy": {"value": 0.5, "interval": [None, 0.2]}},
    ],
)
def test_numbers_that_could_not_be_shown_are_refused_before_anything_is_asked(test, tmp_path):
    assert "is not the folder of a finished run" in refused(write(tmp_path / "run", test=test))


@pytest.mark.parametrize("row", ['{"variant": ""}', "[1]", "{", '{"id": [1], "gold_step": 1}', "3"])
def test_rows_that_are_damaged(row, tmp_path):
    folder = write(tmp_path / "run")
    (folder / "rows.jsonl").write_text(row + "\n")
    assert "is not the folder of a finished run" in refused(folder)


def test_the_shares_of_a_compared_run(tmp_path):
    (rival,) = read_rivals([write(tmp_path / "run")], PROTOCOL)
    values = {"step_accuracy": 0.5, "category_accuracy": None}
    assert compared_values(rival) == {"name": "old", "weights": "closed", "values": values}
