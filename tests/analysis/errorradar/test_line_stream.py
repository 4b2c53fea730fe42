"""Text files line by line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.analysis.errorradar import line_stream
from simlearn.analysis.errorradar.line_stream import open_data, stream_lines
from simlearn.data.errors import DataError
from tests.analysis.errorradar.row_cases import refused


@given(st.text(alphabet="ab\n\r \u00e9\u3042\u2028"), st.booleans())
def test_lines_are_those_of_the_text(tmp_path_factory, text, marked):
    path = tmp_path_factory.mktemp("lines") / "a.txt"
    path.write_bytes(b"\xef\xbb\xbf" * marked + text.encode())
    found = list(stream_lines(path, "file"))
    assert "".join(line for _, line in found) == text
    assert [n for n, _ in found] == list(range(1, len(found) + 1))
    assert all(line.endswith("\n") for _, line in found[:-1])
    assert sum(line.count("\n") for _, line in found) == text.count("\n")


def test_faults_name_the_line(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    assert "a.txt: the record file is not there" in refused(stream_lines, path, "record file")
    assert "the record file cannot be read" in refused(stream_lines, tmp_path, "record file")
    path.write_bytes(b"good\nbad \xff\n")
    assert "line 2: byte 0xff is not UTF-8" in refused(stream_lines, path, "record file")
    path.write_bytes("caf\u00e9".encode("utf-16"))
    assert "line 1: byte 0xff is not UTF-8" in refused(stream_lines, path, "record file")
    monkeypatch.setattr(line_stream, "MOST_BYTES", 10)
    path.write_bytes(b"123456789\n" + b"x" * 11)
    assert "line 2: is longer than 10 bytes" in refused(stream_lines, path, "record file")
    assert next(stream_lines(path, "record file")) == (1, "123456789\n")


def test_bytes(tmp_path):
    (tmp_path / "a").write_bytes(b"\0x")
    with open_data(tmp_path / "a", "file") as file:
        assert file.read() == b"\0x"
    with pytest.raises(DataError, match="the picture is not there; check the path"):
        open_data(tmp_path / "b", "picture")
