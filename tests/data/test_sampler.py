"""P x K batches: exact sizes, different videos first, and an order that can be taken up again."""

from __future__ import annotations

import warnings
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.data.errors import DataError
from simlearn.data.sampler import (
    PKBatches,
    PKSampler,
    SequentialBatches,
    draw_class,
    share_of,
)

# per class the number of rows of each of its videos; the first two classes have two rows
SIZES = st.lists(st.lists(st.integers(1, 4), min_size=1, max_size=5), min_size=1, max_size=7).map(
    lambda rest: [[1, 1], *rest]
)


def rows_of(sizes):
    """Labels and groups of rows in a shuffled order, groups numbered over all classes."""
    labels, groups, group = [], [], 0
    for label, videos in enumerate(sizes):
        for count in videos:
            labels += [7 * label + 3] * count
            groups += [group] * count
            group += 1
    order = np.random.default_rng(len(labels)).permutation(len(labels))
    return np.array(labels)[order], np.array(groups)[order]


def sampler(sizes, p=3, k=4, seed=0, **options):
    labels, groups = rows_of(sizes)
    batches = PKBatches(classes_per_batch=p, samples_per_class=k)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return PKSampler(labels, groups, batches=batches, seed=seed, **options), labels, groups


EVEN = [[2, 2, 2]] * 9


@settings(max_examples=60)
@given(SIZES, st.integers(2, 5), st.integers(2, 6), st.integers(0, 5), st.integers(0, 3))
def test_batches_of_any_data(sizes, p, k, seed, epoch):
    pk, labels, groups = sampler(sizes, p, k, seed, epoch=epoch)
    batches = list(pk)
    assert len(batches) == len(pk) > 0
    for batch in batches:
        assert {e for e, _ in batch} == {epoch}
        rows = [row for _, row in batch]
        assert len(set(rows)) == len(rows)
        classes = Counter(labels[rows].tolist())
        assert len(classes) == min(p, len(sizes))
        for label, count in classes.items():
            own = sizes[(label - 3) // 7]
            assert count == min(k, sum(own))
            videos = {int(groups[r]) for r in rows if labels[r] == label}
            assert len(videos) == min(k, len(own))


@given(
    st.dictionaries(st.integers(0, 99), st.integers(1, 5), min_size=1, max_size=6),
    st.integers(1, 12),
    st.integers(0, 9),
)
def test_a_class_gives_its_videos_in_turn(counts, k, seed):
    numbers = iter(range(1000))
    groups = {v: np.array([next(numbers) for _ in range(n)]) for v, n in counts.items()}
    drawn = draw_class(groups, k, np.random.default_rng(seed))
    assert len(drawn) == len(set(drawn)) == min(k, sum(counts.values()))
    video = {int(row): v for v, rows in groups.items() for row in rows}
    taken = Counter(video[row] for row in drawn)
    most = max(taken.values())
    assert all(taken[v] >= min(most - 1, n) for v, n in counts.items())


def test_every_row_and_every_pair_of_videos_is_drawn():
    groups = {v: np.arange(3 * v, 3 * v + 3) for v in range(4)}
    generator = np.random.default_rng(0)
    draws = [draw_class(groups, 2, generator) for _ in range(600)]
    assert set(np.ravel(draws).tolist()) == set(range(12))
    pairs = Counter(frozenset(row // 3 for row in draw) for draw in draws)
    assert len(pairs) == 6 and min(pairs.values()) > 60


def test_rows_without_a_group_are_drawn_evenly():
    rows = np.arange(20, 25)
    generator = np.random.default_rng(0)
    draws = [draw_class({-1: rows}, 2, generator) for _ in range(800)]
    assert all(type(row) is int for row in draws[0])
    pairs = Counter(frozenset(draw) for draw in draws)
    assert len(pairs) == 10 and min(pairs.values()) > 50
    firsts = Counter(draw[0] for draw in draws)
    assert set(firsts) == set(rows.tolist()) and min(firsts.values()) > 120
    assert sorted(draw_class({-1: rows}, 9, generator)) == rows.tolist()


@given(st.integers(0, 9), st.integers(1, 6))
def test_one_video_is_drawn_as_ever(seed, k):
    rows = np.arange(3, 9)
    g = np.random.default_rng(seed)
    g.permutation([5])  # of the videos
    expected = g.permutation(rows)[:k].tolist()
    assert draw_class({5: rows}, k, np.random.default_rng(seed)) == expected


def test_p_classes_of_k_rows():
    pk, labels, _ = sampler(EVEN, 4, 3)
    assert (pk.p, pk.k, pk.short_classes) == (4, 3, 0)
    for batch in pk:
        assert sorted(Counter(labels[[r for _, r in batch]].tolist()).values()) == [3, 3, 3, 3]


def test_classes_with_too_few_rows_are_counted():
    pk, labels, _ = sampler([[1], [2], [1, 1, 1], [4], [5, 5]], 5, 4)
    assert pk.short_classes == 3
    counts = Counter(labels[[r for _, r in next(iter(pk))]].tolist())
    assert [counts[label] for label in (3, 10, 17, 24, 31)] == [1, 2, 3, 4, 4]


def test_the_order_is_a_function_of_seed_and_epoch():
    pk, *_ = sampler(EVEN, seed=4, epoch=2)
    first = list(pk)
    assert list(pk) == first
    assert list(sampler(EVEN, seed=4, epoch=2)[0]) == first
    rows = [[r for _, r in batch] for batch in first]
    for seed, epoch in ((5, 2), (4, 3), (4, 0)):
        other = [[r for _, r in b] for b in sampler(EVEN, seed=seed, epoch=epoch)[0]]
        assert other != rows and len(other) == len(rows)


@given(st.integers(0, 8), st.integers(0, 3))
def test_starting_later_gives_the_tail(start, epoch):
    whole = list(sampler(EVEN, epoch=epoch)[0])
    tail, *_ = sampler(EVEN, epoch=epoch, start=start)
    assert list(tail) == whole[start:]
    assert len(tail) == len(whole) == 6


def test_going_through_the_epochs():
    epochs = [list(sampler(EVEN, epoch=e)[0]) for e in range(3)]
    pk, *_ = sampler(EVEN, epoch=1, start=2)
    pk.set_epoch(1)  # the trainer says so before the epoch that is taken up again
    assert list(pk) == epochs[1][2:]
    pk.set_epoch(2)
    assert list(pk) == epochs[2]
    pk.set_epoch(1)
    assert list(pk) == epochs[1]
    pk.set_epoch(0)
    assert list(pk) == epochs[0]


def test_every_class_comes_about_equally_often():
    sizes = [[4, 4]] * 10 + [[1, 1]]  # 11 classes, 4 a batch: 3 are left out of each pass
    pk, labels, _ = sampler(sizes, 4, 2)
    assert pk.passes == round(82 / 22) == 4
    counts = Counter()
    for epoch in range(60):
        pk.set_epoch(epoch)
        for batch in pk:
            counts.update(set(labels[[r for _, r in batch]].tolist()))
    expected = 60 * 4 * 8 / 11
    assert len(counts) == 11
    assert all(abs(n - expected) < 0.15 * expected for n in counts.values())


def test_one_pass_takes_no_class_twice():
    pk, labels, _ = sampler([[2, 2]] * 12, 3, 4)
    assert pk.passes == 1 and len(pk) == 4
    seen = [c for b in pk for c in set(labels[[r for _, r in b]].tolist())]
    assert sorted(seen) == sorted(set(labels.tolist()))


def test_an_epoch_looks_at_about_as_many_samples_as_there_are():
    for sizes, p, k in ((EVEN, 3, 2), ([[9, 9]] * 6, 2, 4), ([[1, 1]] * 8, 4, 4)):
        pk, labels, _ = sampler(sizes, p, k)
        seen = sum(len(batch) for batch in pk)
        assert abs(seen - len(labels)) <= max(len(sizes) * k / 2, len(labels) * 0.3)


def test_fewer_classes_than_wanted_are_said():
    labels, groups = rows_of([[2, 2], [2, 2], [1, 1]])
    with pytest.warns(UserWarning, match=r"sampler\.classes_per_batch is 8 .* has 3 classes"):
        pk = PKSampler(labels, groups, batches=PKBatches(), seed=0)
    assert pk.p == 3
    assert all(len(set(labels[[r for _, r in b]].tolist())) == 3 for b in pk)


def test_one_identity_only():
    with pytest.raises(DataError, match=r"the training split has 1 identity.*data\.split"):
        sampler([[2, 2]])
    with pytest.raises(DataError, match=r"has 0 identity.*at least two"):
        PKSampler(np.zeros(0, int), np.zeros(0, int), batches=PKBatches(), seed=0)


def test_one_class_alone_where_that_is_wanted():
    batches = PKBatches(classes_per_batch=4, samples_per_class=3)
    labels, groups = np.full(9, 6), np.full(9, -1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pk = PKSampler(labels, groups, batches=batches, seed=0, alone=True)
    assert (pk.p, len(pk)) == (1, 3)
    assert all(len({row for _, row in batch}) == 3 for batch in pk)
    whole = list(sampler(EVEN)[0])
    assert list(sampler(EVEN, alone=True)[0]) == whole
    with pytest.raises(DataError, match="has 0 identity"):
        PKSampler(labels[:0], groups[:0], batches=batches, seed=0, alone=True)
    with pytest.raises(DataError, match=r"none of the 1 identities .* has two clips"):
        PKSampler(labels[:1], groups[:1], batches=batches, seed=0, alone=True)


def test_no_positive_pair():
    with pytest.raises(DataError, match=r"none of the 3 identities .* has two clips.*data\.frames"):
        sampler([[1], [1], [1]])
    assert len(sampler([[1], [1], [2]])[0]) == 1


@given(st.integers(0, 50), st.integers(1, 12))
def test_shares_hold_every_item_once_and_are_even(items, world):
    shares = [list(range(items))[share_of(items, rank, world)] for rank in range(world)]
    assert [item for share in shares for item in share] == list(range(items))
    sizes = [len(share) for share in shares]
    assert max(sizes) - min(sizes) <= 1 and sizes == sorted(sizes, reverse=True)


@settings(max_examples=40)
@given(SIZES, st.integers(1, 4), st.integers(0, 2), st.integers(0, 3))
def test_processes_share_the_batches_of_one(sizes, world, epoch, start):
    whole, labels, groups = sampler(sizes, 4, 4, seed=5, epoch=epoch, start=start)
    batches = PKBatches(classes_per_batch=4, samples_per_class=4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        smallest = sum(sorted(min(4, sum(videos)) for videos in sizes)[: min(4, len(sizes))])
        options = {"batches": batches, "seed": 5, "epoch": epoch, "start": start, "world": world}
        assert world <= smallest
        parts = [PKSampler(labels, groups, rank=r, **options) for r in range(world)]
    assert all(len(part) == len(whole) for part in parts)
    for batch, *shares in zip(whole, *parts, strict=True):
        assert [key for share in shares for key in share] == batch
        assert all(shares)


def test_more_processes_than_samples():
    text = r"trainer\.devices is 6 and a batch may hold only 5 clips: use fewer devices or raise"
    with pytest.raises(DataError, match=text):
        sampler([[1], [2], [2], [9]], 3, 2, world=6)
    assert sampler([[1], [2], [2], [9]], 3, 2, world=5)[0].world == 5


@pytest.mark.parametrize("name", ["classes_per_batch", "samples_per_class"])
@pytest.mark.parametrize("value", [1, 0, -3])
def test_p_and_k_below_two(name, value):
    with pytest.raises(ValueError, match=rf"sampler\.{name} is {value}: .* at least 2 classes"):
        PKBatches(**{name: value})


@given(st.integers(0, 40), st.integers(1, 12))
def test_sequential_batches(n, size):
    batches = list(SequentialBatches(n, size))
    assert len(SequentialBatches(n, size)) == len(batches)
    assert [key for batch in batches for key in batch] == [(0, row) for row in range(n)]
    assert all(len(batch) == size for batch in batches[:-1])
    assert all(1 <= len(batch) <= size for batch in batches)
