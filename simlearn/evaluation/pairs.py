"""Verification: do two videos show one person? Thresholds come from the other folds."""

from __future__ import annotations

import math
import statistics
import warnings
from typing import Any

import torch
from torch import Tensor

from simlearn.evaluation.roc_curve import (
    auc,
    checked_scores,
    equal_error_rate,
    roc_points,
    score_counts,
)


def best_threshold(scores: Tensor, same: Tensor) -> float:
    """The threshold with the highest accuracy, where score >= threshold means same.

    Cuts are those between neighbouring distinct scores, one below the lowest (all same) and one
    above the highest (all different); of several best cuts the lowest is taken. O(P log P).

    Args:
        scores: ``(P,)``, higher = more alike.
        same: ``(P,)`` bool, or 0 and 1.

    Returns:
        The midpoint of the two scores around the cut (the upper one where no float64 lies
        between them); -inf for all same, inf for all different.

    Raises:
        ValueError: wrong shapes or labels, a score that is not finite, or pairs of one kind only.
    """
    values, same_at, different_at = score_counts(scores, same)
    gained = torch.cat([same_at.new_zeros(1), (different_at - same_at).cumsum(0)])
    cut = int(gained.argmax())  # the first of several
    if cut == 0:
        return -math.inf
    if cut == len(values):
        return math.inf
    low, high = values[cut - 1 : cut + 1].tolist()
    middle = low / 2 + high / 2
    return float(middle if low < middle <= high else high)


def fold_verification(scores: Tensor, same: Tensor, fold: Tensor, test_fold: int) -> dict[str, Any]:
    """Accuracy on one fold with the threshold of all others, for a network trained without it.

    Args:
        scores: ``(P,)`` of all folds, higher = more alike.
        same: ``(P,)`` bool, or 0 and 1.
        fold: ``(P,)`` integer number of each pair's fold.
        test_fold: the fold that is measured.

    Returns:
        ``accuracy`` in [0, 1] and ``threshold`` (:func:`best_threshold` of the other folds, may be
        infinite); of the test fold ``auc``, ``eer``, ``roc`` (fpr, tpr), ``n_pairs``, ``n_same``.
        Where the test fold holds one kind of pair, ``auc`` and ``eer`` are nan and the points of
        ``roc`` empty, with a warning.

    Raises:
        ValueError: wrong shapes or labels, a score that is not finite, no pair in the test fold,
            none outside it, or only one kind outside it.
    """
    scores, same, fold = _checked(scores, same, fold)
    accuracy, threshold = _measured(scores, same, fold, test_fold)
    held = fold == test_fold
    number, n_same = int(held.sum()), int(same[held].sum())
    area = rate = math.nan
    roc = (scores[:0], scores[:0])
    if 0 < n_same < number:
        area, rate = auc(scores[held], same[held]), equal_error_rate(scores[held], same[held])
        roc = roc_points(scores[held], same[held])
    else:
        warnings.warn(
            f"fold {test_fold} has {n_same} same and {number - n_same} different pairs: its AUC "
            "and EER are nan",
            stacklevel=2,
        )
    return {
        "accuracy": accuracy,
        "threshold": threshold,
        "auc": area,
        "eer": rate,
        "roc": roc,
        "n_pairs": number,
        "n_same": n_same,
    }


def verification(scores: Tensor, same: Tensor, fold: Tensor) -> dict[str, Any]:
    """Accuracy over folds, each with the threshold of all others (Wolf, Hassner, Maoz 2011).

    For pairs of people that the network has not seen, scored by one network. Folds weigh the same
    in the accuracy whatever their size. AUC, EER and ROC are of all pairs together. One sort per
    fold: O(folds x P log P).

    Args:
        scores: ``(P,)``, higher = more alike.
        same: ``(P,)`` bool, or 0 and 1.
        fold: ``(P,)`` integer number of each pair's fold; numbers may have gaps.

    Returns:
        ``accuracy`` mean over folds, in [0, 1]; ``stderr`` of that mean (deviation with ddof 1
        over the root of the number of folds); ``auc``; ``eer``; ``per_fold`` accuracies and
        ``thresholds`` as lists in the order of the fold numbers, the latter from
        :func:`best_threshold` and thus perhaps infinite; ``roc`` (fpr, tpr) from
        :func:`simlearn.evaluation.roc_curve.roc_points`; ``n_pairs``, ``n_same``, ``n_folds``.

    Raises:
        ValueError: wrong shapes or labels, a score that is not finite, no pairs, one fold only,
            or only one kind of pair outside a fold. A fold with one kind of pair is no fault.
    """
    scores, same, fold = _checked(scores, same, fold)
    numbers = torch.unique(fold).tolist()
    measured = [_measured(scores, same, fold, number) for number in numbers]
    accuracies = [accuracy for accuracy, _ in measured]
    mean, stderr = mean_and_stderr(accuracies)
    return {
        "accuracy": mean,
        "stderr": stderr,
        "auc": auc(scores, same),
        "eer": equal_error_rate(scores, same),
        "per_fold": accuracies,
        "thresholds": [threshold for _, threshold in measured],
        "roc": roc_points(scores, same),
        "n_pairs": len(scores),
        "n_same": int(same.sum()),
        "n_folds": len(numbers),
    }


def mean_and_stderr(accuracies: list[float]) -> tuple[float, float]:
    """Mean over folds and its standard error: deviation (ddof 1) over the root of their number.

    Args:
        accuracies: of at least two folds.

    Raises:
        ValueError: fewer than two folds.
    """
    if len(accuracies) < 2:
        raise ValueError(f"{len(accuracies)} fold(s): a standard error needs at least 2")
    spread = statistics.stdev(accuracies)
    return statistics.fmean(accuracies), spread / math.sqrt(len(accuracies))


def _checked(scores: Tensor, same: Tensor, fold: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The three on the CPU as float64, bool and int64, at least one pair."""
    scores, same = checked_scores(scores, same)
    if fold.shape != scores.shape:
        raise ValueError(f"fold must be ({len(scores)},), found {tuple(fold.shape)}")
    if fold.is_floating_point() or fold.is_complex() or fold.dtype == torch.bool:
        raise ValueError(f"fold must be integers, found {fold.dtype}")
    if len(scores) == 0:
        raise ValueError("there are no pairs: nothing can be verified")
    return scores, same, fold.detach().cpu().long()


def _measured(scores: Tensor, same: Tensor, fold: Tensor, number: int) -> tuple[float, float]:
    """Accuracy on a fold, and the threshold of all others that gives it."""
    held = fold == number
    size, total = int(held.sum()), len(fold)
    if size == 0:
        raise ValueError(f"fold {number} has no pairs; the folds are {torch.unique(fold).tolist()}")
    if size == total:
        raise ValueError(
            f"all {total} pairs are of fold {number}: its threshold comes from other folds, so at "
            "least 2 folds are needed"
        )
    known = int(same[~held].sum())
    if known in (0, total - size):
        raise ValueError(
            f"the pairs outside fold {number} are {known} same and {total - size - known} "
            "different: a threshold needs both kinds; spread them over more folds"
        )
    threshold = best_threshold(scores[~held], same[~held])
    return float(((scores[held] >= threshold) == same[held]).double().mean()), threshold
