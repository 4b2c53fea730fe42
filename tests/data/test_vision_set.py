"""What is said when torchvision's files are missing or damaged."""

from __future__ import annotations

from pathlib import Path

import pytest
from torchvision import datasets

from simlearn.data.errors import DataError
from simlearn.data.randomness import numpy_generator
from simlearn.data.vision_set import check_files, idx_files
from simlearn.data.vision_sets import EMNIST, MNIST
from tests.data.vision_files import drawn, idx, write_idx
from tests.data.ytf_tree import mutants

PREFIXES = ("train", "t10k")


def parts(side=28):
    return [(drawn(10, side, side), range(10)), (drawn(10, side, side), range(10))]


def test_where_files_are_sought():
    assert idx_files("MNIST", PREFIXES) == (
        Path("MNIST/raw/train-images-idx3-ubyte"),
        Path("MNIST/raw/train-labels-idx1-ubyte"),
        Path("MNIST/raw/t10k-images-idx3-ubyte"),
        Path("MNIST/raw/t10k-labels-idx1-ubyte"),
    )


def test_no_root():
    for option in (MNIST(), MNIST(download=True)):
        with pytest.raises(DataError) as caught:
            option.open(seed=0)
        assert str(caught.value) == (
            "data.root is not given: MNIST is read from a folder. Unpack the four IDX files into "
            "FOLDER/MNIST/raw, or set data.root=FOLDER data.download=true"
        )


def test_missing_files_are_named(tmp_path):
    root = write_idx(tmp_path, "MNIST", PREFIXES, parts())
    (root / "MNIST/raw/t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError) as caught:
        MNIST(root=root).read()
    raw = root / "MNIST" / "raw"
    assert str(caught.value) == (
        f"{raw}: t10k-labels-idx1-ubyte not there (the files of both splits are needed). Unpack "
        f"the four IDX files into {raw}, or set data.download=true"
    )
    with pytest.raises(DataError, match="emnist-letters-train-images-idx3-ubyte, .* not there"):
        EMNIST(root=root, split="letters").read()


def test_packed_files_are_pointed_out(tmp_path):
    root = write_idx(tmp_path, "MNIST", PREFIXES, parts(), packed=True)
    with pytest.raises(DataError, match=r"Packed files are there: gunzip -k .*ubyte\.gz\. Unpack"):
        MNIST(root=root).read()


def test_nothing_is_missing(tmp_path):
    (tmp_path / "a").write_text("")
    check_files(tmp_path, [Path("a")], "Put it there")


def test_progress(tmp_path):
    root = write_idx(tmp_path, "MNIST", PREFIXES, parts())
    said = []
    MNIST(root=root).read(lambda *what: said.append(what))
    assert said == [("reading MNIST", 0, 2), ("reading MNIST", 1, 2)]


@pytest.mark.parametrize(
    ("file", "data", "text"),
    [
        ("train-labels-idx1-ubyte", idx(drawn(9)), "training split .*9 labels and images"),
        ("t10k-labels-idx1-ubyte", idx(drawn(10) % 10 + 1), "test split .*labels from . to 10"),
        (
            "train-images-idx3-ubyte",
            idx(drawn(10, 14, 56)),
            r"training split .*instead of bytes \(N, 28, 28\)",
        ),
        ("train-images-idx3-ubyte", b"", "training split"),
        ("train-images-idx3-ubyte", idx(drawn(10, 28, 28))[:-1], "training split"),
    ],
)
def test_damaged_files(tmp_path, file, data, text):
    root = write_idx(tmp_path, "MNIST", PREFIXES, parts())
    (root / "MNIST" / "raw" / file).write_bytes(data)
    with pytest.raises(DataError, match=f"torchvision cannot read MNIST's {text}") as caught:
        MNIST(root=root).read()
    assert "Take the files away and get them again: Unpack the four" in str(caught.value)


def test_a_download_that_fails(tmp_path, monkeypatch):
    def refuse(self):
        raise RuntimeError("no network")

    monkeypatch.setattr(datasets.MNIST, "download", refuse)
    text = r"cannot download or read MNIST's training split \(RuntimeError: no network\)"
    with pytest.raises(DataError, match=text):
        MNIST(root=tmp_path, download=True).read()


def test_what_is_there_is_not_downloaded(tmp_path):
    root = write_idx(tmp_path, "MNIST", PREFIXES, parts())
    assert len(MNIST(root=root, download=True).read().train) == 10


def check_mutants(folder, count):
    root = write_idx(folder, "MNIST", PREFIXES, [(drawn(4, 28, 28), range(4))] * 2)
    refused = 0
    for number, name in enumerate(("train-labels-idx1-ubyte", "train-images-idx3-ubyte")):
        path = root / "MNIST" / "raw" / name
        whole = path.read_bytes()
        head = whole[:16]  # where a fault matters most
        for data in mutants(head, count // 2, numpy_generator(0, "mutants", "idx", number)):
            path.write_bytes(data + whole[16:])
            try:
                raw = MNIST(root=root).read()
            except DataError as error:
                assert "MNIST" in str(error)
                refused += 1
            else:
                assert raw.train.x.shape == (4, 1, 28, 28)
        path.write_bytes(whole)
    assert refused > count // 2


def test_300_mutants_are_read_or_refused(tmp_path):
    check_mutants(tmp_path, 300)


@pytest.mark.slow
def test_10000_mutants_are_read_or_refused(tmp_path):
    check_mutants(tmp_path, 10_000)
