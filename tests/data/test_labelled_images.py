"""Pixels to floats by a loop, and rows of classes by a list."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from simlearn.data.labelled_images import ClassData, LabelledImages, PixelScale


def images(labels, seed=0):
    """Noise of 2x3 pixels; the rows' numbers in the data set are not their places."""
    g = torch.Generator().manual_seed(seed)
    x = torch.randint(256, (len(labels), 1, 2, 3), generator=g, dtype=torch.uint8)
    return LabelledImages(x, torch.tensor(labels, dtype=torch.int64), torch.arange(len(labels)) + 7)


@given(st.floats(-2, 2), st.floats(0.01, 3))
def test_every_byte_equals_the_formula(mean, std):
    found = PixelScale(mean, std)(torch.arange(256, dtype=torch.uint8))
    assert found.dtype == torch.float32
    wanted = [(byte / 255 - mean) / std for byte in range(256)]
    assert found.tolist() == pytest.approx(wanted, abs=1e-5 * (1 + (1 + abs(mean)) / std))


def test_by_default_from_minus_one_to_one():
    found = PixelScale()(torch.tensor([[0, 51, 255]], dtype=torch.uint8))
    assert found.shape == (1, 3)
    assert found.tolist()[0] == pytest.approx([-1, -0.6, 1], abs=1e-6)


def test_the_bytes_stay_and_features_are_handed_through():
    x = torch.arange(6, dtype=torch.uint8)
    PixelScale(0.3, 0.2)(x)
    assert x.tolist() == list(range(6))
    features = torch.tensor([0.5, -3.0])
    assert PixelScale(0.3, 0.2)(features) is features
    assert features.tolist() == [0.5, -3.0]
    assert PixelScale()(torch.zeros(0, 1, 2, 2, dtype=torch.uint8)).shape == (0, 1, 2, 2)


@pytest.mark.parametrize("std", [0.0, -1.0, float("nan")])
def test_a_deviation_that_is_none(std):
    with pytest.raises(ValueError, match=f"std is {std}, must be above 0"):
        PixelScale(0.5, std)


LABELS = st.lists(st.integers(0, 4), max_size=12)


@given(LABELS, st.lists(st.integers(0, 6), max_size=4))
def test_rows_of_classes_in_the_order_of_the_data(labels, classes):
    data = images(labels)
    found = data.of(classes)
    wanted = [row for row, label in enumerate(labels) if label in classes]
    assert found.index.tolist() == [row + 7 for row in wanted]
    assert found.y.tolist() == [labels[row] for row in wanted]
    assert found.x.shape == (len(wanted), 1, 2, 3)
    assert all(torch.equal(x, data.x[row]) for x, row in zip(found.x, wanted, strict=True))


def test_rows_may_be_picked_in_any_order_and_twice():
    data = images([3, 1, 2])
    found = data.rows(torch.tensor([2, 0, 2]))
    assert (found.y.tolist(), found.index.tolist()) == ([2, 3, 2], [9, 7, 9])
    assert torch.equal(found.x, torch.stack([data.x[2], data.x[0], data.x[2]]))
    assert data.rows(torch.tensor([False, True, False])).y.tolist() == [1]


@given(LABELS, st.integers(1, 13))
def test_batches_are_all_rows_in_order(labels, size):
    data, scale = images(labels), PixelScale(0.1, 0.3)
    found = list(data.batches(scale, size))
    assert [len(y) for _, y in found[:-1]] == [size] * (len(found) - 1)
    assert sum(len(y) for _, y in found) == len(data) == len(labels)
    assert all(len(x) == len(y) > 0 for x, y in found)
    if labels:
        assert torch.equal(torch.cat([x for x, _ in found]), scale(data.x))
        assert torch.equal(torch.cat([y for _, y in found]), data.y)


def test_batches_of_features_are_the_features():
    h = torch.randn(3, 5)
    data = LabelledImages(h, torch.zeros(3, dtype=torch.int64), torch.arange(3))
    ((x, _),) = data.batches(PixelScale(0.1, 0.3))
    assert torch.equal(x, h)


@pytest.mark.parametrize(
    ("name", "wrong", "found"),
    [
        ("y", torch.zeros(2, dtype=torch.int64), r"torch.int64 of shape \(2,\)"),
        ("y", torch.zeros(3), r"torch.float32 of shape \(3,\)"),
        ("index", torch.zeros(3, 1, dtype=torch.int64), r"torch.int64 of shape \(3, 1\)"),
        ("index", torch.zeros(3, dtype=torch.int32), r"torch.int32 of shape \(3,\)"),
    ],
)
def test_what_does_not_belong_together_is_named(name, wrong, found):
    fields = {"y": torch.arange(3), "index": torch.arange(3), name: wrong}
    with pytest.raises(ValueError, match=rf"{name} must be int64 of shape \(3,\), found {found}"):
        LabelledImages(torch.zeros(3, 2), **fields)


def test_a_data_set_is_not_changed():
    data = ClassData({"train": images([0])}, ("cat",), PixelScale(), "abc", {"data": "test"})
    for thing, name in ((data, "names"), (data.splits["train"], "y"), (data.scale, "std")):
        with pytest.raises(AttributeError, match="cannot assign"):
            setattr(thing, name, None)
