"""Contrastive loss against two nested loops, worked numbers and pytorch-metric-learning."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.losses import ContrastiveLoss, Pairs, contrastive_loss


def naive(z, y, margin, reduction):
    """Two loops over plain Python numbers: (value, active, total)."""
    z, y = z.tolist(), y.tolist()
    pull, push = [], []
    for i in range(len(y)):
        for j in range(i + 1, len(y)):
            d = math.dist(z[i], z[j])
            if y[i] == y[j]:
                pull.append(d * d / 2)
            else:
                push.append(max(0.0, margin - d) ** 2 / 2)
    active = sum(v > 0 for v in pull + push)
    if reduction == "pairs":
        both = pull + push
        return (sum(both) / len(both) if both else 0.0), active, len(both)
    value = sum(sum(side) / len(side) for side in (pull, push) if side)
    return value, active, len(pull) + len(push)


def batch(seed, b, classes):
    g = torch.Generator().manual_seed(seed)
    z = torch.randn(b, 3, generator=g, dtype=torch.float64)
    return z, torch.randint(classes, (b,), generator=g)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 14), st.integers(1, 5), st.floats(0.1, 3))
def test_equals_the_loops(seed, b, classes, margin):
    z, y = batch(seed, b, classes)
    for reduction in ("pairs", "balanced"):
        out = contrastive_loss(z, y, margin=margin, reduction=reduction)
        value, active, total = naive(z, y, margin, reduction)
        assert (out.active, out.total) == (active, total)
        assert float(out.value) == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize(
    ("d", "labels", "value"), [(0.5, [0, 0], 0.125), (0.4, [0, 1], 0.18), (1.2, [0, 1], 0.0)]
)
def test_worked_numbers(d, labels, value):
    out = contrastive_loss(torch.tensor([[0.0], [d]]), torch.tensor(labels), margin=1.0)
    assert float(out.value) == pytest.approx(value, abs=1e-6)


def test_given_pairs():
    z, y = batch(1, 6, 3)
    pairs = Pairs(*(torch.tensor(v) for v in ([0, 1], [2, 3], [4], [5])))
    pull = [math.dist(z[0], z[2]) ** 2 / 2, math.dist(z[1], z[3]) ** 2 / 2]
    push = max(0.0, 1 - math.dist(z[4], z[5])) ** 2 / 2
    out = contrastive_loss(z, y, pairs)
    assert float(out.value) == pytest.approx((sum(pull) + push) / 3, abs=1e-9)
    assert out.total == 3


def test_gradient_is_right_and_finite_at_zero():
    z, y = batch(3, 7, 2)
    z.requires_grad_()
    assert torch.autograd.gradcheck(lambda v: contrastive_loss(v, y).value, (z,))
    zero = torch.zeros(4, 3, requires_grad=True)
    contrastive_loss(zero, torch.tensor([0, 0, 1, 1])).value.backward()
    assert torch.isfinite(zero.grad).all()


def test_equals_pytorch_metric_learning_where_definitions_agree():
    # theirs with squared distances (power 2) and no factor 1/2: pull sides differ by exactly 2
    from pytorch_metric_learning.distances import LpDistance
    from pytorch_metric_learning.losses import ContrastiveLoss as Theirs
    from pytorch_metric_learning.reducers import MeanReducer

    z, y = batch(4, 16, 1)
    plain = LpDistance(normalize_embeddings=False, power=2)
    theirs = Theirs(pos_margin=0, neg_margin=1, distance=plain, reducer=MeanReducer())(z, y)
    assert 2 * float(contrastive_loss(z, y).value) == pytest.approx(float(theirs), abs=1e-6)


def test_mistakes_are_named():
    z, y = batch(0, 6, 2)
    with pytest.raises(ValueError, match="must be one of pairs, balanced"):
        contrastive_loss(z, y, reduction="mean")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="margin is 0"):
        ContrastiveLoss(margin=0)
    with pytest.raises(ValueError, match="integer labels"):
        contrastive_loss(z, y.double())
