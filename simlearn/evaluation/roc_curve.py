"""ROC curve of scored pairs, the area under it and the equal error rate."""

from __future__ import annotations

import torch
from torch import Tensor


def checked_scores(scores: Tensor, same: Tensor) -> tuple[Tensor, Tensor]:
    """Scores as float64 and labels as bool, both ``(P,)`` on the CPU without a graph.

    Args:
        scores: ``(P,)`` numbers, higher = more alike; P = 0 is allowed.
        same: ``(P,)`` bool, or integers 0 and 1.

    Raises:
        ValueError: wrong shapes, labels other than 0 and 1, a score that is not finite.
    """
    if scores.ndim != 1 or same.shape != scores.shape:
        raise ValueError(
            f"scores and same must be (P,), found {tuple(scores.shape)} and {tuple(same.shape)}"
        )
    if same.is_floating_point() or same.is_complex():
        raise ValueError(f"same must be bool or integers 0 and 1, found {same.dtype}")
    wrong = same[(same != 0) & (same != 1)]
    if len(wrong):
        raise ValueError(f"same must be 0 or 1, found {int(wrong[0])}")
    values = scores.detach().cpu().double() + 0.0  # no -0.0: it would sort apart from 0.0
    bad = int((~torch.isfinite(values)).sum())
    if bad:
        raise ValueError(
            f"{bad} of {len(values)} scores are not finite; look at the embeddings they came from"
        )
    return values, same.detach().cpu().bool()


def score_counts(scores: Tensor, same: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The distinct scores and how many pairs of each kind have them; O(P log P).

    Args:
        scores: ``(P,)``, higher = more alike.
        same: ``(P,)`` bool, or 0 and 1.

    Returns:
        ``(K,)`` float64 scores, ascending; ``(K,)`` int64 counts of same pairs; ``(K,)`` int64
        counts of different pairs.

    Raises:
        ValueError: as :func:`checked_scores`, or pairs of one kind only, or none.
    """
    scores, same = checked_scores(scores, same)
    number = int(same.sum())
    if number in (0, len(same)):
        raise ValueError(
            f"{number} same and {len(same) - number} different pairs: both kinds are needed"
        )
    values, place = torch.unique(scores, sorted=True, return_inverse=True)
    same_at = torch.bincount(place[same], minlength=len(values))
    return values, same_at, torch.bincount(place[~same], minlength=len(values))


def roc_points(scores: Tensor, same: Tensor) -> tuple[Tensor, Tensor]:
    """False and true positive rates, from the strictest threshold to the loosest.

    The first point is (0, 0); each distinct score then adds one, so that pairs of equal scores
    are never separated; the last is (1, 1). A pair is positive where its score is at least the
    threshold. O(P log P).

    Args:
        scores: ``(P,)``, higher = more alike.
        same: ``(P,)`` bool, or 0 and 1.

    Returns:
        ``(fpr, tpr)``, both ``(K + 1,)`` float64 in [0, 1] for K distinct scores, ascending.

    Raises:
        ValueError: wrong shapes or labels, a score that is not finite, or pairs of one kind only.
    """
    false, true = _positives(scores, same)
    return false.double() / int(false[-1]), true.double() / int(true[-1])


def auc(scores: Tensor, same: Tensor) -> float:
    """Area under the ROC curve: the share of (same, different) couples in the right order.

    The Mann-Whitney statistic (Hanley and McNeil 1982), a tie counting half; counted in whole
    numbers, so it does not depend on the order of the pairs. O(P log P).

    Args:
        scores: ``(P,)``, higher = more alike.
        same: ``(P,)`` bool, or 0 and 1.

    Returns:
        A number in [0, 1]; 0.5 where all scores are equal.

    Raises:
        ValueError: wrong shapes or labels, a score that is not finite, or pairs of one kind only.
    """
    _, same_at, different_at = score_counts(scores, same)
    below = different_at.cumsum(0) - different_at
    twice = int((same_at * (2 * below + different_at)).sum())
    return twice / (2 * int(same_at.sum()) * int(different_at.sum()))


def equal_error_rate(scores: Tensor, same: Tensor) -> float:
    """The error rate where as large a share of different as of same pairs is judged wrongly.

    Along the ROC curve FPR - FNR rises from -1 to 1; where it passes 0 between two neighbouring
    points, FPR is interpolated linearly between them. O(P log P).

    Args:
        scores: ``(P,)``, higher = more alike.
        same: ``(P,)`` bool, or 0 and 1.

    Returns:
        A number in [0, 1]; 0 where the kinds are apart, 0.5 where all scores are equal.

    Raises:
        ValueError: wrong shapes or labels, a score that is not finite, or pairs of one kind only.
    """
    false, true = _positives(scores, same)
    number, others = int(true[-1]), int(false[-1])
    gap = false * number + true * others - number * others  # (FPR - FNR) times both numbers
    k = int((gap < 0).sum())
    low, high = int(gap[k - 1]), int(gap[k])
    before, after = int(false[k - 1]), int(false[k])
    return (before + (after - before) * -low / (high - low)) / others


def _positives(scores: Tensor, same: Tensor) -> tuple[Tensor, Tensor]:
    """Numbers of false and true positives ``(K + 1,)`` int64, from the strictest threshold on."""
    _, same_at, different_at = score_counts(scores, same)
    none = same_at.new_zeros(1)
    false = torch.cat([none, different_at.flip(0).cumsum(0)])
    return false, torch.cat([none, same_at.flip(0).cumsum(0)])
