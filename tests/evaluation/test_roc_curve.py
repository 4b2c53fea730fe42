"""ROC points, AUC and EER against loops over thresholds, scikit-learn and worked numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn import metrics

from simlearn.evaluation.roc_curve import (
    auc,
    checked_scores,
    equal_error_rate,
    roc_points,
    score_counts,
)


def slow_points(scores, same):
    """Rates at every threshold, counted pair by pair."""
    points = []
    for threshold in [float("inf"), *sorted(set(scores), reverse=True)]:
        wrong = sum(s >= threshold for s, y in zip(scores, same, strict=True) if not y)
        right = sum(s >= threshold for s, y in zip(scores, same, strict=True) if y)
        points.append((wrong / (len(same) - sum(same)), right / sum(same)))
    return points


def slow_auc(scores, same):
    """Share of couples in the right order, a tie counting half: O(P squared)."""
    couples = [
        1.0 if a > b else 0.5 if a == b else 0.0
        for a, y in zip(scores, same, strict=True)
        if y
        for b, other in zip(scores, same, strict=True)
        if not other
    ]
    return sum(couples) / len(couples)


def slow_eer(scores, same):
    """Where the ROC polygon meets FPR + TPR = 1, by bisection on its length."""
    points = slow_points(scores, same)
    low, high = 0.0, float(len(points) - 1)

    def at(t):
        k = min(int(t), len(points) - 2)
        (a, b), (c, d) = points[k], points[k + 1]
        return a + (t - k) * (c - a), b + (t - k) * (d - b)

    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if sum(at(middle)) < 1 else (low, middle)
    return at(high)[0]


@st.composite
def scored(draw):
    """Scores with many ties and both kinds of pairs."""
    number = draw(st.integers(2, 25))
    scores = draw(st.lists(st.integers(-4, 4), min_size=number, max_size=number))
    same = draw(st.lists(st.booleans(), min_size=number, max_size=number))
    assume(0 < sum(same) < number)
    return torch.tensor(scores, dtype=torch.float64) / 4, torch.tensor(same)


@given(scored())
def test_equal_to_the_slow_truth(pairs):
    scores, same = pairs
    s, y = scores.tolist(), same.tolist()
    fpr, tpr = roc_points(scores, same)
    assert list(zip(fpr.tolist(), tpr.tolist(), strict=True)) == slow_points(s, y)
    assert auc(scores, same) == pytest.approx(slow_auc(s, y), abs=1e-14)
    assert equal_error_rate(scores, same) == pytest.approx(slow_eer(s, y), abs=1e-12)


@given(scored())
def test_equal_to_scikit_learn(pairs):
    scores, same = pairs
    fpr, tpr, _ = metrics.roc_curve(same.numpy(), scores.numpy(), drop_intermediate=False)
    found = roc_points(scores, same)
    np.testing.assert_array_equal(found[0].numpy(), fpr)
    np.testing.assert_array_equal(found[1].numpy(), tpr)
    assert auc(scores, same) == pytest.approx(metrics.roc_auc_score(same, scores), abs=1e-12)


@given(scored(), st.randoms(use_true_random=False))
def test_invariant_to_order_and_to_rising_maps(pairs, random):
    scores, same = pairs
    order = random.sample(range(len(same)), len(same))
    for other, labels in (
        (scores[order], same[order]),
        (scores.exp() * 1e-20, same),
        (scores**3 - 7, same),
        (scores.float(), same.int()),
    ):
        assert auc(other, labels) == auc(scores, same)
        assert equal_error_rate(other, labels) == equal_error_rate(scores, same)
        assert torch.equal(roc_points(other, labels)[0], roc_points(scores, same)[0])


@given(scored())
def test_kinds_exchanged(pairs):
    scores, same = pairs
    assert auc(-scores, ~same) == auc(scores, same)
    assert equal_error_rate(-scores, ~same) == pytest.approx(equal_error_rate(scores, same))
    assert auc(-scores, same) == pytest.approx(1 - auc(scores, same), abs=1e-15)
    assert equal_error_rate(-scores, same) == pytest.approx(1 - equal_error_rate(scores, same))


@given(scored())
def test_eer_lies_on_the_curve_where_both_errors_are_equal(pairs):
    fpr, tpr = (points.numpy() for points in roc_points(*pairs))
    eer = equal_error_rate(*pairs)
    assert np.hypot(fpr - eer, 1 - tpr - eer).min() <= np.hypot(np.diff(fpr), np.diff(tpr)).max()
    below, above = fpr + tpr <= 1 + 1e-12, fpr + tpr >= 1 - 1e-12
    assert fpr[below].max() - 1e-12 <= eer <= fpr[above].min() + 1e-12


@pytest.mark.parametrize(
    ("scores", "same", "area", "eer"),
    [
        ([2.0, 3.0, 0.0, 1.0], [1, 1, 0, 0], 1.0, 0.0),
        ([0.0, 1.0, 2.0, 3.0], [1, 1, 0, 0], 0.0, 1.0),
        ([5.0, 5.0, 5.0], [1, 0, 0], 0.5, 0.5),
        ([4.0, 3.0, 2.0, 1.0], [1, 0, 1, 0], 0.75, 0.5),
        ([3.0, 2.0, 2.0, 1.0], [1, 1, 0, 0], 0.875, 0.25),  # halfway from (0, 1/2) to (1/2, 1)
        ([9.0, 8.0, 7.0, 6.0, 5.0], [1, 1, 0, 1, 0], 5 / 6, 1 / 3),
        ([0.0, -0.0, 1.0], [1, 0, 1], 0.75, 1 / 3),  # the zeros are one score
    ],
)
def test_worked_numbers(scores, same, area, eer):
    scores, same = torch.tensor(scores), torch.tensor(same)
    assert auc(scores, same) == area
    assert equal_error_rate(scores, same) == pytest.approx(eer)


def test_huge_and_tiny_scores():
    scores = torch.tensor([1e308, 1e-320, -1e308, 5e-324], dtype=torch.float64)
    same = torch.tensor([True, True, False, False])
    assert auc(scores, same) == 1.0
    assert roc_points(scores, same)[1].tolist() == [0, 0.5, 1, 1, 1]


def test_scores_are_taken_without_a_graph_and_counted():
    scores = torch.tensor([0.5, 0.25, 0.5], requires_grad=True)
    values, same_at, different_at = score_counts(scores, torch.tensor([1, 1, 0]))
    assert values.tolist() == [0.25, 0.5]
    assert not values.requires_grad
    assert (same_at.tolist(), different_at.tolist()) == ([1, 1], [0, 1])
    found, kinds = checked_scores(torch.zeros(0), torch.zeros(0, dtype=torch.bool))
    assert (found.shape, found.dtype, kinds.dtype) == ((0,), torch.float64, torch.bool)


ONE = torch.tensor([0.0, 1.0])


@pytest.mark.parametrize("measure", [roc_points, auc, equal_error_rate, score_counts])
@pytest.mark.parametrize(
    ("scores", "same", "message"),
    [
        (ONE, torch.tensor([1, 1]), "^2 same and 0 different pairs: both kinds are needed$"),
        (ONE, torch.tensor([0, 0]), "^0 same and 2 different pairs"),
        (ONE[:0], torch.tensor([], dtype=torch.bool), "^0 same and 0 different pairs"),
        (ONE, torch.tensor([1]), r"^scores and same must be \(P,\), found \(2,\) and \(1,\)$"),
        (ONE[None], torch.tensor([[1, 0]]), r"found \(1, 2\) and \(1, 2\)"),
        (ONE, torch.tensor([1.0, 0.0]), "^same must be bool or integers 0 and 1, found torch.fl"),
        (ONE, torch.tensor([1, -1]), "^same must be 0 or 1, found -1$"),
        (ONE * torch.nan, torch.tensor([1, 0]), "^2 of 2 scores are not finite; look at"),
        (ONE / 0, torch.tensor([1, 0]), "^2 of 2 scores are not finite"),
    ],
)
def test_mistakes_are_named(measure, scores, same, message):
    with pytest.raises(ValueError, match=message):
        measure(scores, same)
