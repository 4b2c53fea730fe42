"""Pairs of videos drawn for verification, in folds that share no person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from simlearn.data.errors import DataError
from simlearn.data.randomness import numpy_generator
from simlearn.data.video import Video
from simlearn.data.video_pair import VideoPair

_Numbers = np.ndarray[Any, np.dtype[np.int64]]


def most_folds(videos: Sequence[Video], folds: int) -> int:
    """The largest number of folds, at most ``folds``, for which pairs can be drawn.

    A fold needs two identities, one of them with two videos.

    Returns:
        A number from 2 to ``folds``, or 0 where fewer than two folds are possible.

    Raises:
        DataError: two videos have one name.
    """
    numbers = [len(names) for names in _names_by_identity(videos).values()]
    found = min(folds, len(numbers) // 2, sum(number > 1 for number in numbers))
    return found if found >= 2 else 0


def draw_video_pairs(
    videos: Sequence[Video], *, folds: int = 10, pairs_per_fold: int, seed: int
) -> list[VideoPair]:
    """Same and different pairs among the videos, in identity-disjoint folds.

    Identities are dealt to the folds in random order, those with two videos or more first, so
    that each fold gets its share of them and the numbers of identities differ by one at most.
    In a fold the same pairs are drawn from all pairs of two videos of one identity, the different
    ones from all pairs of videos of two identities, each uniformly without repetition. Every fold
    has as many same as different pairs: ``pairs_per_fold // 2`` of each, or as many as there are
    of the rarer kind. The draw is a function of (seed, "pairs") and the names, not of the order of
    ``videos``. Memory: about 50 x ``pairs_per_fold`` numbers at most, however many pairs exist.

    Args:
        videos: to draw from, such as those of the test split.
        folds: number of folds, at least 2.
        pairs_per_fold: largest number of pairs in a fold, at least 2.
        seed: of the draw.

    Returns:
        Pairs fold after fold (from 0), the same ones first, no pair of videos twice.

    Raises:
        ValueError: ``folds`` or ``pairs_per_fold`` below 2.
        DataError: too few identities, or too few with two videos, for that many folds, with the
            number of folds that is possible; or two videos of one name.
    """
    for name, value in (("folds", folds), ("pairs_per_fold", pairs_per_fold)):
        if value < 2:
            raise ValueError(f"{name} is {value}, must be at least 2")
    names = _names_by_identity(videos)
    _check_enough(names, folds, most_folds(videos, folds))
    generator = numpy_generator(seed, "pairs")
    pairs: list[VideoPair] = []
    for fold, members in enumerate(_deal(names, folds, generator)):
        people = [names[identity] for identity in members]
        pairs += _fold_pairs(people, fold, pairs_per_fold // 2, generator)
    return pairs


def _names_by_identity(videos: Sequence[Video]) -> dict[str, list[str]]:
    """Identity -> names of its videos, both sorted, numbers by value (``a/2`` before ``a/10``)."""
    names: dict[str, list[str]] = {}
    seen: set[str] = set()
    for video in sorted(videos, key=lambda v: (v.identity, len(v.name), v.name)):
        if video.name in seen:
            raise DataError(f"video {video.name} is there twice; names of videos must be unique")
        seen.add(video.name)
        names.setdefault(video.identity, []).append(video.name)
    return names


def _check_enough(names: dict[str, list[str]], folds: int, possible: int) -> None:
    """Refuse more folds than there can be."""
    if possible == folds:
        return
    several = sum(len(own) > 1 for own in names.values())
    way = f"lower the folds to {possible}, or add" if possible else "no number of folds works; add"
    raise DataError(
        f"pairs in {folds} folds need {2 * folds} identities, {folds} of them with two videos; "
        f"there are {len(names)}, {several} of them with two videos: {way} identities and videos "
        f"(a larger test share, a shorter exclude list)"
    )


def _deal(
    names: dict[str, list[str]], folds: int, generator: np.random.Generator
) -> list[list[str]]:
    """Identities of each fold, in sorted order."""
    several = [identity for identity, own in names.items() if len(own) > 1]
    single = [identity for identity, own in names.items() if len(own) == 1]
    order = [part[k] for part in (several, single) for k in generator.permutation(len(part))]
    return [sorted(order[fold::folds]) for fold in range(folds)]


def _fold_pairs(
    people: Sequence[Sequence[str]], fold: int, most: int, generator: np.random.Generator
) -> list[VideoPair]:
    """Equally many same and different pairs of one fold, at most ``most`` of each.

    With the videos in a row, person after person, video p makes same pairs with those behind it
    up to its person's end, and different pairs with all behind that end.
    """
    row = [name for own in people for name in own]
    sizes = np.asarray([len(own) for own in people], dtype=np.int64)
    end = np.repeat(np.cumsum(sizes), sizes)
    behind = np.arange(len(row), dtype=np.int64) + 1
    kinds = ((True, behind, end - behind), (False, end, len(row) - end))
    count = min(most, *(int(number.sum()) for _, _, number in kinds))
    pairs = []
    for same, start, number in kinds:
        first, second = _partners(start, number, count, generator)
        pairs += [
            VideoPair(fold, row[a], row[b], same)
            for a, b in zip(first.tolist(), second.tolist(), strict=True)
        ]
    return pairs


def _partners(
    start: _Numbers, number: _Numbers, count: int, generator: np.random.Generator
) -> tuple[_Numbers, _Numbers]:
    """``count`` different couples (p, q) with q in [start[p], start[p] + number[p]), ascending."""
    total = np.cumsum(number)
    drawn = np.sort(generator.choice(int(total[-1]), count, replace=False))
    first = np.searchsorted(total, drawn, side="right")
    return first, start[first] + drawn - (total[first] - number[first])
