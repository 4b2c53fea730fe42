"""A video is refused where it cannot be one."""

from __future__ import annotations

import dataclasses

import pytest

from simlearn.data.video import Video

BOX = (1.0, 2.0, 3.0, 4.0)


def test_a_video_keeps_what_it_is_given():
    video = Video("Al_Gore", "Al_Gore/1", ("a.jpg", "b.jpg"), (BOX, BOX))
    assert (video.identity, video.name) == ("Al_Gore", "Al_Gore/1")
    assert video.frames == ("a.jpg", "b.jpg")
    assert video.boxes == (BOX, BOX)
    assert Video("a", "a/0", ("x",)).boxes is None


def test_videos_are_values():
    assert Video("a", "a/0", ("x",)) == Video("a", "a/0", ("x",))
    assert len({Video("a", "a/0", ("x",)), Video("a", "a/0", ("x",))}) == 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        Video("a", "a/0", ("x",)).name = "b"


def test_no_frames():
    with pytest.raises(ValueError, match="video Al_Gore/1 has no frames"):
        Video("Al_Gore", "Al_Gore/1", ())


@pytest.mark.parametrize("boxes", [(), (BOX,), (BOX,) * 3])
def test_another_number_of_boxes(boxes):
    text = f"video Al_Gore/1 has 2 frames and {len(boxes)} boxes"
    with pytest.raises(ValueError, match=text):
        Video("Al_Gore", "Al_Gore/1", ("a", "b"), boxes)
