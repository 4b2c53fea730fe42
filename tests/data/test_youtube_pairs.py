"""splits.txt: ways to write it, the message of each fault, damaged bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from simlearn.data.errors import DataError
from simlearn.data.randomness import numpy_generator
from simlearn.data.youtube_pairs import VideoPair, read_meta_and_splits, read_splits
from tests.data.ytf_tree import FOLDS, mutants, pairs, splits_text, write_mat, write_tree

EXPECTED = [VideoPair(fold, a, b, bool(same)) for fold, a, b, same in pairs()]
HEADER = "split number, pair number, first name, second name, is same\n"
LINE = "1, 1, AJ_Cook/0, AJ_Cook/2, 1\n"


def write(folder: Path, text: str) -> Path:
    path = folder / "splits.txt"
    path.write_bytes(text.encode())
    return path


def fails(read, path):
    with pytest.raises(DataError) as caught:
        read(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_the_tree_s_own_list(tmp_path):
    got = read_splits(write_tree(tmp_path) / "splits.txt")
    assert got == EXPECTED
    assert len(got) == 12
    assert {p.fold for p in got} == set(range(FOLDS))
    assert got[0].where == f"{tmp_path / 'splits.txt'}, line 2"


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.replace("\n", "\r\n"),
        lambda t: t.replace("\n", "\n\n"),
        lambda t: t.replace("first name", "FIRST Name "),
        lambda t: "\n".join(line + ", more, 7" for line in t.splitlines()),
        lambda t: "\n".join(t.splitlines()[1:]),
        lambda t: t.replace("first name", "a").replace("split number", "b"),
        lambda t: "\n".join(",".join(line.split(",")[::-1]) for line in t.splitlines()),
        lambda t: t.replace("/", "\\"),
        lambda t: t.replace(" ", ""),
    ],
    ids=["crlf", "blank", "case", "extra", "no_header", "index", "reversed", "slash", "unpadded"],
)
def test_other_ways_to_write_the_same(tmp_path, change):
    assert read_splits(write(tmp_path, change(splits_text()))) == EXPECTED


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("0, 1, AJ_Cook/0, AJ_Cook/2, 1", "line 3: split number '0' is not a whole number from 1"),
        ("x, 1, AJ_Cook/0, AJ_Cook/2, 1", "line 3: split number 'x'"),
        ("1, 1, AJ_Cook/0, AJ_Cook/2", "line 3: 4 columns, at least 5 needed"),
        ("1, 1, AJ_Cook/0, AJ_Cook/2, yes", "line 3: 'is same' is 'yes' instead of 0 or 1"),
        ("1, 1, AJ_Cook, AJ_Cook/2, 1", "line 3: 'AJ_Cook' is not the name of a video such as"),
        ("1, 1, AJ_Cook/0/1, AJ_Cook/2, 1", "is not the name of a video"),
        ("1, 1, AJ_Cook/0, AJ_Cook/2, 0", "line 3: AJ_Cook/0 and AJ_Cook/2 are marked as differ"),
        ("1, 1, AJ_Cook/0, Al_Gore/1, 1", "are marked as the same, which their names contradict"),
    ],
)
def test_a_wrong_line_is_named(tmp_path, line, message):
    assert message in fails(read_splits, write(tmp_path, HEADER + LINE + line + "\n"))


def test_headers_and_files_that_tell_nothing(tmp_path):
    assert "holds no pairs" in fails(read_splits, write(tmp_path, ""))
    assert "holds no pairs" in fails(read_splits, write(tmp_path, HEADER))
    short = "line 1: the header 'split number, is same' does not tell the columns"
    assert short in fails(read_splits, write(tmp_path, "split number, is same\n" + LINE))
    twice = "first name, a, b, c, d\n"  # split number falls back to the column of first name
    assert "does not tell the columns" in fails(read_splits, write(tmp_path, twice + LINE))
    assert "the pair list is not there" in fails(read_splits, tmp_path / "none.txt")


def check_mutants(folder: Path, count: int) -> None:
    parsed = refused = 0
    for data in mutants(splits_text().encode(), count, numpy_generator(0, "mutants", "splits")):
        path = folder / "splits.txt"
        path.write_bytes(data)
        try:
            got = read_splits(path)
        except DataError as error:
            assert "splits.txt" in str(error)
            refused += 1
        else:
            assert got
            assert min(pair.fold for pair in got) >= 0
            parsed += 1
    assert parsed + refused == count
    assert min(parsed, refused) > count // 50


def test_300_mutants_of_the_text_parse_or_raise_data_error(tmp_path):
    check_mutants(tmp_path, 300)


@pytest.mark.slow
def test_10000_mutants_of_the_text_parse_or_raise_data_error(tmp_path):
    check_mutants(tmp_path, 10_000)


def test_the_mat_of_the_same_tree_agrees(tmp_path):
    assert read_meta_and_splits(write_mat(tmp_path / "m.mat")).pairs == EXPECTED
