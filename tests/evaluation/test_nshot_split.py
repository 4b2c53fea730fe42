"""Drawing support and queries: loops, brute force over all orders, and what must not matter."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from simlearn.data.randomness import torch_generator
from simlearn.evaluation.nshot_split import (
    draw_items,
    draw_split,
    identity_items,
    usable_labels,
)

SIZES = st.lists(st.integers(1, 4), min_size=2, max_size=5)  # items in each video
ROWS = st.lists(st.tuples(st.integers(-1, 3), st.integers(-2, 4)), min_size=1, max_size=25)


def videos_of(sizes):
    return torch.arange(len(sizes)).repeat_interleave(torch.tensor(sizes))


def naive_draw(video, n, generator):
    """Walk through the drawn videos and their drawn items until n are had."""
    place = torch.randperm(max(video) + 1, generator=generator).tolist()
    items = torch.randperm(len(video), generator=generator).tolist()
    support, used = [], set()
    for turn in range(len(place)):
        for i in items:
            if place[video[i]] == turn and len(support) < n:
                support.append(i)
                used.add(video[i])
    return support, [i for i in range(len(video)) if video[i] not in used]


@given(SIZES, st.integers(0, 10_000), st.data())
def test_draw_is_that_of_the_loop_and_keeps_the_rules(sizes, seed, data):
    video = videos_of(sizes)
    n = data.draw(st.integers(1, sum(sizes) - max(sizes)))
    support, query = draw_items(video, n, torch_generator(seed, "test"))
    assert (support.tolist(), query.tolist()) == naive_draw(
        video.tolist(), n, torch_generator(seed, "test")
    )
    used = set(video[support].tolist())
    assert len(support) == len(set(support.tolist())) == n
    assert len(query) >= 1 and used.isdisjoint(video[query].tolist())
    assert len(query) == sum(size for v, size in enumerate(sizes) if v not in used)
    for v in list(dict.fromkeys(video[support].tolist()))[:-1]:  # all but the last gave all it has
        assert int((video[support] == v).sum()) == sizes[v]


@given(SIZES, st.integers(0, 10_000))
def test_smaller_supports_are_parts_of_larger_ones(sizes, seed):
    video, spare = videos_of(sizes), sum(sizes) - max(sizes)
    whole, rest = draw_items(video, spare, torch_generator(seed, "test"))
    for n in range(1, spare):
        support, query = draw_items(video, n, torch_generator(seed, "test"))
        assert support.tolist() == whole[:n].tolist()
        assert set(rest.tolist()) <= set(query.tolist())


def test_every_order_of_videos_and_every_item_is_drawn_equally_often():
    video = videos_of([2, 3, 1])
    first, orders = Counter(), Counter()
    for seed in range(3000):
        support, _ = draw_items(video, 3, torch_generator(seed, "test"))
        orders[tuple(dict.fromkeys(video[support].tolist()))] += 1
        first[int(support[0])] += 1
    for item, share in {0: 1 / 6, 1: 1 / 6, 2: 1 / 9, 3: 1 / 9, 4: 1 / 9, 5: 1 / 3}.items():
        assert first[item] / 3000 == pytest.approx(share, abs=0.03)
    # 3 of the video of 3 end its draw; the others need a second video
    wanted = {(1,): 1 / 3, (0, 1): 1 / 6, (0, 2): 1 / 6, (2, 0): 1 / 6, (2, 1): 1 / 6}
    assert set(orders) == set(wanted)
    for order, share in wanted.items():
        assert orders[order] / 3000 == pytest.approx(share, abs=0.035)


@given(ROWS)
def test_items_are_those_of_the_loop(rows):
    y, group = torch.tensor(rows).T
    wanted = {}
    for label in sorted({label for label, _ in rows}):
        own = [i for i, row in enumerate(rows) if row[0] == label]
        alone = [i for i in own if rows[i][1] < 0]
        filmed = sorted((i for i in own if rows[i][1] >= 0), key=lambda i: (rows[i][1], i))
        names = [("video", rows[i][1]) for i in filmed] + [("alone", i) for i in alone]
        wanted[label] = (filmed + alone, [list(dict.fromkeys(names)).index(v) for v in names])
    found = identity_items(y, group)
    assert list(found) == list(wanted)
    assert {k: (v.rows.tolist(), v.video.tolist()) for k, v in found.items()} == wanted


@given(ROWS, st.integers(1, 6))
def test_usable_are_those_that_can_in_every_order_of_their_videos(rows, n):
    items = identity_items(*torch.tensor(rows).T)
    wanted = []
    for label, own in items.items():
        sizes = list(Counter(own.video.tolist()).values())
        many = len(sizes) > 6  # 7 videos hold 6 items or more outside any one of them
        if many or all(sum(order[:-1]) >= n for order in itertools.permutations(sizes)):
            wanted.append(label)
    assert usable_labels(items, n) == wanted


def test_a_label_is_drawn_alike_whoever_else_is_there():
    y, group = torch.arange(5).repeat_interleave(6), torch.arange(15).repeat_interleave(2)
    items = identity_items(y, group)
    every = draw_split(items, [0, 1, 2, 3, 4], n=3, seed=4, draw=2)
    two = draw_split(items, [1, 4], n=3, seed=4, draw=2)
    assert two.support.tolist() == every.support.reshape(5, 3)[[1, 4]].flatten().tolist()
    assert two.support_class.tolist() == [0, 0, 0, 1, 1, 1]
    assert y[every.query].tolist() == every.query_class.tolist()
    assert y[every.support].tolist() == every.support_class.tolist()
    kept = torch.isin(every.query_class, torch.tensor([1, 4]))
    assert two.query.tolist() == every.query[kept].tolist()
    for other in ({"seed": 5, "draw": 2}, {"seed": 4, "draw": 3}):
        assert draw_split(items, [1, 4], n=3, **other).support.tolist() != two.support.tolist()


@given(st.integers(0, 10_000), st.permutations(range(6)))
def test_order_of_whole_groups_does_not_matter(seed, order):
    y = torch.tensor([0, 0, 0, 1, 1, 1]).repeat_interleave(3)
    group = torch.tensor([4, 9, 2, 7, 5, 3]).repeat_interleave(3)
    rows = torch.cat([torch.arange(3 * k, 3 * k + 3) for k in order])
    one = draw_split(identity_items(y, group), [0, 1], n=4, seed=seed, draw=0)
    two = draw_split(identity_items(y[rows], group[rows]), [0, 1], n=4, seed=seed, draw=0)
    assert one.support.tolist() == rows[two.support].tolist()
    assert one.query.tolist() == rows[two.query].tolist()


def test_large_numbers_and_groups_numbered_anew_for_every_label():
    y = 2**62 + torch.tensor([0, 0, 1, 1])
    items = identity_items(y, 2**63 - 1 - torch.tensor([0, 1, 0, 1]))
    assert list(items) == [2**62, 2**62 + 1]
    assert [own.spare for own in items.values()] == [1, 1]


def test_without_an_item():
    none = torch.zeros(0, dtype=torch.int64)
    assert identity_items(none, none) == {}
    assert usable_labels({}, 1) == []


def test_labels_asked_for_are_sorted_once_and_checked():
    items = identity_items(torch.tensor([3, 3, 7, 7, 9]), torch.tensor([0, 1, 2, 3, 4]))
    assert usable_labels(items, 1, [7, 3, 7]) == [3, 7]
    assert usable_labels(items, 1, torch.tensor([7])) == [7]
    assert usable_labels(items, 1, []) == []
    with pytest.raises(ValueError, match="identities names 4, which is no label in y"):
        usable_labels(items, 1, [3, 4])
    with pytest.raises(
        ValueError,
        match=r"identity 9 cannot give n=1 support items: it has 0 outside its largest group\. "
        r"Leave it out of identities \(see nshot_identities\) or lower n",
    ):
        usable_labels(items, 1, [3, 9])
