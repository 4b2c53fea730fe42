"""Which classes arrive when: sizes by a loop, the order from the seed, the images they bring."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from simlearn.data.errors import DataError
from simlearn.data.experiences import ClassOrder, experiences
from simlearn.data.labelled_images import ClassData, LabelledImages, PixelScale


def naive_sizes(classes, base, per):
    """Deal the classes one by one."""
    dealt, room = [0], per if base is None else base
    for _ in range(classes):
        if dealt[-1] == room:
            dealt.append(0)
            room = per
        dealt[-1] += 1
    return tuple(dealt)


@given(st.integers(2, 30), st.integers(1, 12), st.integers(1, 12) | st.none())
def test_sizes_equal_dealing_one_by_one(classes, per, base):
    order = ClassOrder(base_classes=base, classes_per_experience=per)
    if classes > (base or per):
        assert order.sizes(classes) == naive_sizes(classes, base, per)
    else:
        with pytest.raises(DataError, match="nothing is left to arrive later"):
            order.sizes(classes)


def test_the_setting_that_leaves_nothing_is_named():
    text = "data.base_classes is 5 and there are 5 classes, so that nothing is left to arrive"
    with pytest.raises(DataError, match=f"{text} later: lower data.base_classes"):
        ClassOrder(base_classes=5).sizes(5)
    with pytest.raises(DataError, match="data.classes_per_experience is 7 and there are 5 classes"):
        ClassOrder(classes_per_experience=7).sizes(5)


def test_sizes_of_the_usual_protocols():
    assert ClassOrder(classes_per_experience=10).sizes(100) == (10,) * 10
    assert ClassOrder(base_classes=50, classes_per_experience=5).sizes(100) == (50,) + (5,) * 10
    assert ClassOrder(base_classes=4, classes_per_experience=4).sizes(10) == (4, 4, 2)


@given(st.integers(0, 1000), st.integers(1, 40))
def test_a_drawn_order_is_a_permutation_that_the_seed_decides(seed, classes):
    order = ClassOrder().order(classes, seed=seed)
    assert sorted(order) == list(range(classes))
    assert order == ClassOrder(base_classes=3).order(classes, seed=seed)
    assert all(type(c) is int for c in order)


def test_seeds_draw_different_orders():
    assert len({ClassOrder().order(10, seed=seed) for seed in range(20)}) == 20


def test_a_given_order_may_leave_classes_out():
    assert ClassOrder(class_order=(4, 0, 2)).order(5, seed=1) == (4, 0, 2)
    for wrong in (5, -1):
        text = f"data.class_order names class {wrong}: the data have the classes 0 to 4"
        with pytest.raises(DataError, match=text):
            ClassOrder(class_order=(4, wrong)).order(5, seed=1)


def test_wrong_settings_are_named():
    for wrong in (0, -2):
        with pytest.raises(ValueError, match=f"data.base_classes is {wrong}, must be at least 1"):
            ClassOrder(base_classes=wrong)
        with pytest.raises(ValueError, match=f"data.classes_per_experience is {wrong}, must be"):
            ClassOrder(classes_per_experience=wrong)
    with pytest.raises(ValueError, match="data.class_order names class 7 twice"):
        ClassOrder(class_order=(1, 7, 3, 7))


def split(labels):
    n = len(labels)
    return LabelledImages(
        torch.arange(n, dtype=torch.uint8).reshape(n, 1, 1, 1),
        torch.tensor(labels, dtype=torch.int64),
        torch.arange(n),
    )


def data(train=(2, 0, 1, 4, 3, 0, 2, 1), test=(0, 1, 2, 3, 4)):
    names = ("ant", "bee", "cat", "dog", "emu")
    return ClassData({"train": split(train), "test": split(test)}, names, PixelScale(), "", {})


def test_each_experience_brings_the_images_of_its_classes():
    found = experiences(data(), (2, 2, 1), seed=5)
    assert [exp.number for exp in found] == [0, 1, 2]
    assert all((exp.count, exp.seed) == (3, 5) for exp in found)
    assert [(exp.old, exp.new) for exp in found] == [
        ((), (0, 1)),
        ((0, 1), (2, 3)),
        ((0, 1, 2, 3), (4,)),
    ]
    assert [exp.seen for exp in found] == [(0, 1), (0, 1, 2, 3), (0, 1, 2, 3, 4)]
    assert [exp.train.index.tolist() for exp in found] == [[1, 2, 5, 7], [0, 4, 6], [3]]
    assert [exp.train.y.tolist() for exp in found] == [[0, 1, 0, 1], [2, 3, 2], [4]]


def test_cumulative_experiences_bring_all_that_were_seen():
    found = experiences(data(), (2, 2, 1), seed=5, cumulative=True)
    assert [exp.new for exp in found] == [(0, 1), (2, 3), (4,)]
    assert [exp.train.index.tolist() for exp in found] == [
        [1, 2, 5, 7],
        [0, 1, 2, 4, 5, 6, 7],
        list(range(8)),
    ]


@given(st.lists(st.integers(1, 3), min_size=1, max_size=5))
def test_no_image_is_lost_or_comes_twice(sizes):
    labels = [label for label in range(sum(sizes)) for _ in range(1 + label % 3)]
    names = tuple(str(label) for label in range(sum(sizes)))
    some = ClassData({"train": split(labels), "test": split(labels)}, names, PixelScale(), "", {})
    found = experiences(some, sizes, seed=0)
    assert [len(exp.new) for exp in found] == sizes
    rows = [row for exp in found for row in exp.train.index.tolist()]
    assert sorted(rows) == list(range(len(labels)))
    for exp in found:
        assert set(exp.train.y.tolist()) == set(exp.new)


@pytest.mark.parametrize(("name", "given_"), [("train", {}), ("test", {"test": (0, 1, 2, 3)})])
def test_a_class_without_images_is_named(name, given_):
    some = data(**given_) if given_ else data(train=(0, 1, 2, 3))
    with pytest.raises(DataError, match=f"class 'emu' has no images in the {name} split"):
        experiences(some, (2, 2, 1), seed=0)
    assert len(experiences(data(), (2, 2), seed=0)) == 2


def test_batches_are_what_the_network_sees():
    exp = experiences(data(), (2, 3), seed=0)[1]
    parts = list(exp.batches(2))
    assert [len(y) for _, y in parts] == [2, 2]
    x, y = (torch.cat(column) for column in zip(*parts, strict=True))
    assert torch.equal(y, exp.train.y)
    assert x.flatten().tolist() == pytest.approx([(row / 255 - 0.5) / 0.5 for row in (0, 3, 4, 6)])


def test_what_is_drawn_depends_on_seed_purpose_and_experience_alone():
    def draw(exp, purpose):
        return tuple(torch.rand(2, generator=exp.generator(purpose)).tolist())

    first, second = experiences(data(), (2, 3), seed=0)
    other = experiences(data(), (2, 3), seed=1)[0]
    torch.manual_seed(3)
    draws = [draw(first, "bank"), draw(first, "fit"), draw(second, "bank"), draw(other, "bank")]
    assert len(set(draws)) == 4
    assert draw(experiences(data(), (2, 3), seed=0)[0], "bank") == draws[0]


def test_other_training_images_leave_the_rest():
    exp = experiences(data(), (2, 3), seed=0)[1]
    h = LabelledImages(torch.randn(4, 6), exp.train.y, exp.train.index)
    other = exp.with_train(h)
    assert other.train is h and exp.train.x.dtype == torch.uint8
    assert (other.number, other.old, other.new, other.scale) == (1, (0, 1), (2, 3, 4), exp.scale)
    assert torch.equal(next(iter(other.batches()))[0], h.x)
