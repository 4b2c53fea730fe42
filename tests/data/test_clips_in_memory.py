"""Clips read once: which frames, which pixels, and how much memory."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from simlearn.data import clips_in_memory
from simlearn.data.clips import evaluation_clips
from simlearn.data.clips_in_memory import check_memory, frame_rows, read_pixels
from simlearn.data.errors import DataError
from simlearn.data.video import Video


class Frames:
    """A reader whose pixels tell row, height, width and channel."""

    offsets = np.array([0, 5, 7, 16])
    size = 4

    def gather(self, rows):
        grid = np.arange(self.size * self.size * 3).reshape(self.size, self.size, 3)
        return (100 * (rows[..., None, None, None] % 2) + grid).astype(np.uint8)


VIDEOS = [
    Video("b", "b/0", tuple("01234")),
    Video("a", "a/0", tuple("01")),
    Video("a", "a/1", tuple("012345678")),
]
DATA = SimpleNamespace(videos=VIDEOS, reader=Frames())
SOURCE = SimpleNamespace(frames=4, stride=2, side=2)


def rows_of(videos, images=False, clips_per_video=2):
    clips = evaluation_clips(
        [len(v.frames) for v in videos], frames=4, stride=2, clips_per_video=clips_per_video
    )
    return frame_rows(SOURCE, DATA, videos, clips, images=images).tolist()


def test_the_frames_of_each_clip():
    # a/1 holds rows 7 to 15; a clip spans 7 frames; b/0 is shorter and repeats its last frame
    assert rows_of([VIDEOS[2], VIDEOS[0]]) == [[7, 9, 11, 13], [9, 11, 13, 15], [0, 2, 4, 4]]
    assert rows_of([VIDEOS[1]]) == [[5, 6, 6, 6]]
    assert rows_of([VIDEOS[2]], clips_per_video=1) == [[8, 10, 12, 14]]


def test_still_images_are_the_middle_frames():
    assert rows_of([VIDEOS[2], VIDEOS[0]], images=True) == [[11], [13], [4]]


def test_the_middle_of_the_frames_is_kept():
    said = []
    rows = np.array([[0, 1, 2], [3, 3, 4]])
    x = read_pixels(SOURCE, DATA, rows, lambda *what: said.append(what))
    assert x.shape == (2, 3, 3, 2, 2)
    for clip, channel, t, r, c in ((0, 0, 0, 0, 0), (0, 2, 1, 1, 0), (1, 1, 2, 0, 1)):
        pixel = 100 * (rows[clip, t] % 2) + ((r + 1) * 4 + c + 1) * 3 + channel
        assert x[clip, channel, t, r, c] == pixel
    assert said == [("reading clips", 1, 2), ("reading clips", 2, 2)]
    assert read_pixels(SOURCE, DATA, rows[:0], None).shape == (0, 3, 3, 2, 2)


def test_more_than_4_gib():
    assert clips_in_memory.MAX_BYTES == 2**32
    check_memory(2**32)
    text = (
        r"the clips need 6\.0 GiB of memory, more than 4 GiB: use fewer identities "
        r"\(data\.max_identities\), smaller images \(data\.side\) or shorter clips \(data\.frames\)"
    )
    with pytest.raises(DataError, match=text):
        check_memory(6 * 2**30)
