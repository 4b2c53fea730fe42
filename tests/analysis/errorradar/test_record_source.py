"""The contract of data options of worked solutions, and that both options keep it."""

from __future__ import annotations

import inspect
import json
import re
from dataclasses import FrozenInstanceError

import pytest

from simlearn.analysis.errorradar.error_records import ErrorRecords
from simlearn.analysis.errorradar.record import Record
from simlearn.analysis.errorradar.record_source import RecordData, RecordSource
from simlearn.analysis.errorradar.synthetic_problems import SyntheticProblems
from simlearn.report import protocol_fingerprint


def own_file(folder):
    """Records of one's own, some of them right."""
    lines = [
        {"id": f"r{i}", "question": f"q {i}", "steps": ["a", "b", "c"], "error_step": i % 4}
        for i in range(12)
    ]
    path = folder / "records.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return ErrorRecords(path=path, n=7)


SOURCES = {"own file": own_file, "drawn": lambda _: SyntheticProblems(n=7, seed=3)}


@pytest.fixture(params=sorted(SOURCES))
def source(request, tmp_path):
    """An option of each kind, seven records."""
    return SOURCES[request.param](tmp_path)


def test_a_source_has_to_say_how_it_is_opened():
    with pytest.raises(TypeError, match="abstract"):
        RecordSource()
    assert {"open", "few"} == RecordSource.__abstractmethods__
    for kind in (ErrorRecords, SyntheticProblems):
        assert issubclass(kind, RecordSource) and not inspect.isabstract(kind)


def test_opened_records_do_not_change():
    data = RecordData(list, 0, "0" * 16, {})
    assert data.notes == () and data.none_allowed is False
    with pytest.raises(FrozenInstanceError):
        data.n = 2


def test_every_pass_gives_the_same_records(source, tmp_path):
    data = source.open(tmp_path / "run")
    one, two = data.records(), data.records()
    first = next(one)
    again = list(two)  # two passes at once
    assert [first, *one] == again == list(data.records())
    assert len(again) == data.n == 7 and all(isinstance(r, Record) for r in again)
    assert len({r.id for r in again}) == 7
    assert data.none_allowed or all(r.error_step for r in again)


def test_a_fingerprint_and_facts_that_json_can_hold(source, tmp_path):
    data = source.open(tmp_path / "run")
    assert re.fullmatch("[0-9a-f]{16}", data.fingerprint)
    assert source.open(tmp_path / "other").fingerprint == data.fingerprint
    assert data.facts["n"] == 7 and str(data.facts["data"]).startswith("error_")
    assert json.loads(json.dumps(dict(data.facts))) == dict(data.facts)
    assert protocol_fingerprint(data.facts) == protocol_fingerprint(source.open(tmp_path).facts)
    assert all(isinstance(note, str) and note.endswith(".") for note in data.notes)


def test_few_are_fewer_and_leave_the_source_as_it_is(source, tmp_path):
    few = source.few(3)
    assert type(few) is type(source) and few != source
    data, whole = few.open(tmp_path / "few"), source.open(tmp_path / "run")
    assert (data.n, len(list(data.records())), whole.n) == (3, 3, 7)
    assert data.fingerprint != whole.fingerprint
    assert source.few(100).open(tmp_path / "all").n == 7


def test_progress_is_told(source, tmp_path):
    told = []
    source.open(tmp_path / "run", report=lambda what, done, total: told.append((done, total)))
    assert told and all(0 <= done <= total for done, total in told)
    assert told[-1][0] == told[-1][1]
