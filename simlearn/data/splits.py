"""Videos split into train, val and test so that no identity stands in two of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from simlearn.data.errors import DataError
from simlearn.data.exclusions import closest
from simlearn.data.randomness import numpy_generator
from simlearn.data.video import Video
from simlearn.data.video_pair import VideoPair, subject_of

PARTS = ("train", "val", "test")
"""Names of the parts of a split."""


def label_map(videos: Sequence[Video]) -> dict[str, int]:
    """Identity -> label 0..n-1 in the sorted order of the names; ``{}`` for no videos."""
    return {name: label for label, name in enumerate(sorted({v.identity for v in videos}))}


def fold_of_identity(pairs: Sequence[VideoPair]) -> dict[str, int]:
    """Identity -> number of the fold in which its pairs stand; ``{}`` for no pairs.

    Raises:
        DataError: an identity stands in two folds; names it and both places.
    """
    seen: dict[str, VideoPair] = {}
    for pair in pairs:
        for name in (pair.first, pair.second):
            identity = subject_of(name)
            before = seen.setdefault(identity, pair)
            if before.fold != pair.fold:
                raise DataError(
                    f"{pair.where or 'pairs'}: {identity} stands in fold {pair.fold} "
                    f"({pair.first} - {pair.second}) and in fold {before.fold} ({before.first} - "
                    f"{before.second}, {before.where or 'pairs'}); folds must not share "
                    f"identities: correct the list"
                )
    return {identity: pair.fold for identity, pair in seen.items()}


def identity_split(
    videos: Sequence[Video],
    *,
    split: Mapping[str, float] | int,
    seed: int,
    folds: Mapping[str, int] | None = None,
) -> dict[str, list[Video]]:
    """Videos of train, val and test; every identity is in one of them at most.

    Shares: the sorted identities are shuffled by ``numpy_generator(seed, "split")``; the first
    are test, the next val, the rest train, so the test part does not depend on how train and val
    divide what remains. Numbers of identities are rounded by the largest remainder (on a tie
    test, then val). Whole numbers are counts of identities; identities beyond their sum are
    left out.

    Args:
        videos: in any order, which does not matter.
        split: shares such as ``{"train": 0.7, "val": 0.1, "test": 0.2}``, counts, or the number
            of the fold that is test, from 0; val is then the next fold (the first after the
            last) and train all others, with the identities that are in no fold.
        seed: of the shuffle; a fold split draws nothing.
        folds: identity -> fold from 0, for a fold split (:func:`fold_of_identity`).

    Returns:
        Keys "train", "val", "test"; videos sorted by identity, then by name (shorter names
        first). "val" may be empty.

    Raises:
        DataError: fewer than two identities, a video twice, train or test empty, an unknown key,
            a share that is no positive number, a fold that is not there.
    """
    names = sorted({video.identity for video in videos})
    _check_videos(videos, names)
    if isinstance(split, Mapping):
        counts = _part_sizes(split, len(names))
        order = numpy_generator(seed, "split").permutation(len(names)).tolist()
        part_of: dict[str, str] = {}
        position = 0
        for part in reversed(PARTS):
            for index in order[position : position + counts[part]]:
                part_of[names[index]] = part
            position += counts[part]
    else:
        part_of = _parts_by_fold(names, split, folds)
    parts: dict[str, list[Video]] = {part: [] for part in PARTS}
    for video in sorted(videos, key=lambda v: (v.identity, len(v.name), v.name)):
        if video.identity in part_of:
            parts[part_of[video.identity]].append(video)
    _check_parts(parts, split, len(names))
    return parts


def _check_videos(videos: Sequence[Video], names: Sequence[str]) -> None:
    """Refuse too few identities and videos that are there twice."""
    if len(names) < 2:
        raise DataError(
            f"{len(names)} identity(s) in {len(videos)} video(s) ({', '.join(names) or 'none'}): "
            f"an identity-disjoint split needs at least 2; add identities or shorten the exclude "
            f"list"
        )
    seen: set[str] = set()
    for video in videos:
        if video.name in seen:
            raise DataError(f"video {video.name} is there twice; names of videos must be unique")
        seen.add(video.name)


def _part_sizes(split: Mapping[str, float], total: int) -> dict[str, int]:
    """How many of ``total`` identities each part gets."""
    for key, value in split.items():
        if key not in PARTS:
            near = closest(str(key), PARTS)
            hint = f"did you mean {near}?" if near else f"use {', '.join(PARTS)}"
            raise DataError(f"data.split: unknown part {key!r}; {hint}")
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not math.isfinite(value) or value < 0:
            raise DataError(
                f"data.split.{key}={value!r} must be a positive number: a share or a count of "
                f"identities"
            )
    shares = {part: split.get(part, 0) for part in PARTS}
    used = [share for share in shares.values() if share]
    if all(share == int(share) for share in used) and sum(used) > 1:
        if sum(used) > total:
            raise DataError(
                f"data.split={dict(split)} counts {sum(used):g} identities and there are "
                f"{total}. Whole numbers are counts: lower them, or give shares: 0.7, 0.1, 0.2"
            )
        return {part: int(share) for part, share in shares.items()}
    largest = max(shares.values())
    if largest == 0:
        raise DataError(f"data.split={dict(split)}: all shares are 0; use such as 0.7, 0.1, 0.2")
    scaled = {part: share / largest for part, share in shares.items()}
    exact = {part: share * total / sum(scaled.values()) for part, share in scaled.items()}
    sizes = {part: math.floor(round(value, 9)) for part, value in exact.items()}
    by_remainder = sorted(reversed(PARTS), key=lambda part: -round(exact[part] - sizes[part], 9))
    for part in by_remainder[: total - sum(sizes.values())]:
        sizes[part] += 1
    return sizes


def _parts_by_fold(
    names: Sequence[str], fold: int, folds: Mapping[str, int] | None
) -> dict[str, str]:
    """Identity -> part, where ``fold`` is test and the next one val."""
    if not isinstance(fold, int) or isinstance(fold, bool):
        raise DataError(
            f"data.split={fold!r} must be shares of train, val and test or the number of a fold"
        )
    if not folds:
        raise DataError(
            f"data.split={fold} is a fold, but there are no folds; read them from splits.txt or "
            f"use shares such as {{train: 0.7, val: 0.1, test: 0.2}}"
        )
    number = max(folds.values()) + 1
    if number < 2 or not 0 <= fold < number or min(folds.values()) < 0:
        raise DataError(
            f"data.split={fold}: there are {number} folds, 0 to {number - 1}; at least 2 are "
            f"needed, and the fold must be one of them"
        )
    named = {fold: "test", (fold + 1) % number: "val"}
    return {name: named.get(folds.get(name, -1), "train") for name in names}


def _check_parts(
    parts: Mapping[str, Sequence[Video]], split: Mapping[str, float] | int, total: int
) -> None:
    """Refuse an empty train or test part, and identities that stand in two parts."""
    identities = {part: {video.identity for video in parts[part]} for part in PARTS}
    counts = ", ".join(f"{part} {len(identities[part])}" for part in PARTS)
    for part in ("train", "test"):
        if not parts[part]:
            shown = dict(split) if isinstance(split, Mapping) else split
            raise DataError(
                f"data.split={shown} of {total} identities leaves {part} empty ({counts} "
                f"identities); give {part} a larger share, choose another fold or add identities"
            )
    if sum(map(len, identities.values())) != len(set().union(*identities.values())):
        raise AssertionError(f"an identity stands in two parts of the split ({counts})")
