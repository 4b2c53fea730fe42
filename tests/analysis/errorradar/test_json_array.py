"""Lists of objects in one ``.json`` file, whatever the size of the pieces that are read."""

from __future__ import annotations

import json
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.analysis.errorradar import json_array
from simlearn.analysis.errorradar.json_array import json_rows
from tests.analysis.errorradar.row_cases import plain_row, refused, write_jsonl

rows = st.lists(st.dictionaries(st.text(max_size=3), st.text() | st.integers() | st.none()))


@given(rows, st.sampled_from([None, 0, 2]), st.integers(1, 30), st.booleans())
def test_rows_of_a_list(tmp_path_factory, rows, indent, piece, marked):
    path = tmp_path_factory.mktemp("array") / "a.json"
    text = json.dumps(rows, indent=indent, ensure_ascii=False)
    path.write_bytes(b"\xef\xbb\xbf" * marked + f" \n{text}\n ".encode())
    with mock.patch.object(json_array, "PIECE", piece):
        found = list(json_rows(path))
    assert [row for _, row in found] == rows
    assert [w for w, _ in found] == [f"{path}, item {n}" for n in range(1, len(rows) + 1)]


def test_lines_of_objects_are_read_too(tmp_path):
    path = write_jsonl(tmp_path / "a.json", [plain_row(0), plain_row(1)])
    assert [row for _, row in json_rows(path)] == [plain_row(0), plain_row(1)]
    assert [where for where, _ in json_rows(path)][1] == f"{path}, line 2"
    path.write_text("")
    assert list(json_rows(path)) == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('[{"a": 1}', "item 2: found 'the end of the file'; must be a list of objects"),
        ('[{"a": 1},', "item 2: found 'the end of the file'"),
        ('[{"a": 1}, 3]', "item 2: found '3'; must be a list of objects"),
        ('[{"a": 1}, {"a" 2}]', "item 2: no JSON (Expecting ':' delimiter"),
        ('[{"a": 1}] x', "'x' stands after the end of the list"),
        ('[{"a": 1}{"a": 2}]', "item 2: found '{'"),
        ('[{"a": NaN}]', "item 1: no JSON (NaN is no number)"),
        ('[{"a": ' + "[" * 100_000, "item 1: no JSON (nested too deeply)"),
        ('{"data": [\n1]}', "line 1: no JSON"),
        ("[", "item 1: found 'the end of the file'"),
    ],
)
def test_faults_name_the_item(tmp_path, text, reason):
    path = tmp_path / "a.json"
    path.write_text(text)
    assert reason in refused(json_rows, path)


def test_bytes_that_are_no_text_and_items_without_end(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    path.write_bytes(b'[{"a": "\xff"}]')
    assert "a.json: byte 0xff is not UTF-8 text" in refused(json_rows, path)
    path.write_bytes(b'[{"a": "\xe2')
    assert "is not UTF-8 text" in refused(json_rows, path)
    monkeypatch.setattr(json_array, "MOST_BYTES", 100)
    monkeypatch.setattr(json_array, "PIECE", 10)
    path.write_text('[{"a": "' + "x" * 10_000)
    assert "item 1: no JSON (Unterminated string" in refused(json_rows, path)
