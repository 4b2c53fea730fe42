"""Either form of the pair list, or a message that names both."""

from __future__ import annotations

import re
import shutil

import pytest

from simlearn.data.errors import DataError
from simlearn.data.official_pairs import read_official_pairs


def test_both_forms_hold_the_same_pairs(ytf_root, tmp_path):
    text = tmp_path / "text"
    shutil.copytree(ytf_root / "meta_data", tmp_path / "mat" / "meta_data")
    text.mkdir()
    shutil.copy(ytf_root / "splits.txt", text)
    first = read_official_pairs(text, "data.split=0")
    assert len(first) > 4
    assert first == read_official_pairs(tmp_path / "mat", "data.split=0")


def test_the_text_comes_first(ytf_root, tmp_path):
    shutil.copytree(ytf_root / "meta_data", tmp_path / "meta_data")
    (tmp_path / "splits.txt").write_text("1, 1, A/0, B/0, 0\n")
    assert [p.first for p in read_official_pairs(tmp_path, "data.split=0")] == ["A/0"]


def test_neither(tmp_path):
    wanted = f"{re.escape(str(tmp_path / 'splits.txt'))}: not found, nor .*data.split=3 asks for a"
    with pytest.raises(DataError, match=wanted):
        read_official_pairs(tmp_path, "data.split=3")
