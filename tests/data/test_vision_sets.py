"""Torchvision's data sets, read from files in the official formats."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision import datasets

from simlearn.data.vision_sets import (
    CIFAR10,
    CIFAR100,
    EMNIST,
    EMNIST_CLASSES,
    MNIST,
    FashionMNIST,
)
from tests.data.vision_files import drawn, write_cifar, write_idx

TEN = list(range(10))


@pytest.mark.parametrize("option", [MNIST, FashionMNIST])
def test_mnist_and_fashion(tmp_path, option):
    parts = [(drawn(30, 28, 28), TEN * 3), (drawn(20, 28, 28), TEN * 2)]
    root = write_idx(tmp_path, option.__name__, ("train", "t10k"), parts)
    raw = option(root=root).read()
    for images, (x, y) in zip((raw.train, raw.test), parts, strict=True):
        assert images.x.shape == (len(x), 1, 28, 28) and images.x.dtype == torch.uint8
        assert np.array_equal(images.x[:, 0].numpy(), x)
        assert images.y.tolist() == y and images.index.tolist() == list(range(len(y)))
    data = option(root=root, class_order=(7, 2)).open(seed=0)
    names = {"MNIST": ("7", "2"), "FashionMNIST": ("Sneaker", "Pullover")}
    assert data.names == names[option.__name__] and data.facts["data"] == option.__name__


def upright(x):
    """Rows and columns exchanged, by indices."""
    return [[[int(image[c, r]) for c in range(28)] for r in range(28)] for image in x]


@pytest.mark.parametrize(("split", "classes", "first"), [("balanced", 47, 0), ("letters", 26, 1)])
def test_emnist_is_upright_and_counts_from_0(tmp_path, split, classes, first):
    labels = list(range(first, first + classes))
    parts = [(drawn(classes, 28, 28), labels), (drawn(classes, 28, 28, seed=1), labels)]
    prefixes = [f"emnist-{split}-{part}" for part in ("train", "test")]
    root = write_idx(tmp_path, "EMNIST", prefixes, parts)
    raw = EMNIST(root=root, split=split).read()
    for images, (x, _) in zip((raw.train, raw.test), parts, strict=True):
        assert images.y.tolist() == list(range(classes))
        assert images.x[:, 0].tolist() == upright(x)
    data = EMNIST(root=root, split=split, class_order=(0, 10, 25)).open(seed=0)
    assert data.names == {"balanced": ("0", "A", "P"), "letters": ("a", "k", "z")}[split]
    assert data.facts["split"] == split


def test_emnist_names_are_those_of_torchvision():
    official = datasets.EMNIST.classes_split_dict
    assert list(EMNIST_CLASSES["balanced"]) == official["balanced"]
    assert ["N/A", *EMNIST_CLASSES["letters"]] == official["letters"]


def test_emnist_has_two_splits():
    with pytest.raises(ValueError, match=r"data\.split is 'digits', must be balanced or letters"):
        EMNIST(split="digits")


def cifar10(root):
    rows = [drawn(10, 3072, seed=k) for k in range(6)]
    names = [*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"]
    files = {name: (x, TEN) for name, x in zip(names, rows, strict=True)}
    kinds = ["airplane", "automobile", "bird", "cat", "deer"]
    kinds += ["dog", "frog", "horse", "ship", "truck"]
    folder = "cifar-10-batches-py"
    return write_cifar(root, folder, files, "labels", "batches.meta", "label_names", kinds), rows


@pytest.fixture
def any_checksum(monkeypatch):
    """Torchvision takes any file that is there."""
    monkeypatch.setattr(datasets.cifar, "check_integrity", lambda path, md5=None: True)


def test_cifar10(tmp_path, any_checksum):
    root, rows = cifar10(tmp_path)
    raw = CIFAR10(root=root).read()
    assert raw.train.x.shape == (50, 3, 32, 32) and raw.test.x.shape == (10, 3, 32, 32)
    for image in (0, 13, 49):
        for channel, row, column in ((0, 0, 0), (1, 2, 31), (2, 31, 5)):
            byte = rows[image // 10][image % 10, 1024 * channel + 32 * row + column]
            assert raw.train.x[image, channel, row, column] == byte
    assert raw.train.y.tolist() == TEN * 5 and raw.names[:3] == ("airplane", "automobile", "bird")
    data = CIFAR10(root=root, class_order=(9, 3)).open(seed=0)
    assert data.names == ("truck", "cat") and len(data.splits["train"]) == 10


def test_cifar100(tmp_path, any_checksum):
    names = [f"kind {k}" for k in range(100)]
    files = {part: (drawn(100, 3072), range(100)) for part in ("train", "test")}
    folder, key = "cifar-100-python", "fine_label_names"
    root = write_cifar(tmp_path, folder, files, "fine_labels", "meta", key, names)
    raw = CIFAR100(root=root).read()
    assert raw.names == tuple(names) and raw.test.y.tolist() == list(range(100))
    assert np.array_equal(raw.test.x.numpy(), files["test"][0].reshape(100, 3, 32, 32))


def test_pickles_of_another_checksum_are_not_read(tmp_path):
    root, _ = cifar10(tmp_path)
    text = r"cifar-10-batches-py: torchvision cannot read CIFAR10's training split .*corrupted"
    with pytest.raises(ValueError, match=text) as caught:
        CIFAR10(root=root).read()
    assert "get them again: Unpack cifar-10-python.tar.gz in" in str(caught.value)


def test_missing_pickles(tmp_path):
    text = r"data_batch_1, .*test_batch, batches\.meta not there .*both splits.*\.tar\.gz in"
    with pytest.raises(ValueError, match=text):
        CIFAR10(root=tmp_path).read()
    with pytest.raises(ValueError, match=r"train, test, meta not there.*data\.download=true"):
        CIFAR100(root=tmp_path).read()
