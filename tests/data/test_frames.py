"""Crops against a loop over pixels, damaged files, and reading by row."""

from __future__ import annotations

import struct

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.data.errors import DataError
from simlearn.data.frames import (
    ImageFiles,
    crop_square,
    decode_frame,
    read_image,
    video_offsets,
)
from simlearn.data.video import Video
from simlearn.data.youtube_faces import read_youtube_faces
from tests.data.ytf_tree import face

SHARES = st.floats(0.05, 1.0)


def noise(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def jpeg(height=48, width=64):
    return cv2.imencode(".jpg", noise(height, width))[1].tobytes()


def loop(image, top, left, side):
    """The square pixel by pixel; past the border the nearest pixel of the image."""
    out = np.zeros((side, side, 3), np.uint8)
    for i in range(side):
        for j in range(side):
            y = min(max(top + i, 0), image.shape[0] - 1)
            x = min(max(left + j, 0), image.shape[1] - 1)
            out[i, j] = image[y, x]
    return out


@given(st.integers(1, 14), st.integers(1, 14), SHARES)
def test_crop_of_an_aligned_image(height, width, crop):
    image = noise(height, width)
    found = crop_square(image, crop=crop)
    side = len(found)
    assert abs(side - crop * min(height, width)) <= 0.5 or side == 1
    top, left = (height - side) // 2, (width - side) // 2
    assert np.array_equal(found, loop(image, top, left, side))
    for free, before in ((height - side, top), (width - side, left)):
        assert free - before - before in (0, 1)


def test_the_whole_of_a_square_and_the_middle_of_an_odd_one():
    image = noise(7, 7)
    assert np.array_equal(crop_square(image, crop=1.0), image)
    assert np.array_equal(crop_square(image, crop=3 / 7), image[2:5, 2:5])
    assert np.array_equal(crop_square(noise(6, 9), crop=1.0), noise(6, 9)[:, 1:7])


@given(
    st.tuples(st.integers(-20, 50), st.integers(-20, 50)),
    st.tuples(st.integers(1, 30), st.integers(1, 30)),
    st.floats(0.1, 1.0),
)
def test_crop_of_a_box_in_a_whole_frame(centre, size, crop):
    image = noise(18, 24)
    (x, y), (width, height) = centre, size
    box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    found = crop_square(image, crop=crop, box=box)
    side = len(found)
    assert abs(side - crop * 2.2 * max(width, height)) <= 0.5 or side == 1
    expected = loop(image, (2 * y - side) // 2, (2 * x - side) // 2, side)
    assert np.array_equal(found, expected)


@given(st.integers(10, 14), st.integers(10, 14), st.integers(1, 7), st.integers(0, 9))
def test_a_crop_moves_with_its_box(x, y, size, shift):
    big = noise(64, 64)
    box = (x - size / 2, y - size / 2, x + size / 2, y + size / 2)
    moved = tuple(value + shift for value in box)
    one = crop_square(big[20:, 20:], crop=0.6, box=box)
    other = crop_square(big[20 - shift :, 20 - shift :], crop=0.6, box=moved)
    assert np.array_equal(one, other)


def test_a_box_shows_what_the_aligned_image_shows():
    image = noise(110, 110)
    box = (30.0, 30.0, 80.0, 80.0)  # enlarged by 2.2 it is the whole image
    for crop in (1.0, 0.6, 0.59, 0.3):
        assert np.array_equal(crop_square(image, crop=crop, box=box), crop_square(image, crop=crop))


def test_colours_are_red_green_blue_and_the_size_is_kept(tmp_path):
    image = np.zeros((8, 10, 3), np.uint8)
    image[..., 2] = 200  # OpenCV writes blue, green, red
    path = tmp_path / "red.png"
    path.write_bytes(cv2.imencode(".png", image)[1].tobytes())
    found = read_image(path)
    assert found.shape == (8, 10, 3) and found.dtype == np.uint8
    assert found[0, 0].tolist() == [200, 0, 0]
    frame = decode_frame(path, size=8, crop=1.0)
    assert frame.flags["C_CONTIGUOUS"] and np.array_equal(frame, found[:, 1:9])


@pytest.mark.parametrize("size", [1, 5, 24, 50])
def test_every_size_is_given(tmp_path, size):
    path = tmp_path / "a.jpg"
    path.write_bytes(jpeg())
    for box in (None, (20.0, 10.0, 40.0, 30.0)):
        frame = decode_frame(path, size=size, crop=0.5, box=box)
        assert frame.shape == (size, size, 3) and frame.dtype == np.uint8


def huge_header(data):
    at = data.find(b"\xff\xc0") + 5
    return data[:at] + struct.pack(">HH", 65500, 65500) + data[at + 4 :]


DAMAGED = {
    "cut": (jpeg()[: len(jpeg()) // 2], "the JPEG is cut short"),
    "last byte": (jpeg()[:-1], "the JPEG is cut short"),
    "zeros": (jpeg()[:900] + bytes(5000), "the JPEG is cut short"),
    "empty": (b"", r"not an image that OpenCV can read \(0 bytes\)"),
    "text": (b"<html>404 not found</html>", "not an image that OpenCV can read"),
    "two bytes": (b"\xff\xd8", r"the JPEG is cut short \(2 bytes"),
    "nothing inside": (b"\xff\xd8\xff\xd9", "not an image that OpenCV can read"),
    "half a PNG": (cv2.imencode(".png", noise(9, 9))[1].tobytes()[:100], "not an image"),
    "four giga pixels": (huge_header(jpeg()), "not an image that OpenCV can read"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_files_are_named_with_the_way_out(tmp_path, name):
    data, text = DAMAGED[name]
    path = tmp_path / "3.618.jpg"
    path.write_bytes(data)
    with pytest.raises(DataError, match=text) as caught:
        decode_frame(path, size=8, crop=1.0)
    assert str(caught.value).startswith(f"{path}: ")
    assert "leave the frame out by naming it in data.exclude" in str(caught.value)


def test_missing_file_and_folder_instead_of_a_file(tmp_path):
    for path in (tmp_path / "3.618.jpg", tmp_path):
        with pytest.raises(DataError, match="cannot be read") as caught:
            read_image(path)
        assert str(caught.value).startswith(f"{path}: ")
        assert "data.exclude" in str(caught.value)


def test_bytes_behind_the_end_of_a_jpeg_do_no_harm(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(jpeg() + bytes(300))
    assert read_image(path).shape == (48, 64, 3)


@pytest.mark.parametrize(
    "box",
    [
        (64.0, 0.0, 90.0, 30.0),
        (-30.0, 10.0, 0.0, 40.0),
        (10.0, 48.0, 20.0, 70.0),
        (-66000.0, -66000.0, 66000.0, 66000.0),
    ],
)
def test_a_box_of_another_image_is_refused(tmp_path, box):
    path = tmp_path / "a.jpg"
    path.write_bytes(jpeg())
    with pytest.raises(DataError, match="does not fit an image of 64 x 48 pixels") as caught:
        decode_frame(path, size=8, crop=0.6, box=box)
    assert str(path) in str(caught.value) and f"({box[0]:g}, {box[1]:g})" in str(caught.value)
    assert decode_frame(path, size=8, crop=0.6, box=(-20.0, -9.0, 9.0, 20.0)).shape == (8, 8, 3)


@given(st.lists(st.integers(1, 7), max_size=5))
def test_offsets(counts):
    videos = [Video("a", f"a/{i}", ("x.jpg",) * n) for i, n in enumerate(counts)]
    offsets = video_offsets(videos)
    assert offsets.dtype == np.int64
    assert offsets.tolist() == [sum(counts[:i]) for i in range(len(counts) + 1)]


@pytest.mark.parametrize("images", ["aligned", "frame"])
def test_rows_are_the_frames_of_one_video_after_the_other(ytf_root, images):
    videos = read_youtube_faces(ytf_root, images=images)
    reader = ImageFiles(ytf_root, videos, size=12, crop=0.7)
    expected = []
    for video in videos:
        for name in video.frames:
            box = None
            if images == "frame":
                x, y, w, h = face(video.identity, int(name.split(".")[-2]))
                box = (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
            expected.append(decode_frame(ytf_root / name, size=12, crop=0.7, box=box))
    rows = np.arange(reader.offsets[-1])
    assert len(rows) == len(expected) > 100
    assert np.array_equal(reader.gather(rows), np.stack(expected))
    table = rows[::-1][:12].reshape(3, 4)
    assert np.array_equal(reader.gather(table), np.stack(expected)[table])
    assert np.array_equal(reader.decode(int(reader.offsets[3])), expected[reader.offsets[3]])


def test_a_damaged_frame_is_named_when_its_row_is_read(tmp_path):
    (tmp_path / "a.jpg").write_bytes(jpeg())
    (tmp_path / "b.jpg").write_bytes(jpeg()[:700])
    reader = ImageFiles(tmp_path, [Video("a", "a/0", ("a.jpg", "b.jpg"))], size=8, crop=1.0)
    assert reader.gather(np.array([0])).shape == (1, 8, 8, 3)
    with pytest.raises(DataError, match=r"b\.jpg: the JPEG is cut short \(700 bytes"):
        reader.gather(np.array([[0, 1]]))
