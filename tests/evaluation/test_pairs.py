"""Thresholds from the other folds against a loop over cuts, and worked numbers."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from simlearn.evaluation.pairs import (
    best_threshold,
    fold_verification,
    mean_and_stderr,
    verification,
)
from simlearn.evaluation.roc_curve import auc, equal_error_rate, roc_points


def slow_threshold(scores, same):
    """The first of the best cuts, each tried on every pair: O(P squared)."""
    values = sorted(set(scores))
    middles = [(a + b) / 2 for a, b in itertools.pairwise(values)]
    best, most = None, -1
    for threshold in [-math.inf, *middles, math.inf]:
        right = [(s >= threshold) == y for s, y in zip(scores, same, strict=True)].count(True)
        if right > most:
            best, most = threshold, right
    return best


def slow_folds(scores, same, fold):
    """(accuracy, threshold) of each fold by loops over lists."""
    rows = list(zip(scores, same, fold, strict=True))
    found = []
    for k in sorted(set(fold)):
        threshold = slow_threshold(*zip(*[(s, y) for s, y, f in rows if f != k], strict=True))
        right = [(s >= threshold) == y for s, y, f in rows if f == k]
        found.append((sum(right) / len(right), threshold))
    return found


@st.composite
def folded(draw):
    """Scores with ties, kinds and folds (with gaps) that have all they need outside each fold."""
    number = draw(st.integers(4, 30))
    scores = draw(st.lists(st.integers(-5, 5), min_size=number, max_size=number))
    same = draw(st.lists(st.booleans(), min_size=number, max_size=number))
    fold = draw(st.lists(st.sampled_from([-1, 2, 3, 7]), min_size=number, max_size=number))
    for k in set(fold):
        assume(len({y for y, f in zip(same, fold, strict=True) if f != k}) == 2)
    return torch.tensor(scores).double() / 8, torch.tensor(same), torch.tensor(fold)


@given(folded())
def test_equal_to_the_slow_truth(pairs):
    found = verification(*pairs)
    scores, same, fold = pairs
    slow = slow_folds(scores.tolist(), same.tolist(), fold.tolist())
    assert found["per_fold"] == pytest.approx([a for a, _ in slow], abs=1e-15)
    assert found["thresholds"] == [t for _, t in slow]
    mean = sum(a for a, _ in slow) / len(slow)
    variance = sum((a - mean) ** 2 for a, _ in slow) / (len(slow) - 1)
    assert found["accuracy"] == pytest.approx(mean, abs=1e-15)
    assert found["stderr"] == pytest.approx((variance / len(slow)) ** 0.5, abs=1e-12)
    assert found["auc"] == auc(scores, same)
    assert found["eer"] == equal_error_rate(scores, same)
    assert torch.equal(found["roc"][1], roc_points(scores, same)[1])
    assert (found["n_pairs"], found["n_same"]) == (len(scores), int(same.sum()))
    assert found["n_folds"] == len(slow)


@given(folded(), st.randoms(use_true_random=False))
def test_invariant_to_order_and_to_affine_maps(pairs, random):
    scores, same, fold = pairs
    order = random.sample(range(len(same)), len(same))
    plain = verification(*pairs)
    for values, labels, folds in (
        (scores[order], same[order], fold[order]),
        (scores * 1024 - 3, same, fold),
        (scores.float(), same.long(), 2 * fold.int() + 1),
    ):
        found = verification(values, labels, folds)
        for key in ("per_fold", "accuracy", "stderr", "auc", "eer", "n_folds"):
            assert found[key] == plain[key], key


@given(folded())
def test_rising_maps_change_nothing_where_every_fold_has_the_same_scores(pairs):
    values, kinds, _ = pairs
    scores, same = values.repeat(3), torch.cat([kinds, kinds.flip(0), kinds])
    fold = torch.arange(3).repeat_interleave(len(values))
    plain = verification(scores, same, fold)
    found = verification((3 * scores).exp(), same, fold)
    for key in ("per_fold", "accuracy", "auc", "eer"):
        assert found[key] == plain[key], key


@given(folded())
def test_one_fold_is_measured_as_among_all(pairs):
    whole = verification(*pairs)
    scores, same, fold = pairs
    for place, k in enumerate(sorted(set(fold.tolist()))):
        held = fold == k
        if len(set(same[held].tolist())) == 2:
            one = fold_verification(*pairs, k)
            assert one["auc"] == auc(scores[held], same[held])
            assert one["eer"] == equal_error_rate(scores[held], same[held])
            assert torch.equal(one["roc"][0], roc_points(scores[held], same[held])[0])
        else:
            with pytest.warns(UserWarning, match=f"fold {k} has .* its AUC and EER are nan"):
                one = fold_verification(*pairs, k)
            assert math.isnan(one["auc"])
            assert math.isnan(one["eer"])
            assert [len(points) for points in one["roc"]] == [0, 0]
        assert (one["accuracy"], one["threshold"]) == (
            whole["per_fold"][place],
            whole["thresholds"][place],
        )
        assert (one["n_pairs"], one["n_same"]) == (int(held.sum()), int(same[held].sum()))


def test_worked_numbers():
    scores = torch.tensor([-1.0, -2.0, -3.0, -4.0, -1.0, -2.5, -2.0, -5.0])
    same = torch.tensor([1, 1, 0, 0, 1, 1, 0, 0])
    fold = torch.tensor([0, 0, 0, 0, 1, 1, 1, 1])
    found = verification(scores, same, fold)
    # fold 0 by fold 1: right 2 3 2 3 2 for cuts below -5, -2.5, -2, -1, none: the lower, -3.75
    assert found["thresholds"] == [-3.75, -2.5]
    assert found["per_fold"] == [0.75, 0.75]
    assert (found["accuracy"], found["stderr"]) == (0.75, 0.0)
    assert found["auc"] == 14.5 / 16
    assert (found["n_pairs"], found["n_same"], found["n_folds"]) == (8, 4, 2)


@pytest.mark.parametrize(
    ("scores", "same", "threshold"),
    [
        ([1.0, 2.0], [0, 1], 1.5),
        ([1.0, 2.0], [1, 0], -math.inf),  # both ends have one right: the lowest
        ([1.0, 2.0, 3.0], [1, 0, 1], -math.inf),  # the cut 2.5 is as good
        ([1.0, 2.0, 3.0], [1, 0, 0], math.inf),
        ([1.0, 1.0, 1.0], [1, 0, 0], math.inf),  # ties are never separated
        ([1.0, 1.0, 1.0], [1, 1, 0], -math.inf),
        ([1.0, 1.0, 2.0, 2.0, 2.0], [0, 0, 1, 1, 0], 1.5),
        ([0.0, 1.0, 2.0, 3.0], [0, 1, 0, 1], 0.5),  # and 2.5, as good
    ],
)
def test_best_threshold(scores, same, threshold):
    assert best_threshold(torch.tensor(scores), torch.tensor(same)) == threshold


@pytest.mark.parametrize("low", [1.0, -1.0, 0.0, 1e308, -1.7e308, 5e-324, -5e-324])
def test_a_threshold_between_neighbouring_floats_keeps_them_apart(low):
    high = math.nextafter(low, math.inf)
    threshold = best_threshold(
        torch.tensor([low, high], dtype=torch.float64), torch.tensor([False, True])
    )
    assert low < threshold <= high


def test_a_threshold_between_huge_scores_is_finite():
    scores = torch.tensor([-1.7e308, 1.6e308, 1.7e308], dtype=torch.float64)
    assert best_threshold(scores, torch.tensor([0, 1, 1])) == pytest.approx(-0.05e308)
    assert best_threshold(scores, torch.tensor([0, 0, 1])) == pytest.approx(1.65e308)


def test_a_fold_whose_best_cut_is_at_the_end():
    scores = torch.tensor([3.0, 2.0, 1.0, 0.0, 1.0, -9.0])
    same = torch.tensor([0, 0, 1, 1, 1, 0])
    fold = torch.tensor([0, 0, 0, 1, 1, 1])
    found = verification(scores, same, fold)
    # fold 1 by fold 0: all different has 2 of 3 right; fold 0 by fold 1: -4.5 parts the kinds
    assert found["thresholds"] == [-4.5, math.inf]
    assert found["per_fold"] == pytest.approx([1 / 3, 1 / 3])


def test_a_score_equal_to_the_threshold_is_same():
    scores = torch.tensor([0.0, 1.0, 0.5, 0.5])
    found = fold_verification(scores, torch.tensor([0, 1, 1, 0]), torch.tensor([0, 0, 1, 1]), 1)
    assert (found["threshold"], found["accuracy"], found["auc"]) == (0.5, 0.5, 0.5)


def test_pairs_of_the_fold_do_not_move_its_threshold():
    g = torch.Generator().manual_seed(0)
    scores, same = torch.randn(200, generator=g), torch.arange(200) % 2 == 0
    fold = torch.arange(200) // 50
    moved = torch.where(fold == 2, 100 * scores + 50, scores)
    before, after = (verification(s, same, fold)["thresholds"] for s in (scores, moved))
    assert before[2] == after[2]
    assert before != after


def test_random_scores_are_right_half_of_the_time_and_apart_ones_always():
    g = torch.Generator().manual_seed(1)
    scores, same = torch.randn(4000, generator=g), torch.arange(4000) % 2 == 0
    fold = torch.arange(4000) // 400
    found = verification(scores, same, fold)
    assert abs(found["accuracy"] - 0.5) < 0.03
    assert abs(found["auc"] - 0.5) < 0.03
    assert abs(found["eer"] - 0.5) < 0.03
    assert 0.001 < found["stderr"] < 0.02
    found = verification(scores + 20 * same, same, fold)
    values = [found[key] for key in ("accuracy", "auc", "eer", "stderr")]
    assert values == [1.0, 1.0, 0.0, 0.0]


def test_no_graph_is_needed_and_half_precision_is_taken():
    scores = torch.tensor([0.1, 0.9, 0.2, 0.8], requires_grad=True)
    same, fold = torch.tensor([0, 1, 0, 1]), torch.tensor([0, 0, 1, 1])
    assert verification(scores, same, fold)["accuracy"] == 1.0
    assert verification(scores.half(), same.to(torch.uint8), fold)["accuracy"] == 1.0


def test_mean_and_standard_error():
    assert mean_and_stderr([0.5, 1.0]) == (0.75, pytest.approx(0.25))
    with pytest.raises(ValueError, match=r"^1 fold\(s\): a standard error needs at least 2$"):
        mean_and_stderr([0.5])


S = torch.tensor([0.0, 1.0, 2.0, 3.0])
Y = torch.tensor([0, 1, 0, 1])
F = torch.tensor([0, 0, 1, 1])


@pytest.mark.parametrize(
    ("scores", "same", "fold", "message"),
    [
        (S[None], Y[None], F[None], r"^scores and same must be \(P,\), found \(1, 4\)"),
        (S, Y[:3], F, r"found \(4,\) and \(3,\)"),
        (S, Y, F[:3], r"^fold must be \(4,\), found \(3,\)$"),
        (S, Y, F.float(), "^fold must be integers, found torch.float32$"),
        (S, Y, F.bool(), "^fold must be integers, found torch.bool$"),
        (S, Y.float(), F, "^same must be bool or integers 0 and 1, found torch.float32"),
        (S, Y + 1, F, "^same must be 0 or 1, found 2$"),
        (S * torch.inf, Y, F, "^4 of 4 scores are not finite"),
        (S[:0], Y[:0], F[:0], "^there are no pairs: nothing can be verified$"),
        (S, Y, F * 0, "^all 4 pairs are of fold 0: .* at least 2 folds are needed$"),
        (S, Y * 0, F, "^the pairs outside fold 0 are 0 same and 2 different: a threshold needs"),
        (S, F, F, "^the pairs outside fold 0 are 2 same and 0 different: .* more folds$"),
    ],
)
def test_mistakes_are_named(scores, same, fold, message):
    with pytest.raises(ValueError, match=message):
        verification(scores, same, fold)
    with pytest.raises(ValueError, match=message):
        fold_verification(scores, same, fold, 0)


def test_a_fold_that_is_not_there():
    with pytest.raises(ValueError, match=r"^fold 5 has no pairs; the folds are \[0, 1\]$"):
        fold_verification(S, Y, F, 5)
