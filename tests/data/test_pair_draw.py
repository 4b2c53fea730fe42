"""Drawn pairs: what every draw keeps to, how many there are, what is refused."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.data.errors import DataError
from simlearn.data.pair_draw import draw_video_pairs, most_folds
from simlearn.data.splits import fold_of_identity
from simlearn.data.video import Video
from simlearn.data.video_pair import VideoPair, check_pairs, subject_of


def videos(numbers):
    """``numbers[k]`` videos of person k."""
    return [
        Video(f"P{k}", f"P{k}/{number}", ("x.jpg",))
        for k, count in enumerate(numbers)
        for number in range(count)
    ]


def kinds(pairs, fold):
    """Numbers of same and of different pairs of a fold."""
    own = Counter(p.same for p in pairs if p.fold == fold)
    return own[True], own[False]


@given(
    st.lists(st.integers(1, 4), min_size=4, max_size=14),
    st.integers(2, 5),
    st.integers(2, 30),
    st.integers(0, 5),
)
def test_what_every_draw_keeps_to(numbers, folds, most, seed):
    given_videos = videos(numbers)
    folds = most_folds(given_videos, folds)
    if not folds:
        with pytest.raises(DataError, match="no number of folds works"):
            draw_video_pairs(given_videos, folds=2, pairs_per_fold=most, seed=seed)
        return
    pairs = draw_video_pairs(given_videos, folds=folds, pairs_per_fold=most, seed=seed)
    check_pairs(pairs, given_videos)
    assert [p.fold for p in pairs] == sorted(p.fold for p in pairs)
    assert {p.fold for p in pairs} == set(range(folds))
    fold_of_identity(pairs)  # refuses a person in two folds
    assert len({frozenset((p.first, p.second)) for p in pairs}) == len(pairs)
    assert all(p.first != p.second for p in pairs)
    assert all(p.same == (subject_of(p.first) == subject_of(p.second)) for p in pairs)
    for fold in range(folds):
        same, different = kinds(pairs, fold)
        assert 1 <= same == different <= most // 2


@given(st.lists(st.integers(1, 3), max_size=6), st.integers(2, 4))
def test_most_folds_by_trying_every_assignment(numbers, folds):
    def good(own):
        return len(own) >= 2 and max(own) >= 2

    def works(number):
        return any(
            all(good([n for n, at in zip(numbers, places, strict=True) if at == k]) for k in fs)
            for fs in [range(number)]
            for places in itertools.product(fs, repeat=len(numbers))
        )

    best = max([number for number in range(2, folds + 1) if works(number)], default=0)
    assert most_folds(videos(numbers), folds) == best


def test_as_many_as_there_are():
    # two folds of two people with three videos each: 6 same pairs, 9 different ones
    pairs = draw_video_pairs(videos([3] * 4), folds=2, pairs_per_fold=100, seed=0)
    assert [kinds(pairs, fold) for fold in (0, 1)] == [(6, 6), (6, 6)]
    for fold in (0, 1):
        people = {subject_of(p.first) for p in pairs if p.fold == fold}
        every = {
            (f"{who}/{a}", f"{who}/{b}")
            for who in people
            for a, b in itertools.combinations(range(3), 2)
        }
        assert {(p.first, p.second) for p in pairs if p.fold == fold and p.same} == every
    # the different ones are the rarer kind: 1 + 1 videos beside 2 x 45 pairs of ten
    pairs = draw_video_pairs(videos([10, 1, 10, 1]), folds=2, pairs_per_fold=400, seed=0)
    assert [kinds(pairs, fold) for fold in (0, 1)] == [(10, 10), (10, 10)]


@pytest.mark.parametrize(("most", "half"), [(2, 1), (3, 1), (10, 5), (11, 5)])
def test_at_most_half_of_each(most, half):
    pairs = draw_video_pairs(videos([4] * 8), folds=2, pairs_per_fold=most, seed=3)
    assert [kinds(pairs, fold) for fold in (0, 1)] == [(half, half)] * 2
    assert [p.same for p in pairs] == ([True] * half + [False] * half) * 2


def test_people_are_dealt_evenly_those_with_several_videos_first():
    pairs = draw_video_pairs(videos([2] * 7 + [1] * 8), folds=3, pairs_per_fold=1000, seed=1)
    same = [sum(p.same for p in pairs if p.fold == fold) for fold in range(3)]
    assert sorted(same) == [2, 2, 3]
    assert most_folds(videos([2] * 7 + [1] * 8), 10) == 7


@given(st.integers(0, 10))
def test_a_function_of_the_seed_and_the_names_alone(seed):
    own = videos([3, 1, 2, 5, 2, 2, 1, 4])
    pairs = draw_video_pairs(own, folds=3, pairs_per_fold=8, seed=seed)
    shuffled = random.Random(seed).sample(own, len(own))
    assert draw_video_pairs(shuffled, folds=3, pairs_per_fold=8, seed=seed) == pairs
    assert draw_video_pairs(own, folds=3, pairs_per_fold=8, seed=seed + 1) != pairs


def test_a_known_draw_stays():
    assert draw_video_pairs(videos([2, 2, 1, 1]), folds=2, pairs_per_fold=4, seed=0) == [
        VideoPair(0, "P1/0", "P1/1", True),
        VideoPair(0, "P1/1", "P2/0", False),
        VideoPair(1, "P0/0", "P0/1", True),
        VideoPair(1, "P0/0", "P3/0", False),
    ]


def test_every_pair_is_drawn_as_often():
    own = videos([3, 2, 3, 2])  # in a fold of P0 and P1: 4 same pairs, 6 different ones
    drawn = Counter(
        (p.first, p.second)
        for seed in range(1200)
        for p in draw_video_pairs(own, folds=2, pairs_per_fold=2, seed=seed)
    )
    every = list(itertools.combinations([v.name for v in own], 2))
    assert set(drawn) == set(every)
    assert len(every) == comb(10, 2)
    # two people share a fold in a third of the draws; P0's three pairs are 3 of 4 with P1 or P3
    # there and 3 of 6 with P2: two thirds of all draws take one of them
    for other in (("P0/0", "P0/1"), ("P0/0", "P0/2"), ("P0/1", "P0/2"), ("P2/0", "P2/1")):
        assert abs(drawn[other] - 1200 * 2 / 9) < 60
    with_p1 = [drawn[f"P0/{a}", f"P1/{b}"] for a in range(3) for b in range(2)]
    assert abs(sum(with_p1) - 400) < 60
    assert max(with_p1) - min(with_p1) < 50


def test_many_videos_of_one_person_need_no_list_of_all_pairs():
    own = videos([20_000, 20_000, 1, 1])  # 4e8 couples
    pairs = draw_video_pairs(own, folds=2, pairs_per_fold=20, seed=0)
    assert [kinds(pairs, fold) for fold in (0, 1)] == [(10, 10), (10, 10)]
    assert len({p.first for p in pairs if p.same}) == 20


@pytest.mark.parametrize(
    ("numbers", "folds", "message"),
    [
        ([2, 2, 2, 1], 3, r"3 folds need 6 identities, 3 of them with two videos; there are 4, 3 "),
        ([2, 2, 2, 1], 3, r"two videos: lower the folds to 2, or add identities and videos \(a "),
        ([5, 5, 1, 1, 1, 1], 3, "there are 6, 2 of them with two videos: lower the folds to 2"),
        ([9, 1, 1, 1, 1], 2, "there are 5, 1 of them with two videos: no number of folds works;"),
        ([1] * 9, 2, "there are 9, 0 of them with two videos: no number of folds works; add"),
        ([2, 2, 2], 2, "2 folds need 4 identities, 2 of them .*; there are 3, 3 of them"),
        ([], 10, "10 folds need 20 identities, 10 of them with two videos; there are 0, 0 of"),
    ],
)
def test_too_few_people(numbers, folds, message):
    with pytest.raises(DataError, match=message):
        draw_video_pairs(videos(numbers), folds=folds, pairs_per_fold=10, seed=0)


@pytest.mark.parametrize(
    ("folds", "most", "message"),
    [
        (1, 10, "^folds is 1, must be at least 2$"),
        (-2, 10, "^folds is -2, must be at least 2$"),
        (2, 1, "^pairs_per_fold is 1, must be at least 2$"),
    ],
)
def test_numbers_out_of_range(folds, most, message):
    with pytest.raises(ValueError, match=message):
        draw_video_pairs(videos([2] * 4), folds=folds, pairs_per_fold=most, seed=0)


def test_a_video_that_is_there_twice():
    own = [*videos([2] * 4), Video("P0", "P0/1", ("x.jpg",))]
    with pytest.raises(DataError, match="^video P0/1 is there twice; names of videos must be uni"):
        draw_video_pairs(own, folds=2, pairs_per_fold=2, seed=0)
    with pytest.raises(DataError, match="^video P0/1 is there twice"):
        most_folds(own, 2)


def test_one_fold_is_no_number_of_folds():
    assert most_folds(videos([2, 2]), 10) == 0
    assert most_folds(videos([2] * 4), 1) == 0
    assert most_folds([], 10) == 0
