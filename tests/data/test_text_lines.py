"""Numbered lines of text files and their faults."""

from __future__ import annotations

import pytest

from simlearn.data.errors import DataError
from simlearn.data.text_lines import read_text_lines


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"", []),
        (b" \n\n", []),
        (b"a\n\n b \n", [(1, "a"), (3, "b")]),
        (b"a\r\n\r\nb", [(1, "a"), (3, "b")]),
        (b"a\r\rb", [(1, "a"), (3, "b")]),
        (b"\xef\xbb\xbfa\n", [(1, "a")]),
        ("é\x0bx\u2028y\n".encode(), [(1, "é\x0bx\u2028y")]),
    ],
)
def test_lines_and_numbers(tmp_path, data, lines):
    path = tmp_path / "x.txt"
    path.write_bytes(data)
    assert read_text_lines(path, "list") == lines


def test_faults_are_data_errors(tmp_path):
    path = tmp_path / "x.txt"
    with pytest.raises(DataError, match=r"x.txt: the list is not there; check the path"):
        read_text_lines(path, "list")
    with pytest.raises(DataError, match="the list cannot be read"):
        read_text_lines(tmp_path, "list")
    path.write_bytes(b"a\nb\xffc\n")
    with pytest.raises(DataError, match=r"x.txt, line 2: byte 0xff is not UTF-8 text; restore"):
        read_text_lines(path, "list")
