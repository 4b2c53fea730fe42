"""One file of images as a data option: its layouts, its faults, and mutants of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from simlearn.data.arrays import Arrays, read_arrays
from simlearn.data.errors import DataError
from simlearn.data.randomness import numpy_generator
from tests.data.ytf_tree import mutants


def content(**changed):
    """Six training and four test images of 5x4 of two classes."""
    g = np.random.default_rng(0)
    arrays = {
        "train_x": g.integers(0, 256, (6, 5, 4), dtype=np.uint8),
        "train_y": np.array([0, 1, 0, 1, 1, 0]),
        "test_x": g.integers(0, 256, (4, 5, 4), dtype=np.uint8),
        "test_y": np.array([1, 0, 1, 0], dtype=np.uint8),
    }
    arrays.update(changed)
    return {key: array for key, array in arrays.items() if array is not None}


def write(folder, **changed):
    path = folder / "images.npz"
    np.savez(path, **content(**changed))
    return path


def fails(path):
    with pytest.raises(DataError) as caught:
        read_arrays(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    return text.removeprefix(f"{path}: ")


def test_grey_images(tmp_path):
    raw, arrays = read_arrays(write(tmp_path)), content()
    assert raw.train.x.shape == (6, 1, 5, 4) and raw.train.x.dtype == torch.uint8
    assert np.array_equal(raw.train.x[:, 0].numpy(), arrays["train_x"])
    assert raw.test.y.tolist() == [1, 0, 1, 0] and raw.test.y.dtype == torch.int64
    assert raw.train.index.tolist() == list(range(6)) and raw.names == ("0", "1")


@pytest.mark.parametrize("channels", [1, 3])
def test_channels_come_last_in_the_file_and_second_in_memory(tmp_path, channels):
    g = np.random.default_rng(1)
    x = {
        f"{part}_x": g.integers(0, 256, (n, 5, 4, channels), dtype=np.uint8)
        for part, n in (("train", 6), ("test", 4))
    }
    raw = read_arrays(write(tmp_path, **x))
    assert raw.test.x.shape == (4, channels, 5, 4) and raw.test.x.is_contiguous()
    for image, row, column, channel in ((0, 0, 0, 0), (3, 4, 2, channels - 1), (1, 2, 3, 0)):
        assert raw.test.x[image, channel, row, column] == x["test_x"][image, row, column, channel]


def test_names(tmp_path):
    raw = read_arrays(write(tmp_path, names=np.array(["cat", "Köter", "unseen"])))
    assert raw.names == ("cat", "Köter", "unseen")
    other = write(tmp_path, names=np.array(["cat", "Köter", "unseen"]).astype(">U6"))
    assert read_arrays(other).names == raw.names
    source = Arrays(path=tmp_path / "images.npz", class_order=(1, 0), mean=0.2, std=0.1)
    data = source.open(seed=0)
    assert data.names == ("Köter", "cat")
    assert data.splits["train"].y.tolist() == [1, 0, 1, 0, 0, 1]
    assert (data.scale.mean, data.facts["data"]) == (0.2, "Arrays")
    with pytest.raises(DataError, match="class 'unseen' has no training images"):
        Arrays(path=tmp_path / "images.npz").open(seed=0)


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"test_y": None}, "no array named test_y (found: test_x, train_x, train_y)"),
        ({"train_x": np.zeros((6, 5, 4), np.float32)}, "train_x is float32 of shape (6, 5, 4), "),
        ({"train_x": np.zeros((6, 5), np.uint8)}, "train_x is uint8 of shape (6, 5), must be"),
        ({"test_x": np.zeros((0, 5, 4), np.uint8)}, "test_x is uint8 of shape (0, 5, 4), must be"),
        (
            {"train_x": np.zeros((6, 3, 5, 4), np.uint8)},
            "train_x has shape (6, 3, 5, 4) and so 4 channels, must be 1 or 3: channels come last",
        ),
        ({"train_y": np.zeros(6)}, "train_y is float64 of shape (6,), must be whole numbers"),
        ({"test_y": np.zeros(5, int)}, "test_y is int64 of shape (5,), must be whole numbers of "),
        ({"test_y": np.zeros((4, 1), int)}, "shape (4,), one for each image of test_x"),
        (
            {"test_x": np.zeros((4, 4, 5), np.uint8)},
            "images of train_x are (1, 5, 4) (C, H, W) and those of test_x (1, 4, 5): bring them",
        ),
        (
            {"train_y": np.array([1, 2, 1, 1, 2, 1])},
            "the labels of train_y are 1, 2... and not 0 to 1: number the classes from 0",
        ),
        ({"train_y": np.array([0, 9**15, 0, 0, 0, 0])}, "number the classes from 0 without a gap"),
        ({"test_y": np.array([0, 2, 1, 0])}, "test_y holds the label 2 and there are 2 classes"),
        ({"test_y": np.array([0, -1, 1, 0])}, "test_y holds the label -1 and there are 2 classes"),
        ({"names": np.array(["a"])}, "train_y holds the label 1 and there are 1 classes from 0"),
        ({"names": np.array([1, 2])}, "names is int64 of shape (2,), must be text of shape (K,)"),
        ({"names": np.array([["a", "b"]])}, "must be text of shape (K,)"),
        ({"names": np.array(["a", "b", "a"])}, "names holds 'a' twice: every class has its own"),
        ({"names": np.array([0x110000, 5], np.uint32).view("U1")}, "names holds what is no text"),
        ({"names": np.array(["\ud800", "b"])}, "names holds what is no text ("),
    ],
)
def test_faults_are_named(tmp_path, changed, text):
    assert text in fails(write(tmp_path, **changed))


def check_mutants(folder, count):
    whole = write(folder, names=np.array(["a", "b"])).read_bytes()
    path = folder / "mutant.npz"
    parsed = 0
    for data in mutants(whole, count, numpy_generator(0, "mutants", "npz")):
        path.write_bytes(data)
        try:
            raw = read_arrays(path)
        except DataError as error:
            assert "mutant.npz" in str(error)
        else:
            assert raw.train.x.shape == (6, 1, 5, 4)
            assert raw.names in (("a", "b"), ("0", "1"))  # the names' own name may be damaged
            parsed += 1
    assert count // 50 < parsed < count // 2


def test_300_mutants_are_read_or_refused(tmp_path):
    check_mutants(tmp_path, 300)


@pytest.mark.slow
def test_10000_mutants_are_read_or_refused(tmp_path):
    check_mutants(tmp_path, 10_000)


def check_unsealed_mutants(folder, count):
    """Damaged arrays inside a whole archive, whose checksums fit."""
    import io
    import zipfile

    arrays = content(names=np.array(["a", "b"]))
    plain = {}
    for key, array in arrays.items():
        file = io.BytesIO()
        np.save(file, array)
        plain[key] = file.getvalue()
    path, parsed = folder / "mutant.npz", 0
    for number, key in enumerate(plain):
        g = numpy_generator(0, "mutants", "npy", number)
        for data in mutants(plain[key], count // len(plain), g):
            with zipfile.ZipFile(path, "w") as archive:
                for name, whole in plain.items():
                    archive.writestr(f"{name}.npy", data if name == key else whole)
            try:
                raw = read_arrays(path)
            except DataError as error:
                assert "mutant.npz" in str(error)
            else:
                assert len(raw.train) and len(raw.test)
                parsed += 1
    assert 0 < parsed < count


def test_300_mutants_of_single_arrays(tmp_path):
    check_unsealed_mutants(tmp_path, 300)


@pytest.mark.slow
def test_10000_mutants_of_single_arrays(tmp_path):
    check_unsealed_mutants(tmp_path, 10_000)
