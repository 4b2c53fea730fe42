"""Scores of video pairs: from embeddings, to and from a file, and joined over ten networks."""

from __future__ import annotations

import csv
import io
import math
import os
import re
import secrets
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from simlearn.data.errors import DataError
from simlearn.data.text_lines import read_text_lines
from simlearn.data.video_pair import VideoPair
from simlearn.evaluation.pairs import fold_verification, mean_and_stderr

COLUMNS = ["fold", "first", "second", "same", "score"]
"""Header of a file of pair scores."""

_TEST_FOLD = re.compile(r"# *test fold ([0-9]{1,4})")
_CHUNK = 8192


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


@torch.no_grad()
def score_pairs(
    z: Tensor, names: Sequence[str], pairs: Sequence[VideoPair]
) -> tuple[Tensor, Tensor, Tensor]:
    """Minus the Euclidean distance between the embeddings of the two videos of each pair.

    Args:
        z: ``(V, d)`` embeddings, one a video, taken as they are.
        names: of the V videos.
        pairs: P pairs of such names; none gives three empty tensors.

    Returns:
        ``scores (P,)`` float64, at most 0, higher = more alike; ``same (P,)`` bool;
        ``fold (P,)`` int64, as :func:`simlearn.evaluation.verification` takes them.

    Raises:
        ValueError: wrong shapes, an embedding that is not finite, a name twice, or a pair with a
            video that has no embedding.
    """
    if z.ndim != 2 or len(names) != len(z):
        raise ValueError(
            f"z must be (V, d) with V names, found {tuple(z.shape)} and {len(names)} names"
        )
    if not torch.isfinite(z).all():
        raise ValueError("z holds values that are not finite")
    row = {name: number for number, name in enumerate(names)}
    if len(row) < len(names):
        name = Counter(names).most_common(1)[0][0]
        raise ValueError(f"video {name} is there twice; names of videos must be unique")
    missing = [p for p in pairs if p.first not in row or p.second not in row]
    if missing:
        pair = missing[0]
        name = pair.first if pair.first not in row else pair.second
        raise ValueError(
            f"{pair.where or 'pairs'}: the pair {pair.first} - {pair.second} names the video "
            f"{name}, which has no embedding; {len(missing)} of {len(pairs)} pairs are like that: "
            "embed those videos too or leave the pairs out"
        )
    vectors = z.detach().cpu().double()
    ends = torch.tensor([[row[p.first], row[p.second]] for p in pairs], dtype=torch.int64)
    scores = [
        -torch.linalg.vector_norm(vectors[part[:, 0]] - vectors[part[:, 1]], dim=1)
        for part in torch.split(ends.reshape(-1, 2), _CHUNK)
    ]
    same = torch.tensor([pair.same for pair in pairs], dtype=torch.bool)
    fold = torch.tensor([pair.fold for pair in pairs], dtype=torch.int64)
    return torch.cat(scores), same, fold


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


def join_folds(paths: Sequence[str | Path]) -> dict[str, Any]:
    """The protocol over all folds, from one file of pair scores per fold.

    The network of a file was trained without the people of its test fold and scored all pairs.
    That fold is measured with the threshold of the others, scored by the same network
    (:func:`simlearn.evaluation.pairs.fold_verification`). Scores of different networks are never
    pooled: AUC and EER are those of each test fold, averaged.

    Args:
        paths: files from :func:`write_pair_scores`, in any order, each with its test fold; every
            fold of the pairs is the test fold of one of them.

    Returns:
        ``accuracy``, ``auc``, ``eer`` means over the folds; ``stderr`` of the accuracy (ddof 1
        over the root of the number of folds); ``per_fold`` accuracies, ``thresholds`` (may be
        infinite), ``per_fold_auc``, ``per_fold_eer`` lists in the order of the folds;
        ``n_pairs``, ``n_same``, ``n_folds``. A fold with one kind of pair makes the means of AUC
        and EER nan, with a warning.

    Raises:
        ValueError: no files, one without a test fold, two of one fold, a fold without a file,
            pairs that are not the same in every file; names the file.
        DataError: as :func:`read_pair_scores`.
    """
    files = _files_by_fold(paths)
    results = []
    for number in sorted(files):
        path, one = files[number]
        same = torch.tensor([pair.same for pair in one.pairs])
        fold = torch.tensor([pair.fold for pair in one.pairs])
        try:
            results.append(fold_verification(one.scores, same, fold, number))
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
    accuracies = [result["accuracy"] for result in results]
    mean, stderr = mean_and_stderr(accuracies)
    return {
        "accuracy": mean,
        "stderr": stderr,
        "auc": statistics.fmean(result["auc"] for result in results),
        "eer": statistics.fmean(result["eer"] for result in results),
        "per_fold": accuracies,
        "thresholds": [result["threshold"] for result in results],
        "per_fold_auc": [result["auc"] for result in results],
        "per_fold_eer": [result["eer"] for result in results],
        "n_pairs": sum(result["n_pairs"] for result in results),
        "n_same": sum(result["n_same"] for result in results),
        "n_folds": len(results),
    }


def _files_by_fold(paths: Sequence[str | Path]) -> dict[int, tuple[str | Path, PairScores]]:
    """The files by their test folds, all folds there once and the pairs the same in all."""
    if not paths:
        raise ValueError("no files of pair scores are given; one per fold is needed")
    files: dict[int, tuple[str | Path, PairScores]] = {}
    first: Counter[VideoPair] | None = None
    for path in paths:
        one = read_pair_scores(path)
        if one.test_fold is None:
            raise ValueError(
                f"{path}: does not say its test fold; put '# test fold K' at its top, K being the "
                "fold, from 1, without whose people the network was trained"
            )
        if one.test_fold in files:
            raise ValueError(
                f"{path}: tests fold {one.test_fold + 1}, as {files[one.test_fold][0]} does; give "
                "one file per fold"
            )
        files[one.test_fold] = path, one
        here = Counter(one.pairs)
        first = here if first is None else first
        if here != first:
            pair = next(iter((here - first) + (first - here)))
            raise ValueError(
                f"{path}: its pairs are not those of {paths[0]}: {pair.first} - {pair.second} of "
                f"fold {pair.fold + 1} stands more often in one of the two; score the same list"
            )
    folds = {pair.fold for pair in first or ()}
    without = ", ".join(str(number + 1) for number in sorted(folds - set(files)))
    if without:
        raise ValueError(
            f"no file tests fold {without} of the {len(folds)} folds; there are "
            f"{', '.join(str(path) for path in paths)}"
        )
    return files


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
