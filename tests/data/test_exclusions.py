"""Exclude lists on their own: entries, places, what matches."""

from __future__ import annotations

import pytest

from simlearn.data.errors import DataError
from simlearn.data.exclusions import closest, read_entries, read_exclusions


def test_entries_keep_their_place(tmp_path):
    path = tmp_path / "bad.txt"
    path.write_text("# all\n\nA/1/ # one\nB\\2\\7\n/\n")
    assert read_entries(path) == [("A/1", f"{path}, line 3"), ("B/2/7", f"{path}, line 4")]
    assert read_entries(str(path)) == read_entries(path)
    assert read_entries(["", "A", "#x"]) == [("A", "exclude, entry 2")]
    assert read_entries(None) == read_entries([]) == []


def test_subjects_videos_and_frames():
    got = read_exclusions(["A", "B/2", "C/3/98", "C/3/099"])
    assert [got.skips(*x) for x in (("A", "0"), ("B", "2"), ("B", "1"), ("C", "3"))] == [
        True,
        True,
        False,
        False,
    ]
    assert got.frames_of("C/3", [97, 98, 99]) == {98, 99}
    assert got.frames_of("C/4", []) == frozenset()
    got.check_subjects({"A", "B", "C"})
    got.check_videos("B", {"1", "2"})
    got.check_videos("C", {"3"})
    got.check_videos("D", set())


def test_what_matches_nothing_is_named():
    got = read_exclusions(["B/2", "C/3/98"])
    with pytest.raises(DataError, match="exclude, entry 2: 'C' matches nothing"):
        got.check_subjects({"B"})
    with pytest.raises(DataError, match=r"entry 1: 'B/2' .* did you mean 'B/1'"):
        got.check_videos("B", {"1"})
    with pytest.raises(DataError, match=r"entry 2: 'C/3/98' .* did you mean 'C/3/97'"):
        got.frames_of("C/3", [99, 97, 200])
    with pytest.raises(DataError, match="'C/3/98' matches nothing in the data; nothing"):
        got.frames_of("C/3", [])


@pytest.mark.parametrize("entry", ["A/x", "A//1", "/1", "A/1/2/3", "A/-1", "A/1, B/2"])
def test_other_forms_are_refused(entry):
    with pytest.raises(DataError, match="is not of the form Subject, Subject/3 or Subject/3/618"):
        read_exclusions([entry])


def test_closest():
    assert closest("trian", ("train", "val", "test")) == "train"
    assert closest("qqq", ("train", "val")) == ""
    assert closest("qqq", ()) == ""
