"""Which images of each class are in which split."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from simlearn.data.class_split import class_fingerprint, in_order, split_classes
from simlearn.data.errors import DataError
from tests.data.class_images import images_of, raw_classes


def indices(images, label):
    return [int(i) for i, y in zip(images.index, images.y, strict=True) if int(y) == label]


@given(st.integers(0, 9), st.integers(1, 3), st.integers(0, 2), st.integers(1, 3))
def test_counts_and_disjointness(seed, train, val, test):
    raw = raw_classes()
    splits = split_classes(raw, (2, 0), train=train, val=val, test=test, seed=seed)
    for split, count in (("train", train), ("val", val), ("test", test)):
        images = splits[split]
        assert sorted(set(images.y.tolist())) == ([0, 2] if count else [])
        assert all(len(indices(images, c)) == count for c in (0, 2))
        assert images.index.tolist() == sorted(images.index.tolist())
        whole = raw.test if split == "test" else raw.train
        for place, index in enumerate(images.index.tolist()):
            assert torch.equal(images.x[place], whole.x[index])
            assert images.y[place] == whole.y[index]
    assert not set(splits["train"].index.tolist()) & set(splits["val"].index.tolist())


def test_all_images_where_nothing_is_asked():
    raw = raw_classes()
    splits = split_classes(raw, (0, 1, 2, 3))
    assert torch.equal(splits["train"].index, raw.train.index)
    assert torch.equal(splits["test"].x, raw.test.x)
    assert len(splits["val"]) == 0 and splits["val"].x.shape == (0, 1, 4, 4)
    left = split_classes(raw, (0, 1, 2, 3), val=2)
    assert len(left["val"]) == 8 and len(left["train"]) == len(raw.train) - 8


def test_more_images_include_the_fewer_and_other_classes_do_not_matter():
    raw = raw_classes()
    few = split_classes(raw, (1, 3), train=2, val=1, test=1)
    many = split_classes(raw, (3, 0, 1), train=3, val=2, test=2)
    for split in ("train", "val", "test"):
        for c in (1, 3):
            assert set(indices(few[split], c)) < set(indices(many[split], c))


def test_the_seed_draws_the_images():
    raw = raw_classes((30, 30), (30, 30))
    drawn = {
        seed: tuple(split_classes(raw, (0, 1), train=5, seed=seed)["train"].index.tolist())
        for seed in range(5)
    }
    assert len(set(drawn.values())) == 5
    assert drawn[3] == tuple(split_classes(raw, (1, 0), train=5, seed=3)["train"].index.tolist())


def test_too_few_images():
    raw = raw_classes()
    for asked, text in (
        ({"train": 4, "val": 2}, r"data\.train_per_class=4 and data\.val_per_class=2 need at "),
        ({"train": 4, "val": 2}, r"least 6 training images of each class, and class 'b' has 5"),
        ({"train": 9}, r"^data\.train_per_class=9 need at least 9 training .* class 'a' has 7"),
        ({"val": 5}, r"^data\.val_per_class=5 need at least 6 training .* class 'b' has 5: ask"),
        ({"test": 4}, r"^data\.test_per_class=4 need at least 4 test .* class 'a' has 3: ask for"),
    ):
        with pytest.raises(DataError, match=text):
            split_classes(raw, (0, 1), **asked)
    assert len(split_classes(raw, (0, 2), train=4, val=2)["train"]) == 8


def test_a_class_without_images():
    raw = raw_classes((4, 0, 4), (2, 2, 0))
    with pytest.raises(DataError, match=r"class 'b' has no training images.*data\.class_order"):
        split_classes(raw, (0, 1))
    with pytest.raises(DataError, match="class 'c' has no test images"):
        split_classes(raw, (0, 2))
    assert len(split_classes(raw, (0,))["train"]) == 4


@given(st.permutations(range(5)), st.integers(1, 5))
def test_labels_become_places_in_the_order(order, taking_part):
    order = order[:taking_part]
    images = images_of([c for c in (4, 0, 3, 3, 1, 2) if c in order])
    found = in_order(images, order)
    assert [order[place] for place in found.y.tolist()] == images.y.tolist()
    assert torch.equal(found.x, images.x) and torch.equal(found.index, images.index)


def test_the_fingerprint_depends_on_what_is_used_and_not_on_the_order():
    raw = raw_classes()
    base = class_fingerprint(split_classes(raw, (0, 1, 2)), raw.names)
    assert len(base) == 16 and set(base) <= set("0123456789abcdef")
    assert class_fingerprint(split_classes(raw, (2, 0, 1)), raw.names) == base
    pixel = raw_classes()
    pixel.test.x[0, 0, 0, 0] += 1
    names = ("a", "B", "c", "d")
    others = {
        class_fingerprint(split_classes(raw, (0, 1)), raw.names),
        class_fingerprint(split_classes(raw, (0, 1, 2), val=1), raw.names),
        class_fingerprint(split_classes(raw, (0, 1, 2), train=3), raw.names),
        class_fingerprint(split_classes(pixel, (0, 1, 2)), raw.names),
        class_fingerprint(split_classes(raw, (0, 1, 2)), names),
    }
    assert len(others | {base}) == 6
    unused = replace(raw, names=("a", "b", "c", "D"))
    assert class_fingerprint(split_classes(unused, (0, 1, 2)), unused.names) == base
