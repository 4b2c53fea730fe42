"""Every pixel handed out says from which frame and place it came, so crops can be read back."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.data.clip_dataset import ClipDataset
from simlearn.data.clips import evaluation_clips, training_clips

COUNTS = [9, 3, 14, 6, 5]
STORED, SIDE = 12, 8


class MarkedFrames:
    """Frame n has red = n, green = row, blue = column in every pixel."""

    def __init__(self, size=STORED):
        self.size = size
        self.offsets = np.concatenate([[0], np.cumsum(COUNTS)])

    def gather(self, rows):
        out = np.zeros((*rows.shape, self.size, self.size, 3), np.uint8)
        out[..., 0] = rows[..., None, None]
        out[..., 1] = np.arange(self.size)[:, None]
        out[..., 2] = np.arange(self.size)
        return out


def dataset(videos=(0, 2, 3), *, seed=None, frames=4, stride=1, per_video=2, size=STORED, **more):
    counts = [COUNTS[v] for v in videos]
    if seed is None:
        clips = evaluation_clips(counts, frames=frames, stride=stride, clips_per_video=per_video)
    else:
        clips = training_clips(counts, frames=frames, stride=stride)
    options = {"frames": frames, "stride": stride, "side": SIDE, "how": "range", "seed": seed}
    labels = [10 + v for v in videos]
    return ClipDataset(MarkedFrames(size), videos, labels, clips, **{**options, **more})


def marks(x):
    """Pixels (B, C, T, H, W) as the integers that were stored."""
    return ((x + 1) * 127.5).round().to(torch.int64)


def places(clip):
    """(frame rows, top, left, mirrored) of one clip, proven to be one crop of every frame."""
    red, green, blue = marks(clip)
    frames, height, width = red.shape
    top, left = int(green.min()), int(blue.min())
    mirrored = bool(blue[0, 0, 0] > blue[0, 0, -1])
    columns = torch.arange(left, left + width)
    columns = columns.flip(0) if mirrored else columns
    for t in range(frames):
        assert (red[t] == red[t, 0, 0]).all()
        assert torch.equal(green[t], torch.arange(top, top + height)[:, None].expand(-1, width))
        assert torch.equal(blue[t], columns.expand(height, -1))
    return red[:, 0, 0].tolist(), top, left, mirrored


def same(one, other):
    return all(
        torch.equal(getattr(one, n), getattr(other, n)) for n in ("x", "y", "group", "index")
    )


def test_rows_know_their_label_and_video():
    data = dataset()
    assert len(data) == 6
    assert data.clip_labels.tolist() == [10, 10, 12, 12, 13, 13]
    batch = data[[(0, 4), (0, 0), (0, 3)]]
    assert batch.x.shape == (3, 3, 4, SIDE, SIDE) and batch.x.dtype == torch.float32
    assert batch.y.tolist() == [13, 10, 12]
    assert batch.group.tolist() == [3, 0, 2]
    assert batch.index.tolist() == [4, 0, 3]


def test_evaluation_takes_the_middle_and_the_fixed_frames():
    data = dataset()
    batch = data[[(0, row) for row in range(len(data))]]
    middle = (STORED - SIDE) // 2
    firsts = [0, 5, 12, 22, 26, 28]  # videos begin at 0, 12 and 26; the last clip ends with them
    for clip, first in zip(batch.x, firsts, strict=True):
        rows = list(range(first, first + 4))
        assert places(clip) == (rows, middle, middle, False)
    assert same(data[[(9, 2)]], data[[(0, 2)]])


def test_an_odd_border_goes_down():
    _, top, left, _ = places(dataset(size=SIDE + 3)[[(0, 0)]].x[0])
    assert (top, left) == (1, 1)


@settings(max_examples=40)
@given(st.integers(0, 2**30), st.integers(0, 5), st.integers(1, 5), st.integers(1, 3))
def test_training_crops_all_frames_of_a_clip_alike(seed, epoch, frames, stride):
    data = dataset((4, 2, 0), seed=seed, frames=frames, stride=stride)
    batch = data[[(epoch, row) for row in range(len(data))]]
    for row, clip in enumerate(batch.x):
        numbers, top, left, _ = places(clip)
        video = int(batch.group[row])
        begin, end = int(data.reader.offsets[video]), int(data.reader.offsets[video + 1])
        assert 0 <= top <= STORED - SIDE and 0 <= left <= STORED - SIDE
        start = numbers[0] - begin
        assert data.clips.low[row] <= start <= data.clips.high[row]
        expected = [min(numbers[0] + i * stride, end - 1) for i in range(frames)]
        assert numbers == expected


def test_every_crop_flip_and_start_occurs():
    data = dataset((2,), seed=3, frames=9)  # 14 frames, one clip, starts 0 to 5
    seen = [places(data[[(epoch, 0)]].x[0]) for epoch in range(300)]
    assert {numbers[0] - 12 for numbers, *_ in seen} == set(range(6))
    assert {top for _, top, _, _ in seen} == {left for _, _, left, _ in seen} == set(range(5))
    assert 110 < sum(mirrored for *_, mirrored in seen) < 190


def test_no_flip():
    data = dataset(seed=3, flip=False)
    keys = [(epoch, row) for epoch in range(20) for row in range(len(data))]
    assert not any(places(clip)[3] for clip in data[keys].x)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), min_size=1, max_size=12),
    st.lists(st.integers(0, 12), max_size=4),
    st.sampled_from(["clip", "range"]),
    st.sampled_from([None, 0, 8]),
)
def test_a_row_does_not_depend_on_the_batch_around_it(keys, cuts, how, seed):
    data = dataset(seed=seed, how=how, frames=4)
    keys = [(epoch, row % len(data)) for epoch, row in keys]
    whole = data[keys]
    edges = sorted({0, *(min(c, len(keys)) for c in cuts), len(keys)})
    parts = [data[keys[a:b]] for a, b in pairwise(edges)]
    for name in ("x", "y", "group", "index"):
        joined = torch.cat([getattr(part, name) for part in parts])
        assert torch.equal(joined, getattr(whole, name))


@pytest.mark.parametrize("change", ["seed", "epoch", "row"])
def test_another_seed_epoch_or_row_is_another_draw(change):
    drawn = set()
    for number in range(1, 31):
        seed = number if change == "seed" else 1
        data = dataset((2,) * 31, seed=seed, frames=9)
        key = (number if change == "epoch" else 1, number if change == "row" else 1)
        numbers, *place = places(data[[key]].x[0])
        drawn.add((numbers[0], *place))
    assert len(drawn) > 20


@pytest.mark.parametrize("seed", [None, 5])
def test_short_videos_repeat_the_last_frame(seed):
    data = dataset((1,), seed=seed, frames=6)
    assert len(data) == 1
    assert places(data[[(0, 0)]].x[0])[0] == [9, 10, 11, 11, 11, 11]
    wide = dataset((3,), seed=seed, frames=4, stride=3)
    assert places(wide[[(0, 0)]].x[0])[0] == [26, 29, 31, 31]


def test_standardised_by_clip():
    x = dataset(how="clip", seed=1)[[(0, 0), (0, 1)]].x
    assert torch.allclose(x.flatten(1).mean(1), torch.zeros(2), atol=1e-6)
    assert torch.allclose(x.flatten(1).std(1, correction=0), torch.ones(2), atol=1e-5)


@pytest.mark.parametrize("seed", [None, 2])
@pytest.mark.parametrize("size", [SIDE, STORED])
def test_clips_lie_channels_last(seed, size):
    x = dataset(seed=seed, size=size)[[(0, 0), (0, 1), (0, 2)]].x
    assert x.is_contiguous(memory_format=torch.channels_last_3d)
    assert not x.is_contiguous()


def test_images_of_a_training_come_from_the_clip_that_a_clip_network_gets():
    """The same start, crop and mirroring; one of its frames, every one of them at some time."""
    images = dataset((2,), seed=3, frames=4, stride=2, images=True)
    clips = dataset((2,), seed=3, frames=4, stride=2)
    assert len(images) == len(clips)
    seen = set()
    for epoch in range(60):
        x = images[[(epoch, 0), (epoch, 1)]].x
        assert x.shape == (2, 3, SIDE, SIDE)
        assert x.is_contiguous(memory_format=torch.channels_last)
        for image, clip in zip(x, clips[[(epoch, 0), (epoch, 1)]].x, strict=True):
            (number,), *place = places(image[:, None])
            numbers, *expected = places(clip)
            assert place == expected and number in numbers
            seen.add(numbers.index(number))
    assert seen == {0, 1, 2, 3}


def test_images_of_an_evaluation_are_the_frames_of_the_clips():
    keys = [(0, row) for row in range(6)]
    images, clips = dataset(images=True)[keys], dataset()[keys]
    assert same(images, clips)
    assert images.x.is_contiguous(memory_format=torch.channels_last_3d)


@pytest.mark.parametrize("seed", [None, 2])
def test_images_are_standardised_one_by_one(seed):
    x = dataset(seed=seed, how="clip", images=True)[[(0, 0), (0, 3)]].x
    frames = x.movedim(2, 1).flatten(0, 1) if seed is None else x
    assert len(frames) == (8 if seed is None else 2)
    means = frames.flatten(1).mean(dim=1)
    assert torch.allclose(means, torch.zeros(len(frames)), atol=1e-6)
    deviations = frames.flatten(1).std(dim=1, correction=0)
    assert torch.allclose(deviations, torch.ones(len(frames)), atol=1e-5)
    alone = dataset(seed=seed, how="clip", images=True)[[(0, 3)]].x
    assert torch.equal(alone[0], x[1])


@pytest.mark.parametrize("order", ["shuffled", "repeated"])
def test_controls_change_the_order_of_the_frames_alone(order):
    keys = [(0, row) for row in range(6)]
    filmed, other = dataset()[keys], dataset(order=order)[keys]
    assert torch.equal(filmed.y, other.y) and torch.equal(filmed.index, other.index)
    for clip, control in zip(filmed.x, other.x, strict=True):
        rows, *place = places(clip)
        changed, *there = places(control)
        assert place == there
        wanted = [rows[2]] * 4 if order == "repeated" else rows
        assert sorted(changed) == wanted
    assert not torch.equal(filmed.x, other.x)


def test_a_set_without_videos():
    data = dataset(())
    assert len(data) == 0 and data.clip_labels.tolist() == []
