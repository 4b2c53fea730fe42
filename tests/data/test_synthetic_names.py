"""Names are unique, video numbers have gaps, frame numbers start anywhere."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.data.synthetic_names import NAMES, first_frame_number, subject_name, video_id

SEED = 100


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), start=st.integers(0, NAMES - 301))
def test_names_are_unique_and_video_numbers_have_gaps(seed, start):
    names = {subject_name(seed, k) for k in range(start, start + 300)}
    assert len(names) == 300
    assert all("/" not in n and "\\" not in n and "," not in n and "_" in n for n in names)
    ids = [video_id(seed, start, k) for k in range(9)]
    assert sorted(ids[:6]) == list(range(6))
    assert ids[6:] == [6, 7, 8]


def test_all_names_of_the_list_are_different():
    assert len({subject_name(SEED, k).casefold() for k in range(NAMES)}) == NAMES


def test_frame_numbers_start_anywhere_and_sometimes_cross_100_and_1000():
    starts = [first_frame_number(SEED, k, v, 16) for k in range(50) for v in range(4)]
    assert min(starts) >= 1
    assert len(set(starts)) > 100
    for border in (100, 1000):
        crossing = sum(s < border <= s + 15 for s in starts)
        assert 0.08 < crossing / len(starts) < 0.35
    assert all(first_frame_number(SEED, k, 0, 1) >= 1 for k in range(30))
