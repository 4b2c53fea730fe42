"""A file of pairs and their scores."""

from __future__ import annotations

import csv
import io
import math
import os
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from simlearn.data.errors import DataError
from simlearn.data.text_lines import read_text_lines
from simlearn.data.video_pair import VideoPair

COLUMNS = ["fold", "first", "second", "same", "score"]
"""Header of a file of pair scores."""

_TEST_FOLD = re.compile(r"# *test fold ([0-9]{1,4})")


@dataclass(frozen=True)
class PairScores:
    """Pairs, and how alike one network finds the two videos of each.

    Attributes:
        pairs: in file order, folds from 0.
        scores: ``(P,)`` float64, higher = more alike.
        test_fold: the fold, from 0, without whose people the network was trained; ``None`` where
            it knows none of the people.
    """

    pairs: list[VideoPair]
    scores: Tensor
    test_fold: int | None = None


def write_pair_scores(
    path: Path, pairs: Sequence[VideoPair], scores: Tensor, *, test_fold: int | None = None
) -> None:
    """Write ``fold,first,second,same,score``, whole or not at all; float64 round-trips exactly.

    Args:
        path: CSV file to write. Folds count from 1 in it, as in ``splits.txt``; ``same`` is 1 or
            0; a comment ``# test fold 3`` stands at its top where ``test_fold`` is given.
        pairs: P of them, at least one.
        scores: ``(P,)``, higher = more alike.
        test_fold: fold, from 0, without whose people the network was trained.

    Raises:
        ValueError: no pairs, another number of scores, a score that is not finite, a name with a
            line break, a fold outside 0..9998, or a test fold without pairs.
    """
    if scores.shape != (len(pairs),) or not pairs:
        raise ValueError(
            f"scores must be (P,) for P >= 1 pairs, found {tuple(scores.shape)} for {len(pairs)}"
        )
    values = scores.detach().cpu().double()
    if not torch.isfinite(values).all():
        raise ValueError("scores holds values that are not finite")
    folds = sorted({pair.fold for pair in pairs})
    if folds[0] < 0 or folds[-1] > 9998:
        raise ValueError(f"the folds of pairs must be 0 to 9998, found {folds[0]} to {folds[-1]}")
    if test_fold is not None and test_fold not in folds:
        raise ValueError(f"test_fold is {test_fold}, the folds of the pairs are {folds}")
    text = io.StringIO()
    if test_fold is not None:
        text.write(f"# test fold {test_fold + 1}\n")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for pair, value in zip(pairs, values.tolist(), strict=True):
        if {"\n", "\r"} & set(pair.first + pair.second):
            raise ValueError(
                f"the name of a video holds a line break: {pair.first!r} - {pair.second!r}"
            )
        writer.writerow([pair.fold + 1, pair.first, pair.second, int(pair.same), repr(value)])
    _write_atomic(path, text.getvalue().encode())


def read_pair_scores(path: str | Path) -> PairScores:
    """What :func:`write_pair_scores` wrote.

    Returns:
        The pairs in file order, each with its line in ``where``, their scores and the test fold.

    Raises:
        DataError: file missing or without pairs, no header, a line with other than five columns,
            a fold that is no whole number from 1, ``same`` other than 0 or 1, a score that is no
            finite number, a test fold without pairs; names file and line.
    """
    path = Path(path)
    lines = read_text_lines(path, "file of pair scores")
    test_fold = None
    if lines and lines[0][1].startswith("#"):
        found = _TEST_FOLD.fullmatch(lines[0][1])
        if found is None:
            raise DataError(
                f"{path}, line {lines[0][0]}: {lines[0][1][:80]!r} is not a comment such as "
                "'# test fold 3'; correct or delete the line"
            )
        test_fold, lines = int(found[1]) - 1, lines[1:]
    if not lines or lines[0][1] != ",".join(COLUMNS):
        where = f"{path}, line {lines[0][0]}" if lines else f"{path}"
        raise DataError(f"{where}: the header must be {','.join(COLUMNS)}; write the file again")
    rows = [_parse_line(line, f"{path}, line {number}") for number, line in lines[1:]]
    if not rows:
        raise DataError(f"{path}: holds no pairs; write the file again")
    pairs = [pair for pair, _ in rows]
    if test_fold is not None and test_fold not in {pair.fold for pair in pairs}:
        raise DataError(f"{path}, line 1: the test fold {test_fold + 1} has no pairs; correct it")
    scores = torch.tensor([score for _, score in rows], dtype=torch.float64)
    return PairScores(pairs, scores, test_fold)


def _parse_line(line: str, where: str) -> tuple[VideoPair, float]:
    """The pair of one line and its score."""
    try:
        fields = next(csv.reader([line], strict=True))
    except csv.Error as error:
        raise DataError(f"{where}: not comma-separated text ({error}); correct it") from error
    if len(fields) != len(COLUMNS):
        raise DataError(
            f"{where}: {len(fields)} columns instead of {len(COLUMNS)} ({','.join(COLUMNS)}) in "
            f"{line[:120]!r}; correct or delete the line"
        )
    fold, first, second, same, text = fields
    if re.fullmatch(r"[0-9]{1,4}", fold) is None or int(fold) < 1:
        raise DataError(f"{where}: fold {fold[:80]!r} is not a whole number from 1; correct it")
    if same not in ("0", "1"):
        raise DataError(f"{where}: same is {same[:80]!r} instead of 0 or 1; correct it")
    try:
        score = float(text)
    except ValueError:
        score = math.nan
    if not math.isfinite(score):
        raise DataError(f"{where}: the score {text[:80]!r} is not a finite number; correct it")
    return VideoPair(int(fold) - 1, first, second, same == "1", where), score


def _write_atomic(path: Path, content: bytes) -> None:
    """Write the file under a temporary name beside it, then rename."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
