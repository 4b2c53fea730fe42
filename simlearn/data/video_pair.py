"""Pairs of videos that show the same person or two, and what may be asked of a list of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from simlearn.data.errors import DataError
from simlearn.data.exclusions import closest, read_entries
from simlearn.data.video import Video

_NAME = re.compile(r"[^/]+/[0-9]{1,9}")


@dataclass(frozen=True)
class VideoPair:
    """Two videos and whether they show the same person.

    Attributes:
        fold: number of the fold, from 0.
        first, second: names of the videos (``"Richard_Gere/3"``).
        same: whether both are of one identity.
        where: file and line or row, for messages; not compared.
    """

    fold: int
    first: str
    second: str
    same: bool
    where: str = field(default="", compare=False)


def video_name(text: str, where: str) -> str:
    """``Subject/3`` from a name with slash or backslash.

    Raises:
        DataError: ``text`` is no such name; ``where`` says in which file and line.
    """
    name = text.strip().replace("\\", "/")
    if _NAME.fullmatch(name) is None:
        raise DataError(
            f"{where}: {text[:80]!r} is not the name of a video such as Richard_Gere/3; correct it"
        )
    return name


def subject_of(name: str) -> str:
    """The subject of a video's name: ``Richard_Gere`` of ``Richard_Gere/3``."""
    return name.split("/")[0]


def drop_pairs(
    pairs: Sequence[VideoPair], exclude: str | Path | Sequence[str] | None
) -> list[VideoPair]:
    """The pairs without those of an exclude list, such as the database's errata.

    Args:
        pairs: to choose from.
        exclude: path of a text file, or a sequence, of entries: ``Subject`` or ``Subject/3``
            drops every pair it occurs in, ``Subject/3, Other/1`` that one pair in either order.
            The list given to ``read_youtube_faces`` serves too: single frames drop nothing, and
            a name that is in no pair is no fault (199 of the 3,425 videos are in none).

    Returns:
        The pairs that remain, in order; all of them for ``None``.

    Raises:
        DataError: the file is missing, or an entry names a pair that is not there.
    """
    names: set[str] = set()
    couples: set[frozenset[str]] = set()
    there = {frozenset((pair.first, pair.second)) for pair in pairs}
    for entry, where in read_entries(exclude):
        parts = [part.strip() for part in entry.split(",")]
        if len(parts) == 1:
            names.add(entry)
            continue
        if frozenset(parts) not in there or len(parts) != 2:
            raise DataError(f"{where}: {entry[:120]!r} is none of the {len(pairs)} pairs")
        couples.add(frozenset(parts))
    return [pair for pair in pairs if not _is_dropped(pair, names, couples)]


def _is_dropped(pair: VideoPair, names: set[str], couples: set[frozenset[str]]) -> bool:
    """Whether the pair, one of its videos or one of its subjects is on the list."""
    parts = {pair.first, pair.second, subject_of(pair.first), subject_of(pair.second)}
    return bool(parts & names) or frozenset((pair.first, pair.second)) in couples


def check_pairs(pairs: Sequence[VideoPair], videos: Sequence[Video]) -> None:
    """Refuse pairs that name a video which is not there.

    Raises:
        DataError: names the pair, its line or row, the closest video and how many such pairs
            there are.
    """
    known = {video.name for video in videos}
    wrong = [pair for pair in pairs if not {pair.first, pair.second} <= known]
    if not wrong:
        return
    pair = wrong[0]
    name = pair.first if pair.first not in known else pair.second
    near = closest(name, known)
    hint = f"did you mean {near}?" if near else f"none of the {len(known)} videos is like it;"
    raise DataError(
        f"{pair.where or 'pairs'}: the pair {pair.first} - {pair.second} (fold {pair.fold}) names "
        f"the video {name}, which is not there; {hint} {len(wrong)} of {len(pairs)} pairs are "
        f"like that: restore the videos, or name the pairs in evaluation.exclude_pairs=FILE"
    )
