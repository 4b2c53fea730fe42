"""Dropping pairs by an exclude list, and pairs that name missing videos."""

from __future__ import annotations

import pytest

from simlearn.data.errors import DataError
from simlearn.data.video import Video
from simlearn.data.video_pair import VideoPair, check_pairs, drop_pairs, subject_of, video_name
from simlearn.data.youtube_pairs import read_splits
from tests.data.ytf_tree import VIDEOS, pairs, write_tree

EXPECTED = [VideoPair(fold, a, b, bool(same)) for fold, a, b, same in pairs()]


def videos(names=VIDEOS):
    return [Video(name.split("/")[0], name, ("x.jpg",)) for name in names]


def test_names_of_videos():
    assert video_name(" Conan_O'Brien\\3 ", "x") == "Conan_O'Brien/3"
    assert subject_of("Conan_O'Brien/3") == "Conan_O'Brien"
    for wrong in ("", "a", "/1", "a/b", "a/1/2", "a/-1", "a/" + "1" * 5000):
        with pytest.raises(DataError, match=r"list, line 4: .* is not the name of a video"):
            video_name(wrong, "list, line 4")


def test_where_a_pair_stands_is_not_compared():
    assert VideoPair(0, "a/0", "b/0", False, "x") == VideoPair(0, "a/0", "b/0", False)


def test_drop_pairs_by_subject_video_and_pair(tmp_path):
    pair = EXPECTED[0]
    assert drop_pairs(EXPECTED, None) == EXPECTED
    assert drop_pairs(EXPECTED, [f"{pair.first}, {pair.second}"]) == EXPECTED[1:]
    assert drop_pairs(EXPECTED, [f"{pair.second},{pair.first}"]) == EXPECTED[1:]
    left = drop_pairs(EXPECTED, ["AJ_Cook"])
    assert left == [p for p in EXPECTED if "AJ_Cook" not in p.first + p.second] != EXPECTED
    left = drop_pairs(EXPECTED, ["AJ_Cook\\2"])
    assert left == [p for p in EXPECTED if "AJ_Cook/2" not in (p.first, p.second)] != EXPECTED
    path = tmp_path / "errata.txt"
    path.write_text(f"# errata\nAJ_Cook/0/98\nNobody\n{pair.first}, {pair.second}  # wrong\n")
    assert drop_pairs(EXPECTED, path) == EXPECTED[1:]


@pytest.mark.parametrize("entry", ["AJ_Cook/0, AJ_Cook/9", "AJ_Cook/0, AJ_Cook/2, Al_Gore/1"])
def test_a_dropped_pair_must_be_there(entry):
    with pytest.raises(DataError, match=r"exclude, entry 1: .* is none of the 12 pairs"):
        drop_pairs(EXPECTED, [entry])


def test_check_pairs_names_pair_place_and_closest_video(tmp_path):
    got = read_splits(write_tree(tmp_path, fault="missing_video") / "splits.txt")
    check_pairs(got, videos())
    gone = [p for p in got if "Sadie_Frost/5" in (p.first, p.second)]
    assert gone
    with pytest.raises(DataError) as caught:
        check_pairs(got, videos([name for name in VIDEOS if name != "Sadie_Frost/5"]))
    text = str(caught.value)
    assert gone[0].where in text
    assert f"the pair {gone[0].first} - {gone[0].second}" in text
    assert "names the video Sadie_Frost/5, which is not there; did you mean Sadie_Frost/1?" in text
    assert f"{len(gone)} of 12 pairs" in text


def test_check_pairs_without_pairs_or_videos():
    check_pairs([], [])
    with pytest.raises(DataError, match="none of the 0 videos is like it; 12 of 12 pairs"):
        check_pairs(EXPECTED, [])
