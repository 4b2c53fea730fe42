"""meta_and_splits.mat: content, shapes, the message of each fault, damaged bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from simlearn.data.errors import DataError
from simlearn.data.meta_and_splits import read_meta_and_splits
from simlearn.data.randomness import numpy_generator
from simlearn.data.video_pair import VideoPair
from tests.data.ytf_tree import LABEL_OF, VIDEOS, mat_content, mutants, pairs, write_mat

EXPECTED = [VideoPair(fold, a, b, bool(same)) for fold, a, b, same in pairs()]


def fails(path):
    with pytest.raises(DataError) as caught:
        read_meta_and_splits(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("compressed", [False, True])
def test_the_mat_holds_the_same_pairs(tmp_path, compressed):
    path = write_mat(tmp_path / "m.mat", do_compression=compressed)
    meta = read_meta_and_splits(path)
    assert meta.pairs == EXPECTED
    assert meta.names == tuple(VIDEOS)
    assert meta.labels[0] == 0
    raw = [LABEL_OF[name.split("/")[0]] for name in VIDEOS]
    assert len(set(zip(raw, meta.labels, strict=True))) == len(set(raw)) == 12
    assert list(dict.fromkeys(meta.labels)) == list(range(12))
    assert meta.pairs[4].where == f"{path}, Splits row 1, fold 2"


@pytest.mark.parametrize(
    "cut", [lambda s: s[:, :, :1], lambda s: s[:1], lambda s: s[:1, :, :1], lambda s: s[:3]]
)
def test_one_fold_or_one_pair_a_fold(tmp_path, cut):
    content = mat_content()
    content["Splits"] = cut(content["Splits"])
    got = read_meta_and_splits(write_mat(tmp_path / "m.mat", content)).pairs
    rows, folds = content["Splits"].shape[0], content["Splits"].shape[2]
    assert got == [p for f in range(folds) for p in [q for q in EXPECTED if q.fold == f][:rows]]


def test_other_number_types_and_a_flat_matrix(tmp_path):
    content = mat_content()
    content["Splits"] = content["Splits"][:, :, 0].astype(np.uint16)
    content["video_labels"] = content["video_labels"].astype(np.int32).T
    got = read_meta_and_splits(write_mat(tmp_path / "m.mat", content))
    assert got.pairs == [pair for pair in EXPECTED if pair.fold == 0]


def set_splits(place, value):
    def change(content):
        content["Splits"][place] = value

    return change


def set_name(number, value):
    def change(content):
        content["video_names"][number, 0] = value

    return change


def replace(name, value):
    def change(content):
        content[name] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (set_splits((2, 0, 1), 0), "Splits row 3, fold 2: index 0 is not in 1..23"),
        (set_splits((2, 1, 1), 24), "Splits row 3, fold 2: index 24 is not in 1..23"),
        (set_splits((0, 2, 0), 2), "Splits row 1, fold 1: 'is same' is 2 instead of 0 or 1"),
        (set_splits((0, 2, 0), 0), "are marked as different, which video_labels contradict"),
        (set_splits((3, 2, 2), 1), "Splits row 4, fold 3"),
        (set_splits((1, 0, 2), 1.5), "Splits(2, 1, 3) is 1.5, not a whole number"),
        (set_splits((1, 0, 2), np.nan), "Splits(2, 1, 3) is nan, not a whole number"),
        (set_splits((1, 0, 2), 1e12), "not a whole number"),
        (set_name(3, "AJ_Cook/0"), "video_names entry 4: AJ_Cook/0 stands already in entry 1"),
        (set_name(3, "AJ_Cook"), "video_names entry 4: 'AJ_Cook' is not the name of a video"),
        (set_name(3, 7.0), "video_names entry 4: [7.0] is no text"),
        (set_name(3, ""), "video_names entry 4: [] is no text"),
        (replace("video_labels", np.ones((1, 4))), "4 video_labels for 23 video_names"),
        (replace("video_labels", np.ones((1, 23)) * 1j), "video_labels holds complex128 instead"),
        (replace("video_names", np.ones((1, 23))), "video_names is no cell of names"),
        (replace("Splits", np.ones((4, 2, 3))), "Splits has shape (4, 2, 3) instead of"),
        (replace("Splits", np.ones((0, 3, 3))), "Splits has shape (0, 3, 3) instead of"),
        (replace("Splits", {"a": 1}), "only numbers, text and cells are read"),
        (lambda content: content.pop("Splits"), "no array named 'Splits' (found of those sought:"),
    ],
)
def test_a_wrong_mat_is_named(tmp_path, change, message):
    content = mat_content()
    change(content)
    assert message in fails(write_mat(tmp_path / "m.mat", content))


def check_mat_mutants(folder: Path, count: int, *, compressed: bool) -> tuple[int, int]:
    path = write_mat(folder / "m.mat", do_compression=compressed)
    parsed = refused = 0
    purpose = numpy_generator(0, "mutants", "mat", int(compressed))
    for data in mutants(path.read_bytes(), count, purpose):
        path.write_bytes(data)
        try:
            meta = read_meta_and_splits(path)
        except DataError as error:
            assert "m.mat" in str(error)
            refused += 1
        else:
            assert len(meta.names) == len(meta.labels)
            parsed += 1
    return parsed, refused


def test_100_mutants_of_the_mat_parse_or_raise_data_error(tmp_path):
    plain = check_mat_mutants(tmp_path, 50, compressed=False)
    packed = check_mat_mutants(tmp_path, 50, compressed=True)
    assert sum(plain) + sum(packed) == 100
    assert min(plain[0] + packed[0], plain[1], packed[1]) > 0


@pytest.mark.slow
def test_10000_mutants_of_the_mat_parse_or_raise_data_error(tmp_path):
    plain = check_mat_mutants(tmp_path, 7_000, compressed=False)
    packed = check_mat_mutants(tmp_path, 3_000, compressed=True)
    assert sum(plain) + sum(packed) == 10_000
