"""Rows of JSON Lines files."""

from __future__ import annotations

import json

import pytest

from simlearn.analysis.errorradar.jsonl_records import jsonl_rows
from simlearn.data.errors import DataError
from tests.analysis.errorradar.row_cases import plain_row, refused, write_jsonl


def test_rows_and_their_lines(tmp_path):
    rows = [plain_row(k) for k in range(3)]
    path = tmp_path / "a.jsonl"
    text = "\n".join(["", json.dumps(rows[0]), " \t", *map(json.dumps, rows[1:])])
    for written in (text, text + "\n", text.replace("\n", "\r\n"), "\ufeff" + text):
        path.write_bytes(written.encode())
        found = list(jsonl_rows(path))
        assert [row for _, row in found] == rows
        assert [where for where, _ in found] == [f"{path}, line {n}" for n in (2, 4, 5)]
    path.write_text("\n \n")
    assert list(jsonl_rows(path)) == []


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("{'a': 1}", "line 2: no JSON ("),
        ('{"a": 1', "write one object a line"),
        ('{"a": 1}{"b": 2}', "line 2: no JSON (Extra data"),
        ('{"a": NaN}', "line 2: no JSON (NaN is no number)"),
        ("[1, 2]", "line 2: must be a JSON object, found [1, 2]"),
        ("null", "line 2: must be a JSON object, found None"),
        ('"' + "x" * 500 + '"', "found 'xxx"),
    ],
)
def test_faults_name_the_line_and_come_in_turn(tmp_path, line, text):
    path = write_jsonl(tmp_path / "a.jsonl", [plain_row(0)])
    path.write_text(path.read_text() + line + "\n")
    rows = jsonl_rows(path)
    assert next(rows)[1] == plain_row(0)
    with pytest.raises(DataError) as caught:
        next(rows)
    assert text in str(caught.value) and len(str(caught.value)) < 300 + len(str(path))
    assert "the record file is not there" in refused(jsonl_rows, tmp_path / "gone.jsonl")
