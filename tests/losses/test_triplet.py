"""Triplet loss against three nested loops, worked numbers, and what must not change it."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.losses import TripletLoss, triplet_loss


def distance(a, b, squared):
    d2 = sum((x - y) ** 2 for x, y in zip(a, b, strict=True))
    return d2 if squared else math.sqrt(max(d2, 1e-12))


def naive(z, y, *, margin, mining, squared, soft, reduction):
    """Three loops over plain Python numbers: (value, active, total)."""
    z, y, gaps = z.tolist(), y.tolist(), []
    for a in range(len(y)):
        positives = [
            distance(z[a], z[p], squared) for p in range(len(y)) if p != a and y[p] == y[a]
        ]
        negatives = [distance(z[a], z[n], squared) for n in range(len(y)) if y[n] != y[a]]
        if mining == "hard":
            if positives and negatives:
                gaps.append(max(positives) - min(negatives))
            continue
        for p in positives:
            for n in negatives:
                if mining == "all" or p < n < p + margin:
                    gaps.append(p - n)
    losses = [math.log1p(math.exp(g)) if soft else max(0.0, g + margin) for g in gaps]
    active = sum(v > 0 for v in losses)
    count = len(losses) if soft or reduction == "all" else active
    return (sum(losses) / count if count else 0.0), active, len(losses)


def batch(seed, b, classes, d=3):
    g = torch.Generator().manual_seed(seed)
    z = torch.randn(b, d, generator=g, dtype=torch.float64)
    return z, torch.randint(classes, (b,), generator=g)


@pytest.mark.parametrize("mining", ["all", "semihard", "hard"])
@pytest.mark.parametrize("squared", [False, True])
@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("reduction", ["active", "all"])
def test_equals_the_loops(mining, squared, soft, reduction):
    how = {"mining": mining, "squared": squared, "soft": soft, "reduction": reduction}
    for seed in range(4):
        z, y = batch(seed, 13, 4)
        out = triplet_loss(z, y, margin=0.7, **how)
        value, active, total = naive(z, y, margin=0.7, **how)
        assert (out.active, out.total) == (active, total)
        assert float(out.value) == pytest.approx(value, abs=1e-9)


def test_worked_number():
    # d_ap^2 = .5 and d_an^2 = .6 with margin .2: 0.1
    z = torch.tensor([[0.0, 0.0], [math.sqrt(0.5), 0.0], [0.0, math.sqrt(0.6)]])
    tuples = (torch.tensor([0]), torch.tensor([1]), torch.tensor([2]))
    out = triplet_loss(z, torch.tensor([0, 0, 1]), tuples, squared=True, margin=0.2)
    assert float(out.value) == pytest.approx(0.1, abs=1e-6)
    assert (out.active, out.total) == (1, 1)


@pytest.mark.parametrize("labels", [[0, 0, 0], [0, 1, 2], []])
def test_nothing_to_compare_gives_zero_with_a_graph(labels):
    z = torch.randn(len(labels), 4, requires_grad=True)
    for mining in ("all", "semihard", "hard"):
        out = triplet_loss(z, torch.tensor(labels, dtype=torch.int64), mining=mining)
        out.value.backward()
        assert (float(out.value.detach()), out.active, out.total) == (0.0, 0, 0)
        assert z.grad is not None and not z.grad.any()


def test_equal_embeddings_have_a_finite_gradient():
    z = torch.zeros(4, 3, requires_grad=True)
    triplet_loss(z, torch.tensor([0, 0, 1, 1])).value.backward()
    assert torch.isfinite(z.grad).all()


def test_gradient_is_right():
    z, y = batch(5, 8, 3)
    z.requires_grad_()
    assert torch.autograd.gradcheck(lambda v: triplet_loss(v, y, margin=0.5).value, (z,))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 16), st.randoms())
def test_order_of_the_batch_does_not_matter(seed, b, random):
    z, y = batch(seed, b, 3)
    order = list(range(b))
    random.shuffle(order)
    for mining in ("all", "semihard", "hard"):
        one = triplet_loss(z, y, mining=mining)
        two = triplet_loss(z[order], y[order], mining=mining)
        assert float(one.value) == pytest.approx(float(two.value), abs=1e-9)
        assert (one.active, one.total) == (two.active, two.total)


def test_equals_pytorch_metric_learning():
    from pytorch_metric_learning.losses import TripletMarginLoss

    z, y = batch(7, 24, 5, d=8)
    z = torch.nn.functional.normalize(z, dim=1)
    theirs = TripletMarginLoss(margin=0.2)(z, y)
    assert float(triplet_loss(z, y, margin=0.2).value) == pytest.approx(float(theirs), abs=1e-6)


def test_half_precision_is_computed_in_float32():
    z, y = batch(9, 12, 3)
    out = triplet_loss(z.to(torch.bfloat16), y)
    assert out.value.dtype == torch.float32
    exact = triplet_loss(z.to(torch.bfloat16).double(), y)
    assert float(out.value) == pytest.approx(float(exact.value), abs=1e-5)


def test_mistakes_are_named():
    z, y = batch(0, 6, 2)
    tuples = (torch.tensor([0]), torch.tensor([1]), torch.tensor([2]))
    with pytest.raises(ValueError, match="mining='hard' cannot be used with tuples"):
        triplet_loss(z, y, tuples, mining="hard")
    with pytest.raises(ValueError, match="must be one of all, semihard, hard"):
        TripletLoss(mining="semi")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"z must be \(B, d\)"):
        triplet_loss(z, y[:3])
    with pytest.raises(ValueError, match="takes \\(a, p, n\\), found 2"):
        triplet_loss(z, y, tuples[:2])
    with pytest.raises(ValueError, match="margin is -1"):
        TripletLoss(margin=-1)
