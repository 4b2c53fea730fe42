"""The pairs of the YouTube Faces verification protocol, from ``splits.txt`` or the ``.mat``.

Both hold ten identity-disjoint folds of 250 same and 250 different pairs of videos (Wolf,
Hassner, Maoz, CVPR 2011). Pairs stay in the order of the file, repeated ones included. The
reader of the ``.mat`` and the functions on pairs are importable from here as well.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from simlearn.data.errors import DataError
from simlearn.data.meta_and_splits import MetaAndSplits, read_meta_and_splits
from simlearn.data.text_lines import read_text_lines
from simlearn.data.video_pair import VideoPair, check_pairs, drop_pairs, subject_of, video_name

__all__ = [
    "MetaAndSplits",
    "VideoPair",
    "check_pairs",
    "drop_pairs",
    "read_meta_and_splits",
    "read_splits",
]

_COLUMNS = {
    "split number": (0, ("split number", "split", "fold", "split num", "split no")),
    "first name": (2, ("first name", "first", "name 1")),
    "second name": (3, ("second name", "second", "name 2")),
    "is same": (4, ("is same", "same", "is_same")),
}


def read_splits(path: str | Path) -> list[VideoPair]:
    """The pairs of ``splits.txt``: comma-separated, names padded with spaces, folds from 1.

    Columns are found by their name in the header (any case, padding ignored) and, where a name
    is unknown, by the place it has in the original file: split number 0, first name 2, second
    name 3, is same 4. Further columns are ignored. A file without a header is read by place.

    Returns:
        Pairs in file order, at least one, folds from 0.

    Raises:
        DataError: file missing or without pairs, or a line with too few columns, a split number
            below 1, a name not of the form ``Subject/3``, "is same" other than 0 or 1 or
            contrary to the names.
    """
    path = Path(path)
    lines = read_text_lines(path, "pair list")
    columns = [column for column, _ in _COLUMNS.values()]
    if lines and not lines[0][1].split(",")[0].strip(' "').isdecimal():
        columns = _find_columns(lines[0][1], f"{path}, line {lines[0][0]}")
        lines = lines[1:]
    if not lines:
        raise DataError(f"{path}: holds no pairs; copy it again from the database")
    return [_parse_line(line, columns, f"{path}, line {number}") for number, line in lines]


def _find_columns(header: str, where: str) -> list[int]:
    """The places of split number, first name, second name and is same."""
    titles = [title.strip(' "\t').lower() for title in header.split(",")]
    columns = []
    for place, names in _COLUMNS.values():
        named = [titles.index(name) for name in names if name in titles]
        columns.append(named[0] if named else place)
    if len(set(columns)) < len(columns) or max(columns) >= len(titles):
        raise DataError(
            f"{where}: the header {header[:120]!r} does not tell the columns "
            f"{', '.join(_COLUMNS)}; correct it"
        )
    return columns


def _parse_line(line: str, columns: Sequence[int], where: str) -> VideoPair:
    """One pair from one line."""
    fields = [text.strip(' "\t') for text in line.split(",")]
    if len(fields) <= max(columns):
        raise DataError(
            f"{where}: {len(fields)} columns, at least {max(columns) + 1} needed, in "
            f"{line[:120]!r}; correct or delete the line"
        )
    fold, first, second, same = (fields[column] for column in columns)
    if re.fullmatch(r"[0-9]{1,4}", fold) is None or int(fold) < 1:
        raise DataError(
            f"{where}: split number {fold[:80]!r} is not a whole number from 1; correct the line"
        )
    if same not in ("0", "1"):
        raise DataError(f"{where}: 'is same' is {same[:80]!r} instead of 0 or 1; correct the line")
    pair = VideoPair(
        int(fold) - 1, video_name(first, where), video_name(second, where), same == "1", where
    )
    if (subject_of(pair.first) == subject_of(pair.second)) != pair.same:
        raise DataError(
            f"{where}: {pair.first} and {pair.second} are marked as "
            f"{'the same' if pair.same else 'different'}, which their names contradict; "
            f"correct or delete the line"
        )
    return pair
