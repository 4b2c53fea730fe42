"""Data options of classes: labels are places in the order of arrival."""

from __future__ import annotations

import json

import pytest
import torch

from simlearn.data.class_source import ClassSource
from simlearn.data.errors import DataError
from simlearn.data.experiences import experiences
from tests.data.class_images import Made, raw_classes


def test_labels_follow_the_class_order():
    source = Made(class_order=(3, 0, 2), val_per_class=1, mean=0.25, std=0.5)
    data = source.open(seed=0)
    raw = raw_classes()
    assert data.names == ("d", "a", "c")
    for split, whole in (("train", raw.train), ("val", raw.train), ("test", raw.test)):
        images = data.splits[split]
        for place, index in enumerate(images.index.tolist()):
            assert torch.equal(images.x[place], whole.x[index])
            assert data.names[int(images.y[place])] == raw.names[int(whole.y[index])]
    assert torch.bincount(data.splits["train"].y).tolist() == [7, 6, 5]
    assert data.scale(torch.tensor([255], dtype=torch.uint8)).item() == 1.5
    assert data.facts == {
        "data": "Made",
        "class_order": ["d", "a", "c"],
        "split_sizes": {"train": 18, "val": 3, "test": 9},
        "train_per_class": None,
        "val_per_class": 1,
        "test_per_class": None,
        "split_seed": 0,
        "mean": 0.25,
        "std": 0.5,
    }
    assert json.loads(json.dumps(data.facts)) == data.facts


def test_the_run_draws_the_order_and_not_the_images():
    opened = [Made(train_per_class=3).open(seed=seed) for seed in range(8)]
    assert len({data.names for data in opened}) > 4
    assert len({data.fingerprint for data in opened}) == 1
    fixed = [Made(order_seed=5).open(seed=seed).names for seed in range(3)]
    assert set(fixed) == {Made().open(seed=5).names}
    other = Made(train_per_class=3, split_seed=1).open(seed=0)
    assert other.names == opened[0].names and other.fingerprint != opened[0].fingerprint


def test_experiences_over_an_option():
    source = Made(base_classes=2, classes_per_experience=1, class_order=(2, 1, 0, 3))
    data = source.open(seed=0)
    found = experiences(data, source.sizes(len(data.names)), seed=0)
    assert [exp.new for exp in found] == [(0, 1), (2,), (3,)]
    assert [len(exp.train) for exp in found] == [6 + 5, 7, 8]


def test_orders_and_classes_that_do_not_fit():
    with pytest.raises(DataError, match=r"data\.class_order names class 4: .* classes 0 to 3"):
        Made(class_order=(0, 4)).open(seed=0)
    with pytest.raises(DataError, match="class 'b' has no training images"):
        Made(train=(2, 0, 2, 2)).open(seed=0)
    assert Made(train=(2, 0, 2, 2), class_order=(0, 2)).open(seed=0).names == ("a", "c")
    with pytest.raises(DataError, match=r"data\.train_per_class=6 need .* class 'b' has 5"):
        Made(train_per_class=6).open(seed=0)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"train_per_class": 0}, r"data\.train_per_class is 0, must be at least 1"),
        ({"test_per_class": -1}, r"data\.test_per_class is -1, must be at least 1"),
        ({"val_per_class": -1}, r"data\.val_per_class is -1, must be at least 0"),
        ({"shift": -2}, r"data\.shift is -2, must be at least 0"),
        ({"std": 0.0}, r"data\.std is 0.0, must be above 0"),
        ({"std": float("nan")}, r"data\.std is nan, must be above 0"),
        ({"base_classes": 0}, r"data\.base_classes is 0"),
        ({"class_order": (1, 2, 1)}, r"names class 1 twice"),
    ],
)
def test_arguments_out_of_range(arguments, text):
    with pytest.raises(ValueError, match=text):
        Made(**arguments)


def test_an_option_says_how_it_is_read():
    with pytest.raises(TypeError, match="abstract"):
        ClassSource()
