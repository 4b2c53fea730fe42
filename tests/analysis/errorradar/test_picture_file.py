"""Figures as files: bytes are written once, files stay where they are."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from simlearn.analysis.errorradar.picture_file import kept_picture
from simlearn.data.errors import DataError
from simlearn.data.media import load_image
from simlearn.data.questions import Question


def test_bytes_become_one_file_per_content(tmp_path):
    folder = tmp_path / "deep" / "pictures"
    first, again, other = (kept_picture(b, folder) for b in (b"one", b"one", b"two"))
    assert first == again != other
    assert {p: p.read_bytes() for p in folder.iterdir()} == {first: b"one", other: b"two"}
    before = first.stat().st_mtime_ns
    kept_picture(b"one", folder)
    assert first.stat().st_mtime_ns == before


def test_a_file_or_nothing_is_left_as_it_is(tmp_path):
    folder = tmp_path / "pictures"
    assert kept_picture(None, folder) is None
    assert kept_picture(tmp_path / "a.png", folder) == tmp_path / "a.png"
    assert not folder.exists()


def test_the_kept_file_opens_as_the_picture(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    path = kept_picture(file.getvalue(), tmp_path)
    assert np.array_equal(np.asarray(load_image(Question("q", "", (), image=path))), pixels)


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"cannot be written.*data\.cache=FOLDER"):
        kept_picture(b"one", tmp_path / "file")
