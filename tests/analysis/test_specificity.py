import math

import pytest
import torch

from simlearn.analysis.specificity import AnswersUnderMasks, mask_specificity


def side(seed, questions, kept, kept_random, masks=20):
    """Scores of which a mask leaves the share ``kept``, a random mask ``kept_random``."""
    g = torch.Generator().manual_seed(seed)
    base = (torch.rand(questions, generator=g) < 0.9).double()
    masked = base * (torch.rand(questions, generator=g) < kept)
    controls = base * (torch.rand(masks, questions, generator=g) < kept_random)
    return AnswersUnderMasks(base, masked, controls)


def test_value_is_the_difference_of_differences():
    own, other = side(0, 30, 0.3, 0.9, masks=4), side(1, 50, 0.9, 0.9, masks=4)
    found = mask_specificity(own, other, draws=20)

    def drop(a, b):
        return sum(float(x) - float(y) for x, y in zip(a, b, strict=True)) / len(a)

    mined = drop(own.base, own.masked) - drop(other.base, other.masked)
    random = sum(
        drop(own.base, a) - drop(other.base, b)
        for a, b in zip(own.controls, other.controls, strict=True)
    )
    assert found.difference == pytest.approx(mined, abs=1e-12)
    assert found.random_difference == pytest.approx(random / 4, abs=1e-12)
    assert found.excess == pytest.approx(mined - random / 4, abs=1e-12)
    assert (found.n, found.masks) == ((30, 50), 4)


def test_a_specific_mask_is_seen_and_a_general_one_is_not():
    specific = mask_specificity(side(0, 200, 0.3, 0.9), side(1, 200, 0.9, 0.9))
    assert specific.excess_interval[0] > 0
    general = mask_specificity(side(2, 200, 0.3, 0.9), side(3, 200, 0.3, 0.9))
    assert general.excess_interval[0] < 0 < general.excess_interval[1]


def test_questions_that_any_mask_upsets_are_no_specificity():
    """Random masks fell the same questions as the mined one does."""
    fragile = side(4, 200, 0.3, 0.3)
    found = mask_specificity(fragile, side(5, 200, 0.95, 0.95))
    assert found.interval[0] > 0
    assert found.excess_interval[0] < 0 < found.excess_interval[1]


def test_a_drawn_mask_counts_on_both_sides():
    """Masks that hurt both sets alike cancel; they would not if drawn for each set apart."""
    base = torch.ones(10, dtype=torch.float64)
    strength = torch.linspace(0, 1, 8, dtype=torch.float64)[:, None].expand(8, 10)
    same = AnswersUnderMasks(base, base, base - strength)
    found = mask_specificity(same, same)
    assert found.excess == pytest.approx(0, abs=1e-12)
    assert found.excess_interval == pytest.approx((0, 0), abs=1e-9)


def test_sign_of_a_loss_and_repeatability():
    own, other = side(6, 20, 0.5, 0.9), side(7, 20, 0.9, 0.9)
    plus = mask_specificity(own, other, seed=3)
    minus = mask_specificity(own, other, seed=3, higher_is_better=False)
    assert minus.excess == pytest.approx(-plus.excess)
    assert mask_specificity(own, other, seed=3) == plus


def test_empty_side_is_nan_and_errors_say_why():
    empty = AnswersUnderMasks(torch.zeros(0), torch.zeros(0), torch.zeros(20, 0))
    assert math.isnan(mask_specificity(empty, side(0, 5, 1, 1), draws=3).excess_interval[0])
    with pytest.raises(ValueError, match="20 random masks on the own questions and 4 on the"):
        mask_specificity(side(0, 5, 1, 1), side(1, 5, 1, 1, masks=4))
    with pytest.raises(ValueError, match="draws is 0"):
        mask_specificity(side(0, 5, 1, 1), side(1, 5, 1, 1), draws=0)


def test_questions_about_one_picture_are_drawn_together():
    """Every question asked four times: no less uncertain, where they are known to be the same."""
    own, other = side(4, 30, 0.5, 0.9), side(5, 30, 0.9, 0.9)
    rows = torch.arange(30).repeat_interleave(4)
    many = AnswersUnderMasks(own.base[rows], own.masked[rows], own.controls[:, rows], rows)
    once, together = (mask_specificity(a, other, draws=300) for a in (own, many))
    assert together.excess == pytest.approx(once.excess) and together.n == (120, 30)
    assert together.excess_interval == pytest.approx(once.excess_interval, abs=1e-9)
    blind = AnswersUnderMasks(many.base, many.masked, many.controls)
    alone = mask_specificity(blind, other, draws=300)
    assert alone.interval[1] - alone.interval[0] < together.interval[1] - together.interval[0]
