"""``meta_data/meta_and_splits.mat`` of YouTube Faces: names, labels and pairs of all videos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from simlearn.data.errors import DataError
from simlearn.data.mat_file import load_mat
from simlearn.data.video_pair import VideoPair, video_name

_VARIABLES = ("video_labels", "video_names", "Splits")


@dataclass(frozen=True)
class MetaAndSplits:
    """What ``meta_and_splits.mat`` holds.

    Attributes:
        names: of the videos, in file order.
        labels: one per name, 0..n-1 in the order in which the file's labels first appear.
        pairs: fold after fold, in file order.
    """

    names: tuple[str, ...]
    labels: tuple[int, ...]
    pairs: list[VideoPair]


def read_meta_and_splits(path: str | Path) -> MetaAndSplits:
    """The videos, labels and pairs of ``meta_data/meta_and_splits.mat``.

    The file holds ``video_names`` (V x 1 cell), ``video_labels`` (1 x V, with gaps) and
    ``Splits`` (pairs x 3 x folds: two 1-based indices into the names, and same as 0 or 1).

    Returns:
        Names and labels in file order, folds from 0; labels are renumbered 0..n-1 in the order
        of their first appearance.

    Raises:
        DataError: file missing or damaged, or an array of another shape or content; names the
            entry, or the row (from 1) and fold (from 1) of ``Splits``.
    """
    path = Path(path)
    arrays = load_mat(path, _VARIABLES)
    names = _mat_names(arrays["video_names"], path)
    raw = _whole_numbers(arrays["video_labels"], "video_labels", path).ravel().tolist()
    if len(raw) != len(names):
        raise DataError(f"{path}: {len(raw)} video_labels for {len(names)} video_names")
    order = {label: k for k, label in enumerate(dict.fromkeys(raw))}
    labels = tuple(order[label] for label in raw)
    splits = _whole_numbers(arrays["Splits"], "Splits", path)
    if splits.ndim == 2:  # MATLAB drops the last dimension of a single fold
        splits = splits[:, :, None]
    if splits.ndim != 3 or splits.shape[1] != 3 or splits.size == 0:
        raise DataError(f"{path}: Splits has shape {splits.shape} instead of (pairs, 3, folds)")
    pairs = []
    for fold in range(splits.shape[2]):
        for row, (first, second, same) in enumerate(splits[:, :, fold].tolist(), 1):
            where = f"{path}, Splits row {row}, fold {fold + 1}"
            pairs.append(_mat_pair(fold, first - 1, second - 1, same, names, labels, where))
    return MetaAndSplits(names, labels, pairs)


def _mat_names(cells: np.ndarray[Any, Any], path: Path) -> tuple[str, ...]:
    """Names from a cell array of text, each a valid name and there once."""
    entries = cells.ravel().tolist() if cells.dtype == object else []
    if not entries:
        raise DataError(f"{path}: video_names is no cell of names ({cells.dtype}, {cells.shape})")
    seen: dict[str, int] = {}
    for number, entry in enumerate(entries, 1):
        where = f"{path}, video_names entry {number}"
        text = entry.ravel().tolist() if isinstance(entry, np.ndarray) else [entry]
        if len(text) != 1 or not isinstance(text[0], str):
            raise DataError(f"{where}: {str(text)[:80]} is no text")
        name = video_name(text[0], where)
        if seen.setdefault(name, number) != number:
            raise DataError(f"{where}: {name} stands already in entry {seen[name]}")
    return tuple(seen)


def _whole_numbers(
    values: np.ndarray[Any, Any], name: str, path: Path
) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The array as int64, if its entries are whole numbers below 2^31 in size."""
    if values.dtype.kind not in "biuf":
        raise DataError(f"{path}: {name} holds {values.dtype} instead of numbers")
    numbers = values.astype(np.float64)
    wrong = ~(np.abs(numbers) < 2**31) | (numbers != np.floor(numbers))
    if wrong.any():
        place = tuple(int(k) + 1 for k in np.argwhere(wrong)[0])
        raise DataError(f"{path}: {name}{place} is {numbers[wrong][0]}, not a whole number")
    return numbers.astype(np.int64)


def _mat_pair(
    fold: int,
    first: int,
    second: int,
    same: int,
    names: Sequence[str],
    labels: Sequence[int],
    where: str,
) -> VideoPair:
    """One pair from one row of ``Splits`` with its indices already from 0."""
    for index in (first, second):
        if not 0 <= index < len(names):
            raise DataError(f"{where}: index {index + 1} is not in 1..{len(names)}")
    if same not in (0, 1):
        raise DataError(f"{where}: 'is same' is {same} instead of 0 or 1")
    if (labels[first] == labels[second]) != bool(same):
        raise DataError(
            f"{where}: {names[first]} and {names[second]} are marked as "
            f"{'the same' if same else 'different'}, which video_labels contradict"
        )
    return VideoPair(fold, names[first], names[second], bool(same), where)
