"""Figures of rows: files below a folder, bytes, none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.analysis.errorradar.row_image import image_of


@pytest.fixture
def root(tmp_path):
    (tmp_path / "in" / "a b").mkdir(parents=True)
    for name in ("x.png", "in/y-1.png", "in/a b/\u00e9.png"):
        (tmp_path / name).write_bytes(b"p")
    return tmp_path


@pytest.mark.parametrize("name", ["x.png", "in/y-1.png", "in/a b/\u00e9.png", "./x.png"])
def test_files_below_the_root(root, name):
    assert image_of(name, root).samefile(root / name)
    assert image_of({"path": name, "bytes": None}, root) == image_of(name, root)
    assert image_of({"path": name}, root) == root / name


def test_bytes_and_none(root):
    assert image_of(b"abc", root) == b"abc"
    assert image_of({"bytes": b"abc", "path": "gone.png"}, root) == b"abc"
    for nothing in (None, {"bytes": None, "path": None}, {"path": None}, {}):
        assert image_of(nothing, root) is None


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (3, "must be the path of a file, found 3"),
        ("", "must be the path of a file, found ''"),
        (b"", "must be the path of a file, found b''"),
        ({"bytes": b"", "path": "x.png"}, "found b''"),
        ({"bytes": "abc"}, "must hold bytes, found 'abc'"),
        ({"url": "x.png"}, "must be the path of a file, found {'url'"),
        ("a\0b", "must be the path of a file"),
        ("/etc/passwd", "must be a path below "),
        ("../x.png", "must be a path below "),
        ("in/../../x.png", "must be a path below "),
        ("C:\\x.png", "must be a path below "),
        ("gone.png", "'gone.png' is not there, below "),
        ("x" * 5000, "is not there"),
        ("in", "'in' is not there"),
        ("\ud800", "is not there"),
    ],
)
def test_faults(root, value, reason):
    with pytest.raises(ValueError) as caught:
        image_of(value, root)
    assert reason in str(caught.value) and str(caught.value).isprintable()


@given(st.lists(st.sampled_from(["..", ".", "in", "x.png", "", "a b", "~", "a..b"]), max_size=5))
def test_no_path_leads_out(tmp_path_factory, parts):
    root = tmp_path_factory.mktemp("root") / "deep"
    (root / "in").mkdir(parents=True)
    for place in (root, root / "in", root.parent):
        (place / "x.png").write_bytes(b"p")
    try:
        found = image_of("/".join(parts), root)
    except ValueError:
        return
    assert found.resolve().is_relative_to(root.resolve()) and found.is_file()
