"""Records as a data option: draws, fingerprints, notes, and data that change."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.analysis.errorradar.error_records import ErrorRecords, record_mark
from simlearn.analysis.errorradar.record import Record
from simlearn.analysis.errorradar.record_source import RecordSource
from simlearn.analysis.errorradar.records import read_records
from simlearn.data.errors import DataError
from tests.analysis.errorradar.row_cases import plain_row, write_csv, write_jsonl

NOWHERE = Path("nowhere")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write_jsonl(
        tmp_path_factory.mktemp("set") / "set.jsonl", [plain_row(k) for k in range(30)]
    )


def opened(path, **settings):
    return ErrorRecords(path=path, **settings).open(NOWHERE)


def test_all_of_them(path):
    data = opened(path)
    assert list(data.records()) == list(data.records()) == list(read_records(path))
    assert data.n == 30 and data.notes == () and not NOWHERE.exists()
    assert data.facts == {
        "data": "error_records", "file": "set.jsonl", "map": "simlearn", "n": 30, "seed": 0,
        "correct": "drop",
    }  # fmt: skip
    assert isinstance(ErrorRecords(path=path), RecordSource)


@settings(max_examples=40)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 3))
def test_draws(path, n, fewer, seed):
    whole = [r.id for r in read_records(path)]
    data = opened(path, n=n, seed=seed)
    found = [r.id for r in data.records()]
    assert len(found) == data.n == data.facts["n"] == min(n, 30)
    assert found == [i for i in whole if i in set(found)]  # once, in file order
    assert found == [r.id for r in opened(path, n=n, seed=seed).records()]
    small = ErrorRecords(path=path, n=n, seed=seed).few(fewer)
    assert {r.id for r in small.open(NOWHERE).records()} <= set(found)
    assert small.open(NOWHERE).n == min(n, fewer, 30)
    assert bool(data.notes) == (n > 30)


def test_every_record_is_drawn_as_often(path):
    counts = dict.fromkeys((r.id for r in read_records(path)), 0)
    for seed in range(150):
        for record in opened(path, n=3, seed=seed).records():
            counts[record.id] += 1
    assert sum(counts.values()) == 450
    expected = 15.0
    assert sum((c - expected) ** 2 / expected for c in counts.values()) < 59.7  # chi2(29), 0.9993


def test_fingerprints(path, tmp_path):
    whole = opened(path)
    assert len(whole.fingerprint) == 16 and int(whole.fingerprint, 16) >= 0
    rows = [plain_row(k) for k in range(30)]
    again = write_csv(tmp_path / "other.csv", rows)
    assert opened(again).fingerprint == whole.fingerprint
    part = opened(path, n=5, seed=2)
    own = write_jsonl(
        tmp_path / "part.jsonl", [r for r in rows if r["id"] in {p.id for p in part.records()}]
    )
    assert opened(own).fingerprint == part.fingerprint != whole.fingerprint
    prints = {whole.fingerprint}
    for changes in ({"question": "other?"}, {"error_step": 2}, {"steps": ["a", "b", "c"]},
                    {"error_category": "CAL"}, {"id": "new"}, {"problem_type": "x"},
                    {"correct_answer": "1"}, {"student_answer": "1"}):  # fmt: skip
        write_jsonl(own, [plain_row(0, **changes), *rows[1:]])
        prints.add(opened(own).fingerprint)
    assert len(prints) == 9


def test_marks_do_not_see_figures():
    one = Record("a", "b", ("c",), 1, image=b"x")
    assert record_mark(one) == record_mark(Record("a", "b", ("c",), 1))
    assert record_mark(one) != record_mark(Record("a", "bc", ("",), 1))
    assert len(record_mark(one)) == 8


def test_right_solutions_are_noted(tmp_path):
    rows = [plain_row(0)] + [plain_row(k, error_step=0, error_category=None) for k in (1, 2)]
    path = write_jsonl(tmp_path / "a.jsonl", rows)
    data = opened(path)
    assert data.n == 1 and data.notes == (
        "2 of 3 records have no wrong step and are left out (data.correct=keep asks them too).",
    )
    kept = opened(path, correct="keep", n=7)
    assert kept.n == 3 and kept.notes == ("7 records were asked for, there are 3.",)
    assert [r.error_step for r in kept.records()] == [1, 0, 0]
    assert kept.none_allowed is True and data.none_allowed is False
    draws = [opened(path, correct="keep", n=1, seed=seed) for seed in range(9)]
    assert {r.error_step for draw in draws for r in draw.records()} == {0, 1}
    assert all(draw.none_allowed for draw in draws)  # one wording, whatever is drawn
    assert opened(write_jsonl(path, rows[:1]), correct="keep").none_allowed is False
    write_jsonl(path, rows[1:])
    with pytest.raises(
        DataError, match="none of the 2 records has a wrong step; set data.correct=keep"
    ):
        opened(path)
    write_jsonl(path, [])
    with pytest.raises(DataError, match="a.jsonl: holds no record; check the file"):
        opened(path)


@pytest.mark.parametrize("count", [3, 5, 4])
def test_data_that_change_are_noticed(tmp_path, count):
    path = write_jsonl(tmp_path / "a.jsonl", [plain_row(k) for k in range(4)])
    data = opened(path)
    assert len(list(data.records())) == 4
    write_jsonl(path, [plain_row(k, student_answer=str(count % 4)) for k in range(count)])
    if count != 4:
        write_jsonl(path, [plain_row(k) for k in range(count)])
    with pytest.raises(DataError, match="has changed since it was opened"):
        list(data.records())


def test_settings(path, tmp_path):
    seen = []
    ErrorRecords(path=path).open(NOWHERE, report=lambda *a: seen.append(a))
    assert seen == [("reading records", 30, 30)]
    (tmp_path / "split").mkdir()
    write_jsonl(tmp_path / "split" / "b.jsonl", [plain_row(1)])
    write_jsonl(tmp_path / "split" / "c.jsonl", [plain_row(2)])
    facts = opened(tmp_path / "split", split="c", columns={"id": "id"}).facts
    assert (facts["file"], facts["split"], facts["n"]) == ("split", "c", 1)
    for wrong, reason in (
        ({"n": 0}, "data.n is 0, must be at least 1"),
        ({"correct": "no"}, 'data.correct is \'no\', must be "drop" or "keep"'),
        ({"columns": {"idd": "x"}}, "data.columns: no field 'idd'. Did you mean 'id'?"),
    ):
        with pytest.raises(ValueError) as caught:
            ErrorRecords(path=path, **wrong)
        assert reason in str(caught.value)
    with pytest.raises(ValueError, match="data.n is 0"):
        ErrorRecords(path=path).few(0)
