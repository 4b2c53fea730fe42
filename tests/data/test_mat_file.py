"""MATLAB files: what is read, what is refused before SciPy sees it."""

from __future__ import annotations

import struct
import zlib

import pytest

from simlearn.data.errors import DataError
from simlearn.data.mat_file import load_mat
from tests.data.ytf_tree import VIDEOS, splits_text, write_mat

WANTED = ("video_names", "Splits")


def fails(path):
    with pytest.raises(DataError) as caught:
        load_mat(path, WANTED)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_only_the_named_variables_come_back_unsqueezed(tmp_path):
    arrays = load_mat(write_mat(tmp_path / "m.mat"), WANTED)
    assert {name: array.shape for name, array in arrays.items()} == {
        "video_names": (len(VIDEOS), 1),
        "Splits": (4, 3, 3),
    }


def test_files_that_are_no_mat(tmp_path):
    assert "is not there" in fails(tmp_path / "none.mat")
    assert "cannot be read" in fails(tmp_path)
    path = tmp_path / "m.mat"
    for data, message in (
        (b"", "not a MATLAB 5 file"),
        (b"\x89HDF\r\n\x1a\n" + bytes(300), "save it again with the option -v7"),
        (b"MATLAB 7.3 MAT-file" + bytes(300), "save it again with the option -v7"),
        (splits_text().encode(), "not a MATLAB 5 file (its header is missing)"),
    ):
        path.write_bytes(data)
        assert message in fails(path)


def element(kind, body):
    return struct.pack("<II", kind, len(body)) + body + bytes(-len(body) % 8)


def matrix(array_class, dims, name, *content):
    flags = element(6, struct.pack("<II", array_class, 0))
    shape = element(5, struct.pack(f"<{len(dims)}i", *dims))
    return element(14, flags + shape + element(1, name) + b"".join(content))


def nested(depth):
    inner = matrix(4, (0, 0), b"", element(16, b""))
    for _ in range(depth):
        inner = matrix(1, (1, 1), b"", inner)
    return inner


def bomb():
    body = zlib.compress(element(14, bytes((1 << 26) + 64)), 9)
    return struct.pack("<II", 15, len(body)) + body


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (matrix(6, (2**30, 2**30), b"Splits", element(9, b"")), "more than 10000000 entries"),
        (matrix(4, (2**20, 2**10), b"Splits", element(16, b"")), "more than 10000000 entries"),
        (matrix(1, (3000, 3000), b"video_names"), "a cell of size (3000, 3000) with 0 entries"),
        (matrix(6, (-1, 3), b"Splits", element(9, b"")), "a variable of size (-1, 3)"),
        (matrix(1, (1, 1), b"video_names", nested(3)), "a cell of size"),
        (matrix(6, (1, 1), b"Splits", element(77, bytes(8))), "values of element types [77]"),
        (struct.pack("<II", 14, 2**31) + bytes(64), "2147483648 bytes announced at byte 128"),
        (element(9, bytes(8)), "an element of type 9 for a variable"),
        (bomb(), "a compressed variable is cut short or too large"),
    ],
    ids=["huge", "text", "cell", "negative", "nested", "type", "announced", "no_variable", "bomb"],
)
def test_hostile_sizes_are_refused_before_memory_is_taken(tmp_path, body, message):
    path = write_mat(tmp_path / "m.mat")
    path.write_bytes(path.read_bytes()[:128] + body)
    assert message in fails(path)
