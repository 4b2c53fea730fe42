"""The lists of a YouTube Faces tree: face boxes per frame, verification pairs and their splits."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from simlearn.data.randomness import numpy_generator

FOLDS = 10
MAX_PAIRS = 250
"""Most pairs of one kind in a fold, the number of the real set."""

MAT_HEADER = b"MATLAB 5.0 MAT-file, synthetic faces drawn by simlearn"


@dataclass(frozen=True)
class Pair:
    """Two videos, as indices (from 0) into the list of videos, and whether they show one person."""

    first: int
    second: int
    same: bool


def box_line(subject: str, video: int, number: int, box: tuple[int, int, int, int]) -> str:
    r"""One line of ``<subject>.labeled_faces.txt``: eight fields, no header.

    Args:
        subject: name of the person.
        video: number of the video.
        number: number of the frame.
        box: centre x, centre y, width, height in pixels of the whole frame.

    Returns:
        ``Richard_Gere\3\3.618.jpg,0,262,165,132,132,0.0,1``.
    """
    x, y, width, height = box
    return f"{subject}\\{video}\\{video}.{number}.jpg,0,{x},{y},{width},{height},0.0,1"


def draw_pairs(owners: Sequence[int], seed: int) -> list[list[Pair]]:
    """Ten folds of pairs, as many same as different ones, the same ones first.

    Every fold has its own people. Where there are too few people for that (fewer than two in a
    fold), folds share people, and a fold without a pair of one kind has none of that kind.

    Args:
        owners: for each video the number of its person.
        seed: of the tree.

    Returns:
        FOLDS lists of one length (that of the smallest kind, at most 2 * MAX_PAIRS); the length
        is 0 where no two people or no two videos of one person exist.
    """
    generator = numpy_generator(seed, "synthetic_faces", "pairs")
    owner = np.asarray(owners)
    people = generator.permutation(np.unique(owner))
    disjoint = len(people) >= 2 * FOLDS
    candidates = []
    for fold in range(FOLDS):
        members = people[fold::FOLDS] if disjoint else people
        candidates.append(_pairs_of(np.flatnonzero(np.isin(owner, members)), owner, generator))
    size = min(min(len(same), len(other)) for same, other in candidates)
    return [
        [Pair(a, b, True) for a, b in same[:size]] + [Pair(a, b, False) for a, b in other[:size]]
        for same, other in candidates
    ]


def _pairs_of(
    videos: np.ndarray, owner: np.ndarray, generator: np.random.Generator
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Up to MAX_PAIRS same and different pairs of these videos, in random order."""
    wanted = generator.permutation(videos)
    same: list[tuple[int, int]] = []
    for person in dict.fromkeys(owner[wanted].tolist()):
        own = wanted[owner[wanted] == person].tolist()
        same += [(own[i], own[j]) for i in range(len(own)) for j in range(i)]
    same = [same[k] for k in generator.permutation(len(same))[:MAX_PAIRS]]
    drawn = np.sort(generator.choice(wanted, (4 * MAX_PAIRS, 2)), axis=1)[:, ::-1]
    drawn = drawn[owner[drawn[:, 0]] != owner[drawn[:, 1]]]
    other = list(dict.fromkeys((a, b) for a, b in drawn.tolist()))
    return same, other[:MAX_PAIRS]


def write_splits_text(path: Path, names: Sequence[str], folds: Sequence[Sequence[Pair]]) -> None:
    """Write ``splits.txt``: a padded header, then split, pair, two videos, 1 for the same person.

    Args:
        path: file to write.
        names: ``<subject>/<video>`` per video.
        folds: from :func:`draw_pairs`.
    """
    lines = ["split number, pair number, first name, second name, is same"]
    for fold, pairs in enumerate(folds, start=1):
        for number, pair in enumerate(pairs, start=1):
            first, second = names[pair.first], names[pair.second]
            lines.append(f"{fold}, {number:3d}, {first:<24s}, {second:<24s}, {int(pair.same)}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_meta(
    path: Path, names: Sequence[str], owners: Sequence[int], folds: Sequence[Sequence[Pair]]
) -> None:
    """Write ``meta_and_splits.mat``: labels, names and 1-based pairs as MATLAB keeps them.

    Args:
        path: file to write.
        names: ``<subject>/<video>`` per video.
        owners: for each video the number of its person; the labels written are non-contiguous.
        folds: from :func:`draw_pairs`.
    """
    from scipy.io import savemat

    labels = [3 * owner + 1 + owner % 2 for owner in owners]
    splits = np.zeros((len(folds[0]), 3, len(folds)), dtype=np.float64)
    for k, pairs in enumerate(folds):
        for row, pair in enumerate(pairs):
            splits[row, :, k] = (pair.first + 1, pair.second + 1, pair.same)
    subjects = [name.rsplit("/", 1) for name in names]
    buffer = io.BytesIO()
    savemat(
        buffer,
        {
            "video_labels": np.asarray(labels, dtype=np.float64)[None, :],
            "video_names": _cells(names),
            "mat_names": _cells([f"{subject}/video_{video}.mat" for subject, video in subjects]),
            "Splits": splits,
        },
    )
    # the library writes the hour into the first 116 bytes; a fixed text keeps trees identical
    path.write_bytes(MAT_HEADER.ljust(116) + buffer.getvalue()[116:])


def _cells(texts: Sequence[str]) -> np.ndarray:
    """A MATLAB cell column (N, 1) of strings."""
    column = np.empty((len(texts), 1), dtype=object)
    column[:, 0] = list(texts)
    return column
