"""Windows cover a video, stay inside it and are spread from its first frame to its last."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.data.clips import (
    clip_frames,
    clip_span,
    evaluation_clips,
    even_starts,
    training_clips,
)

COUNTS = st.lists(st.integers(1, 90), min_size=1, max_size=5)
FRAMES = st.integers(1, 20)
STRIDES = st.integers(1, 5)


@given(FRAMES, STRIDES, st.integers(0, 60), st.integers(1, 60))
def test_frames_of_a_clip_against_a_loop(frames, stride, start, available):
    expected = []
    at = start
    for _ in range(frames):
        expected.append(at if at < available else available - 1)
        at += stride
    found = clip_frames(start, frames, stride, available)
    assert found.tolist() == expected
    assert clip_span(frames, stride) == len(range(start, start + (frames - 1) * stride + 1))


def test_a_short_video_repeats_its_last_frame():
    assert clip_frames(0, 5, 1, 3).tolist() == [0, 1, 2, 2, 2]
    assert clip_frames(0, 4, 3, 5).tolist() == [0, 3, 4, 4]
    assert clip_frames(0, 3, 2, 1).tolist() == [0, 0, 0]


@given(COUNTS, FRAMES, STRIDES)
def test_training_windows_cover_the_video_and_stay_inside(counts, frames, stride):
    clips = training_clips(counts, frames=frames, stride=stride)
    span = clip_span(frames, stride)
    assert sorted(set(clips.video.tolist())) == list(range(len(counts)))
    for video, count in enumerate(counts):
        rows = np.flatnonzero(clips.video == video)
        assert len(rows) == max(1, count // span)
        covered = set()
        for row in rows:
            low, high = int(clips.low[row]), int(clips.high[row])
            assert 0 <= low <= high
            reach = set(range(low, high + span))
            assert not covered & reach or count < span
            covered |= reach
        if count >= span:
            assert covered == set(range(count))
        else:
            assert (clips.low[rows], clips.high[rows]) == (0, 0)


def test_training_clips_of_known_videos():
    clips = training_clips([5, 3, 11], frames=3, stride=2)
    assert clips.video.tolist() == [0, 1, 2, 2]
    assert clips.low.tolist() == [0, 0, 0, 5]
    assert clips.high.tolist() == [0, 0, 0, 6]
    assert len(clips) == 4


@given(st.integers(1, 200), st.integers(1, 60), st.integers(2, 12))
def test_even_starts_run_from_first_to_last(available, span, clips):
    starts = even_starts(available, span, clips)
    slack = max(available - span, 0)
    assert starts[0] == 0 and starts[-1] == slack
    assert len(starts) == min(clips, slack + 1)
    steps = np.diff(starts)
    assert (steps > 0).all()
    assert steps.size == 0 or steps.max() - steps.min() <= 1


@pytest.mark.parametrize(("available", "start"), [(16, 0), (17, 0), (18, 1), (5, 0), (116, 50)])
def test_one_clip_lies_in_the_middle(available, start):
    assert even_starts(available, 16, 1).tolist() == [start]


@given(COUNTS, FRAMES, STRIDES, st.integers(1, 6))
def test_evaluation_clips_are_fixed_and_inside(counts, frames, stride, wanted):
    clips = evaluation_clips(counts, frames=frames, stride=stride, clips_per_video=wanted)
    span = clip_span(frames, stride)
    assert np.array_equal(clips.low, clips.high)
    assert (np.diff(clips.video) >= 0).all()
    for video, count in enumerate(counts):
        starts = clips.low[clips.video == video]
        assert 1 <= len(starts) <= wanted
        assert starts.tolist() == even_starts(count, span, wanted).tolist()
        assert all(s + span <= max(count, span) for s in starts)


def test_no_videos_make_no_clips():
    for clips in (
        training_clips([], frames=4, stride=1),
        evaluation_clips([], frames=4, stride=1, clips_per_video=5),
    ):
        assert len(clips) == 0
        assert clips.video.dtype == clips.low.dtype == clips.high.dtype == np.int64
