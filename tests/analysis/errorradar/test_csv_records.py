"""Rows of tables in text."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.analysis.errorradar.csv_records import MOST_CHARACTERS, csv_rows
from tests.analysis.errorradar.row_cases import refused

cells = st.text(alphabet='ab ,;\t|"\n\u00e9', max_size=6)
tables = st.lists(st.lists(cells, min_size=3, max_size=3), max_size=5)


@given(tables, st.sampled_from([(",", ".csv"), (";", ".csv"), ("\t", ".tsv"), ("|", ".CSV")]),
       st.booleans(), st.booleans())  # fmt: skip
def test_what_the_csv_module_writes(tmp_path_factory, table, kind, marked, windows):
    delimiter, suffix = kind
    path = tmp_path_factory.mktemp("table") / f"a{suffix}"
    text = io.StringIO()
    end = "\r\n" if windows else "\n"
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows([["x", " y ", "z"], *table])
    path.write_bytes(b"\xef\xbb\xbf" * marked + text.getvalue().encode())
    wanted = [{k: c or None for k, c in zip("xyz", row, strict=True)} for row in table if any(row)]
    assert [row for _, row in csv_rows(path)] == wanted


def test_line_numbers_count_breaks_inside_quotes(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('id,q\n\n1,"two\nlines, ""x"""\n,\n2,b\n')
    assert list(csv_rows(path)) == [
        (f"{path}, line 3", {"id": "1", "q": 'two\nlines, "x"'}),
        (f"{path}, line 6", {"id": "2", "q": "b"}),
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("id,q\n1\n", "line 2: has 1 cells, the first line names 2 columns; put texts with"),
        ("id,q\n1,2\n1,2,3\n", "line 3: has 3 cells"),
        ("id,q,id\n", "line 1: two columns are named 'id'"),
        ('id,q\n1,"a\n2,b\n', "line 2: no row of a table (unexpected end of data)"),
        ('id,q\n1,"a"b\n', "line 2: no row of a table"),
        ("id,q\r1,2\r", "line 1: no row of a table"),
    ],
)
def test_faults_name_the_line(tmp_path, text, reason):
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode())
    assert reason in refused(csv_rows, path)


def test_long_cells_and_empty_files(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id,q\n1," + "x" * 300_000)
    ((_, row),) = csv_rows(path)
    assert len(row["q"]) == 300_000 and csv.field_size_limit() == MOST_CHARACTERS
    path.write_text('id,q\n1,"' + "x" * (MOST_CHARACTERS + 1))
    assert "line 2: no row of a table (field larger than" in refused(csv_rows, path)
    for empty in ("", "\n\n", "id,q\n"):
        path.write_text(empty)
        assert list(csv_rows(path)) == []
    path.write_text(",x,\n1,2,3\n")  # columns without a name, as pandas writes its index
    assert [row for _, row in csv_rows(path)] == [{"": "3", "x": "2"}]
