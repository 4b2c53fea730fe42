"""NumPy's archives: what is read, and what is refused before it is unpacked."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest

from simlearn.data import npz_file
from simlearn.data.errors import DataError
from simlearn.data.npz_file import load_npz


def fails(path, keys=("a",), **options):
    with pytest.raises(DataError) as caught:
        load_npz(path, keys, **options)
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_come_back_as_they_were(tmp_path, save):
    path = tmp_path / "a.npz"
    arrays = {
        "a": np.arange(24, dtype=np.uint8).reshape(2, 3, 4),
        "f": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "big": np.arange(3, dtype=">i4"),
        "text": np.array(["é", "longer"]),
        "empty": np.zeros((0, 3), np.uint8),
        "scalar": np.float32(2),
    }
    save(path, **arrays)
    found = load_npz(path, tuple(arrays)[:-1], optional=("scalar", "none"))
    assert set(found) == set(arrays)
    for key, array in arrays.items():
        assert found[key].dtype == array.dtype and found[key].shape == array.shape
        assert np.array_equal(found[key], array)
    found["a"][0, 0, 0] = 7  # a copy that may be written to
    assert set(load_npz(path, ("a",))) == {"a"}


def test_files_that_are_no_archives(tmp_path):
    assert "the file is not there; check the path" in fails(tmp_path / "none.npz")
    assert "cannot be read as an .npz file (IsADirectoryError" in fails(tmp_path)
    path = tmp_path / "a.npz"
    path.write_bytes(b"")
    assert "cannot be read as an .npz file (BadZipFile" in fails(path)
    np.save(tmp_path / "a.npy", np.zeros(3))
    assert "Write it with numpy.savez" in fails(tmp_path / "a.npy")


def test_missing_arrays(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, b=np.zeros(1), c=np.zeros(1))
    assert fails(path, ("a", "b", "d")) == (
        f"{path}: no array named a and none named d (found: b, c). It must hold a, b, d"
    )
    np.savez(path)
    assert "(found: none)" in fails(path)


def test_python_objects_are_not_read(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, a=np.array([{"x": 1}], dtype=object), allow_pickle=True)
    text = fails(path)
    assert f"{path}: a cannot be read (ValueError: it holds Python objects" in text


def npy_bytes(shape, content, version=(1, 0)):
    file = io.BytesIO()
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    write = {
        (1, 0): np.lib.format.write_array_header_1_0,
        (2, 0): np.lib.format.write_array_header_2_0,
    }[version]
    write(file, header)
    return file.getvalue() + content


def archive(path, **files):
    with zipfile.ZipFile(path, "w") as target:
        for name, data in files.items():
            target.writestr(f"{name}.npy", data)
    return path


def test_headers_that_lie_about_the_size(tmp_path):
    path = archive(tmp_path / "a.npz", a=npy_bytes((1 << 40, 1 << 20), b"abc"))
    assert "shape (1099511627776, 1048576) of uint8 in 3 bytes" in fails(path)
    path = archive(tmp_path / "b.npz", a=npy_bytes((2,), b"abc"))
    assert "shape (2,) of uint8 in 3 bytes" in fails(path)
    path = archive(tmp_path / "c.npz", a=npy_bytes((-3, -1), b"abc"))
    assert "shape (-3, -1)" in fails(path)


def test_versions(tmp_path):
    path = archive(tmp_path / "a.npz", a=npy_bytes((3,), b"abc", (2, 0)))
    assert load_npz(path, ("a",))["a"].tobytes() == b"abc"
    data = bytearray(npy_bytes((3,), b"abc"))
    data[6] = 3
    assert "(ValueError: version (3, 0))" in fails(archive(tmp_path / "b.npz", a=bytes(data)))


def test_a_flipped_pixel_is_noticed(tmp_path):
    path = archive(tmp_path / "a.npz", a=npy_bytes((300,), bytes(300)))
    data = bytearray(path.read_bytes())
    data[300] ^= 1
    path.write_bytes(bytes(data))
    assert "a cannot be read (BadZipFile: Bad CRC-32" in fails(path)


def test_more_than_memory_should_hold(tmp_path, monkeypatch):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, a=np.zeros(2000, np.uint8), b=np.zeros(2000, np.uint8))
    monkeypatch.setattr(npz_file, "MAX_BYTES", 3000)
    assert len(load_npz(path, ("a",))["a"]) == 2000
    assert "more than 0 GiB: give fewer or smaller images" in fails(path, ("a", "b"))
    assert "its arrays need 0.0 GiB" in fails(path, ("a",), optional=("b",))
