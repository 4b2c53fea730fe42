"""Whole text files and their faults."""

from __future__ import annotations

from pathlib import Path

import pytest

from simlearn.data.errors import DataError
from simlearn.data.text_file import read_text


@pytest.mark.parametrize(
    ("data", "text"),
    [(b"", ""), (b"\xef\xbb\xbfa\r\n b ", "a\r\n b "), ("é\u2028\n".encode(), "é\u2028\n")],
)
def test_the_text_as_it_is(tmp_path, data, text):
    path = tmp_path / "x.csv"
    path.write_bytes(data)
    assert read_text(path, "table") == text


def test_faults_are_data_errors(tmp_path):
    path = tmp_path / "x.csv"
    with pytest.raises(DataError, match=r"x.csv: the table is not there; check the path"):
        read_text(path, "table")
    with pytest.raises(DataError, match="the table cannot be read"):
        read_text(tmp_path, "table")
    with pytest.raises(DataError, match="not a path of a table"):
        read_text(Path("a\0b"), "table")
    path.write_bytes(b"a\nb\n\xffc\n")
    with pytest.raises(DataError, match=r"x.csv, line 3: byte 0xff is not UTF-8 text; restore"):
        read_text(path, "table")
