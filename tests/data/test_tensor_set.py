"""Images in memory as batches: rotations as classes, movements, and the loader."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.data.errors import DataError
from simlearn.data.labelled_images import LabelledImages, PixelScale
from simlearn.data.sampler import PKBatches
from simlearn.data.tensor_set import TensorSet, move_and_flip, tensor_loader, with_rotations
from simlearn.data.transforms import augmentation

SCALE = PixelScale(0.5, 0.25)


def noise(n, *shape, classes=3, seed=0):
    g = torch.Generator().manual_seed(seed)
    x = torch.randint(1, 256, (n, *shape), generator=g, dtype=torch.uint8)
    return LabelledImages(x, torch.arange(n) % classes, 10 * torch.arange(n))


@pytest.mark.parametrize("shape", [(1, 4, 4), (3, 5, 5), (2, 3, 4, 4)])
def test_rotations_are_classes_of_their_own(shape):
    images = noise(7, *shape)
    found = with_rotations(images, 5)
    assert len(found) == 28 and found.x.dtype == torch.uint8
    for r in range(4):
        for row in range(7):
            place = 7 * r + row
            assert found.y[place] == images.y[row] + 5 * r
            assert found.index[place] == images.index[row]
            turned = np.rot90(images.x[row].numpy(), r, axes=(-2, -1))
            assert np.array_equal(found.x[place].numpy(), turned)


def test_a_quarter_turn_goes_to_the_left():
    x = torch.tensor([[[[1, 2], [3, 4]]]], dtype=torch.uint8)
    one = torch.zeros(1, dtype=torch.int64)
    turns = with_rotations(LabelledImages(x, one, one), 1).x
    assert turns[:, 0].tolist() == [
        [[1, 2], [3, 4]],
        [[2, 4], [1, 3]],
        [[4, 3], [2, 1]],
        [[3, 1], [4, 2]],
    ]


def test_rotations_need_square_images_and_known_classes():
    with pytest.raises(DataError, match=r"data\.rotations needs square images, found \(1, 4, 5\)"):
        with_rotations(noise(2, 1, 4, 5), 3)
    with pytest.raises(DataError, match=r"found \(9,\): set data\.rotations=false"):
        with_rotations(noise(2, 9), 3)
    with pytest.raises(ValueError, match="labels from 0 to 2 for 2 classes"):
        with_rotations(noise(3, 1, 4, 4), 2)
    assert len(with_rotations(noise(0, 1, 4, 4), 2)) == 0


@settings(max_examples=40)
@given(st.integers(0, 3), st.data())
def test_movements(shift, data):
    shape = data.draw(st.sampled_from([(1, 4, 5), (3, 6, 4), (2, 3, 4, 4)]))
    n = data.draw(st.integers(0, 4))
    x = noise(n, *shape).x
    offsets = st.lists(st.integers(0, 2 * shift), min_size=n, max_size=n)
    top, left = data.draw(offsets), data.draw(offsets)
    flip = data.draw(st.lists(st.booleans(), min_size=n, max_size=n))
    found = move_and_flip(
        x,
        top=torch.tensor(top, dtype=torch.int64),
        left=torch.tensor(left, dtype=torch.int64),
        flip=torch.tensor(flip, dtype=torch.bool),
        shift=shift,
    )
    assert found.shape == x.shape and found.dtype == x.dtype
    height, width = shape[-2:]
    for i in range(n):
        for r in range(height):
            for c in range(width):
                column = width - 1 - c if flip[i] else c
                source = (r + top[i] - shift, column + left[i] - shift)
                inside = 0 <= source[0] < height and 0 <= source[1] < width
                expected = x[i][..., source[0], source[1]] if inside else torch.zeros(shape[:-2])
                assert torch.equal(found[i][..., r, c], expected.to(torch.uint8))


def test_a_batch_is_the_rows_asked_for():
    images = noise(9, 2, 4, 4)
    batch = TensorSet(images, SCALE)[[(3, 5), (0, 1), (3, 5)]]
    for place, row in enumerate((5, 1, 5)):
        expected = (images.x[row].double() / 255 - 0.5) / 0.25
        assert torch.allclose(batch.x[place].double(), expected, atol=1e-6)
    assert batch.x.dtype == torch.float32
    assert batch.y.tolist() == [2, 1, 2] and batch.index.tolist() == [50, 10, 50]
    assert batch.group.tolist() == [-1, -1, -1] and batch.tuples is None
    assert len(TensorSet(images, SCALE)) == 9


def test_augmentation_is_a_function_of_seed_epoch_and_index():
    images = noise(30, 1, 6, 6)
    rows = TensorSet(images, SCALE, seed=4, flip=True, shift=2)
    batch = rows[[(7, row) for row in range(30)]]
    seen = set()
    for row in range(30):
        top, left, flip, _ = augmentation(4, 7, 10 * row, slack=4, flip=True)
        seen.add((top, left, flip))
        moved = torch.roll(
            torch.nn.functional.pad(images.x[row], (2, 2, 2, 2)), (-top, -left), dims=(1, 2)
        )[:, :6, :6]
        expected = SCALE(moved.flip(2) if flip else moved)
        assert torch.equal(batch.x[row], expected)
    assert len(seen) > 15
    alone = rows[[(7, 12)]]
    assert torch.equal(alone.x[0], batch.x[12])
    few = TensorSet(images.rows(torch.tensor([12])), SCALE, seed=4, flip=True, shift=2)
    assert torch.equal(few[[(7, 0)]].x[0], batch.x[12])  # in whatever subset it stands
    for other, epoch in ((4, 8), (5, 7)):
        changed = TensorSet(images, SCALE, seed=other, flip=True, shift=2)
        assert not torch.equal(changed[[(epoch, row) for row in range(30)]].x, batch.x)


def test_flip_alone_moves_nothing():
    images = noise(40, 1, 4, 4)
    batch = TensorSet(images, SCALE, flip=True)[[(0, row) for row in range(40)]]
    mirrored = [torch.equal(batch.x[k], SCALE(images.x[k].flip(2))) for k in range(40)]
    same = [torch.equal(batch.x[k], SCALE(images.x[k])) for k in range(40)]
    assert all(a != b for a, b in zip(mirrored, same, strict=True))
    assert 10 < sum(mirrored) < 30


def test_features_pass_unchanged_and_are_not_moved():
    images = noise(4, 1, 4, 4)
    features = LabelledImages(torch.randn(4, 7), images.y, images.index)
    batch = TensorSet(features, SCALE)[[(0, 2), (0, 0)]]
    assert torch.equal(batch.x, features.x[[2, 0]])
    for options in ({"flip": True}, {"shift": 1}):
        with pytest.raises(ValueError, match=r"flip and shift need uint8 images, found torch.fl"):
            TensorSet(features, SCALE, **options)


def loader(images, p=2, k=3, **options):
    batches = PKBatches(classes_per_batch=p, samples_per_class=k)
    return tensor_loader(images, SCALE, batches=batches, seed=1, **options)


def test_the_loader_gives_p_classes_of_k_images():
    images = noise(60, 1, 4, 4, classes=5)
    batches = list(loader(images, shift=1, flip=True))
    assert len(batches) == 4 * 2  # 60 / (5 * 3) passes of 5 // 2 batches
    for batch in batches:
        counts = torch.unique(batch.y, return_counts=True)[1]
        assert counts.tolist() == [3, 3] and len(set(batch.index.tolist())) == 6
        assert torch.equal(batch.y, (batch.index // 10) % 5)


def test_a_resumed_loader_gives_the_tail():
    images = noise(60, 1, 4, 4, classes=5)
    later = loader(images, start=(2, 0))
    whole, tail = list(later), list(loader(images, start=(2, 3)))
    assert len(tail) == len(whole) - 3
    for one, other in zip(whole[3:], tail, strict=True):
        assert torch.equal(one.x, other.x) and torch.equal(one.index, other.index)


def test_fewer_classes_than_p_come_all_without_a_word():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        batches = list(loader(noise(12, 1, 4, 4, classes=2), p=8))
        single = list(loader(noise(12, 1, 4, 4, classes=1), p=8, alone=True))
    assert len(batches) == 2 and all(set(b.y.tolist()) == {0, 1} for b in batches)
    assert len(single) == 4 and all(b.y.tolist() == [0, 0, 0] for b in single)


def test_too_few_classes_or_images():
    one = noise(6, 1, 4, 4, classes=1)
    text = r"there are 1 class\(es\) .* needs two, or replay of earlier ones: raise data\.base_cl"
    with pytest.raises(DataError, match=text):
        loader(one)
    with pytest.raises(DataError, match=r"there are 0 class\(es\) .* needs one beside replay"):
        loader(noise(0, 1, 4, 4), alone=True)
    text = r"none of the 3 classes has two images, .*: raise data\.train_per_class"
    with pytest.raises(DataError, match=text):
        loader(noise(3, 1, 4, 4))
    with pytest.raises(DataError, match="none of the 1 classes has two images"):
        loader(noise(1, 1, 4, 4), alone=True)
