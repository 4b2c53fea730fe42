"""The pair protocol over ten networks: each measured on the fold that it was trained without."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from simlearn.data.video_pair import VideoPair
from simlearn.evaluation.pair_file import PairScores, read_pair_scores
from simlearn.evaluation.pairs import fold_verification, mean_and_stderr


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
