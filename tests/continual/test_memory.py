"""The exemplar memory against a dictionary of lists: shares, bytes, draws, what it refuses."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from simlearn.continual.memory import ExemplarMemory


def images(label, n, shape=(1, 2, 2)):
    """Bytes of which the first names the class and the second the rank in its order."""
    x = torch.zeros(n, *shape, dtype=torch.uint8)
    x.flatten(1)[:, 0], x.flatten(1)[:, 1] = label, torch.arange(n)
    return x


def filled(*sizes, **budget):
    memory = ExemplarMemory(**budget)
    memory.add([images(label, n) for label, n in enumerate(sizes)])
    return memory


@given(st.lists(st.lists(st.integers(1, 12), min_size=1, max_size=3), max_size=5))
def test_shares_and_tails(stream):
    """Experiences of classes with so many images each, under a budget of 20."""
    memory, has = ExemplarMemory(exemplars=20), []
    for sizes in stream:
        memory.add([images(len(has) + k, n) for k, n in enumerate(sizes)])
        has += sizes
        share = 20 // len(has)
        has = [min(n, share) for n in has]
        assert [len(x) for x in memory.images] == has
        assert len(memory) == sum(has) <= 20
        for label, x in enumerate(memory.images):  # the first of the order, in their order
            assert x.flatten(1)[:, 0].unique().tolist() == [label]
            assert x.flatten(1)[:, 1].tolist() == list(range(has[label]))
        assert memory.bytes() == 4 * sum(has)


def test_what_a_small_class_leaves_over_is_not_given_to_others():
    memory = filled(2, 50, exemplars=20)
    assert [len(x) for x in memory.images] == [2, 10]


def test_a_truncated_class_holds_no_more_storage_than_its_images():
    memory = filled(50, exemplars=20)
    assert memory.images[0].untyped_storage().nbytes() == memory.bytes() == 20 * 4


@given(st.integers(8, 200), st.integers(1, 2))
def test_bytes_are_those_of_what_fits(budget, classes):
    memory = filled(*[99] * classes, budget_bytes=budget)
    share = budget // 4 // classes
    assert [len(x) for x in memory.images] == [share] * classes
    assert memory.bytes() == 4 * share * classes <= budget
    assert sum(x.numel() for x in memory.state_dict()["images"]) == memory.bytes()


@pytest.mark.parametrize(
    ("budget", "message"),
    [
        (
            {"exemplars": 3},
            r"strategy.exemplars is 3: 3 exemplars are fewer than one for each of 4 classes. "
            "Use 4 or more, or fewer classes",
        ),
        (
            {"budget_bytes": 15},
            r"strategy.budget_bytes is 15: 3 exemplars of 4 bytes are fewer than one for each of "
            "4 classes. Use 16 or more",
        ),
    ],
)
def test_a_budget_that_is_too_small_is_refused_before_anything_is_dropped(budget, message):
    memory = filled(5, 5, 5, **budget)
    before = [x.clone() for x in memory.images]
    with pytest.raises(ValueError, match=message):
        memory.add([images(3, 5)])
    assert all(torch.equal(a, b) for a, b in zip(before, memory.images, strict=True))
    with pytest.raises(ValueError, match="for each of 4 classes"):
        memory.per_class(4, images(0, 1)[0])
    assert memory.per_class(3, images(0, 1)[0]) == 1


def test_a_draw_without_replacement_where_there_are_enough():
    memory = filled(6, 6, 6, exemplars=18)
    x, y = memory.draw([2, 0], 6, generator=torch.Generator().manual_seed(0))
    assert y.tolist() == [2] * 6 + [0] * 6 and x.dtype == torch.uint8
    assert x.flatten(1)[:, 0].tolist() == y.tolist()
    for rows in x.flatten(1)[:, 1].split(6):
        assert sorted(rows.tolist()) == list(range(6)) != rows.tolist()


@pytest.mark.parametrize(("have", "per_class"), [(4, 2), (4, 9)])
def test_draws_are_uniform(have, per_class):
    memory, g = filled(have, exemplars=have), torch.Generator().manual_seed(1)
    counts = Counter()
    for _ in range(600):
        x, y = memory.draw([0], per_class, generator=g)
        assert len(x) == len(y) == per_class
        counts.update(x.flatten(1)[:, 1].tolist())
    expected = 600 * per_class / have
    assert max(abs(counts[i] - expected) for i in range(have)) < 4 * expected**0.5


def test_draws_depend_on_the_generator_alone():
    memory = filled(9, 9, exemplars=18)
    draws = [
        memory.draw([0, 1], 4, generator=torch.Generator().manual_seed(seed))[0]
        for seed in (5, 5, 6)
    ]
    assert torch.equal(draws[0], draws[1]) and not torch.equal(draws[0], draws[2])


def test_state_goes_through():
    memory, other = filled(3, 9, exemplars=8), ExemplarMemory(exemplars=8)
    other.load_state_dict(memory.state_dict())
    assert other.classes == (0, 1)
    assert all(torch.equal(a, b) for a, b in zip(memory.images, other.images, strict=True))
    other.add([images(2, 9)])
    assert [len(x) for x in other.images] == [2, 2, 2]
    assert [len(x) for x in memory.images] == [3, 4], "the state is not shared"


def test_empty():
    memory = ExemplarMemory(exemplars=3)
    memory.add([])
    assert (memory.classes, len(memory), memory.bytes()) == ((), 0, 0)
    assert memory.state_dict() == {"images": []}


def test_errors():
    for both in ({}, {"exemplars": 1, "budget_bytes": 1}):
        with pytest.raises(ValueError, match="give exactly one"):
            ExemplarMemory(**both)
    with pytest.raises(ValueError, match="strategy.exemplars is 0, must be at least 1"):
        ExemplarMemory(exemplars=0)
    with pytest.raises(ValueError, match="strategy.budget_bytes is -1, must be at least 1"):
        ExemplarMemory(budget_bytes=-1)
    memory = filled(2, exemplars=4)
    for bad in (images(1, 0), images(1, 2, (1, 2, 3)), images(1, 2).float()):
        with pytest.raises(ValueError, match=r"class 1 brings .* at least one torch.uint8 of"):
            memory.add([bad])
        assert len(memory) == 2
    g = torch.Generator()
    with pytest.raises(ValueError, match=r"classes \[1\]: the memory has 1 classes"):
        memory.draw([1], 2, generator=g)
    with pytest.raises(ValueError, match=r"classes \[\]"):
        memory.draw([], 2, generator=g)
