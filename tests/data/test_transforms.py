"""Crop, flip and standardisation, each against arithmetic on known pixels."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.data.transforms import augmentation, crop_and_flip, standardise


def pixels(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8))


@given(st.integers(0, 2**40), st.integers(0, 9), st.integers(0, 10**6), st.integers(0, 16))
def test_augmentation_is_a_function_of_seed_epoch_and_row(seed, epoch, row, slack):
    one = augmentation(seed, epoch, row, slack=slack, flip=True)
    other = augmentation(seed, epoch, row, slack=slack, flip=True)
    assert one[:3] == other[:3]
    assert 0 <= one[0] <= slack and 0 <= one[1] <= slack
    assert one[3].integers(0, 2**40) == other[3].integers(0, 2**40)
    assert augmentation(seed, epoch, row, slack=slack, flip=False)[:3] == (*one[:2], False)


@pytest.mark.parametrize("axis", ["seed", "epoch", "row"])
def test_every_part_matters(axis):
    drawn = set()
    for number in range(40):
        arguments = {"seed": 1, "epoch": 1, "row": 1, axis: number}
        *place, _ = augmentation(*arguments.values(), slack=200, flip=True)
        drawn.add(tuple(place))
    assert len(drawn) >= 39


def test_crops_are_even_and_half_is_mirrored():
    draws = [augmentation(5, 0, row, slack=4, flip=True)[:3] for row in range(2000)]
    for axis in (0, 1):
        counts = np.bincount([d[axis] for d in draws], minlength=5)
        assert len(counts) == 5 and counts.min() > 330 and counts.max() < 470
    assert 900 < sum(d[2] for d in draws) < 1100
    assert abs(np.corrcoef([d[0] for d in draws], [d[2] for d in draws])[0, 1]) < 0.1


@given(st.integers(0, 3), st.integers(0, 3), st.booleans())
def test_crop_and_flip_against_slices(top, left, flip):
    clip = pixels(3, 3, 8, 8)
    found = crop_and_flip(clip, top=top, left=left, side=5, flip=flip)
    expected = clip.numpy()[:, :, top : top + 5, left : left + 5]
    expected = expected[..., ::-1] if flip else expected
    assert found.dtype == torch.uint8
    assert np.array_equal(found.numpy(), expected)


@settings(max_examples=30)
@given(st.integers(1, 4), st.integers(1, 3), st.integers(2, 9), st.integers(0, 99))
def test_every_clip_has_mean_0_and_deviation_1(clips, frames, side, seed):
    x = pixels(clips, 3, frames, side, side, seed=seed)
    z = standardise(x, "clip")
    assert z.shape == x.shape and z.dtype == torch.float32
    for clip, found in zip(x.double(), z.double(), strict=True):
        values = clip.flatten().tolist()
        mean = sum(values) / len(values)
        deviation = (sum((v - mean) ** 2 for v in values) / len(values)) ** 0.5
        assert torch.allclose(found, (clip - mean) / deviation, atol=1e-5)
        assert abs(found.mean()) < 1e-6 and abs(found.std(correction=0) - 1) < 1e-5


@pytest.mark.parametrize("value", [0, 1, 77, 254, 255])
@pytest.mark.parametrize("shape", [(2, 3, 4, 16, 16), (1, 3, 16, 112, 112), (1, 3, 1, 1)])
def test_a_constant_clip_becomes_0(value, shape):
    z = standardise(torch.full(shape, value, dtype=torch.uint8), "clip")
    assert torch.equal(z, torch.zeros(shape))


def test_one_differing_pixel_stays_finite():
    x = torch.zeros(1, 3, 16, 112, 112, dtype=torch.uint8)
    x[0, 0, 0, 0, 0] = 1
    z = standardise(x, "clip")
    assert torch.isfinite(z).all() and z.abs().sum() > 0


def test_range_goes_from_minus_1_to_1():
    x = torch.tensor([[0, 51, 255]], dtype=torch.uint8)
    assert torch.allclose(standardise(x, "range"), torch.tensor([[-1.0, -0.6, 1.0]]))
    assert torch.equal(standardise(torch.full((2, 3, 4, 4), 255), "range"), torch.ones(2, 3, 4, 4))


def test_the_input_is_left_alone():
    for x in (pixels(2, 3, 4, 4), pixels(2, 3, 4, 4).float()):
        before = x.clone()
        standardise(x, "clip"), standardise(x, "range")
        assert torch.equal(x, before)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_clip_does_not_depend_on_its_neighbours_or_on_threads(threads):
    x = pixels(3, 3, 8, 64, 64)
    alone = [standardise(clip[None], "clip") for clip in x]
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        together = standardise(x, "clip")
        one = standardise(x[:1], "clip")
    finally:
        torch.set_num_threads(before)
    assert torch.equal(together, torch.cat(alone))
    assert torch.equal(one, alone[0])


def test_memory_order_changes_no_value():
    x = pixels(2, 3, 4, 8, 8)
    last = x.contiguous(memory_format=torch.channels_last_3d)
    assert torch.equal(standardise(x, "clip"), standardise(last, "clip"))
