"""Contrastive loss against two nested loops, worked numbers and pytorch-metric-learning."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.losses import ContrastiveLoss, Pairs, contrastive_loss
from tests.oracles.losses import contrastive_dense, contrastive_loop

REDUCTIONS = ("pairs", "balanced")
reductions = pytest.mark.parametrize("reduction", REDUCTIONS)


def batch(seed, b, classes, d=3):
    g = torch.Generator().manual_seed(seed)
    z = torch.randn(b, d, generator=g, dtype=torch.float64)
    return z, torch.randint(classes, (b,), generator=g)


def some_tuples(seed, b, kind):
    g = torch.Generator().manual_seed(seed)
    if kind == "triplets":
        return tuple(torch.randint(b, (3, 9), generator=g))
    return *torch.randint(b, (2, 5), generator=g), *torch.randint(b, (2, 8), generator=g)


@reductions
@settings(max_examples=20)
@given(st.integers(0, 10_000), st.integers(0, 13), st.integers(1, 5), st.booleans(), st.data())
def test_equals_the_loops(reduction, seed, b, classes, lattice, data):
    z, y = batch(seed, b, classes)
    z = z.round() if lattice else z
    margin = data.draw(st.sampled_from([0.1, 1.0, 2.0, 5.0]))
    how = {
        "margin": margin,
        "reduction": reduction,
        "anchors": data.draw(st.none() | st.integers(0, b)),
    }
    out = contrastive_loss(z, y * 2**33 - 7, **how)
    value, active, total = contrastive_loop(z, y, **how)
    assert (out.active, out.total) == (active, total)
    assert float(out.value) == pytest.approx(value, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize(
    ("d", "labels", "value", "active"),
    [(0.5, [0, 0], 0.125, 1), (0.4, [0, 1], 0.18, 1), (1.2, [0, 1], 0.0, 0), (0.0, [0, 0], 0.0, 0)],
)
@reductions
def test_worked_numbers(d, labels, value, active, reduction):
    z, y = torch.tensor([[0.0], [d]]), torch.tensor(labels)
    out = contrastive_loss(z, y, margin=1.0, reduction=reduction)
    assert float(out.value) == pytest.approx(value, abs=1e-6)
    assert (out.active, out.total) == (active, 1)


@pytest.mark.parametrize("kind", ["pairs", "triplets"])
@reductions
def test_given_tuples(kind, reduction):
    z, y = batch(1, 8, 3)
    tuples = some_tuples(2, 8, kind)
    how = {"margin": 2.0, "reduction": reduction}
    out = contrastive_loss(z, y, tuples, **how)
    value, active, total = contrastive_loop(z, y, tuples, **how)
    assert (out.active, out.total) == (active, total)
    assert float(out.value) == pytest.approx(value, rel=1e-12)
    leaf = z.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda v: contrastive_loss(v, y, tuples, **how).value, (leaf,))


@reductions
def test_one_empty_side_and_two(reduction):
    z, y = batch(1, 6, 3)
    one, none = torch.tensor([0, 3]), torch.zeros(0, dtype=torch.int64)
    for tuples in (
        (one, one + 1, none, none),
        (none, none, one, one + 1),
        (none,) * 4,
        (none,) * 3,
    ):
        leaf = z.clone().requires_grad_()
        out = contrastive_loss(leaf, y, tuples, margin=9.0, reduction=reduction)
        wanted = contrastive_loop(z, y, tuples, margin=9.0, reduction=reduction)
        assert (out.active, out.total) == wanted[1:]
        assert out.value.item() == pytest.approx(wanted[0], rel=1e-12)
        out.value.backward()
        assert bool(leaf.grad.any()) == bool(out.total)


@reductions
@pytest.mark.parametrize("anchors", [None, 3, 7])
def test_gradient(reduction, anchors):
    z, y = batch(3, 7, 2)
    how = {"margin": 2.0, "reduction": reduction, "anchors": anchors}
    one, two = z.clone().requires_grad_(), z.clone().requires_grad_()
    contrastive_loss(one, y, **how).value.backward()
    contrastive_dense(two, y, **how).backward()
    assert two.grad.abs().max() > 1e-2
    assert torch.allclose(one.grad, two.grad, rtol=1e-10, atol=1e-12)
    assert torch.autograd.gradcheck(lambda v: contrastive_loss(v, y, **how).value, (one,))


@reductions
def test_equal_embeddings_have_a_finite_gradient(reduction):
    z = torch.full((4, 3), 0.7, requires_grad=True)
    out = contrastive_loss(z, torch.tensor([0, 0, 1, 1]), reduction=reduction)
    out.value.backward()
    assert torch.isfinite(z.grad).all()
    wanted = (4 / 6 if reduction == "pairs" else 1.0) / 2
    assert out.value.item() == pytest.approx(wanted, rel=1e-5)
    assert (out.active, out.total) == (4, 6)


@pytest.mark.parametrize("labels", [[], [5]])
def test_no_pair_gives_zero_with_a_graph(labels):
    z = torch.randn(len(labels), 4, requires_grad=True)
    out = contrastive_loss(z, torch.tensor(labels, dtype=torch.int64))
    out.value.backward()
    assert (out.value.item(), out.active, out.total) == (0.0, 0, 0)
    assert z.grad.shape == z.shape and not z.grad.any()


@settings(max_examples=12)
@given(st.integers(0, 10_000), st.integers(2, 14), st.randoms())
def test_order_of_the_batch_does_not_matter(seed, b, random):
    z, y = batch(seed, b, 3)
    order = list(range(b))
    random.shuffle(order)
    for reduction in REDUCTIONS:
        grads, outs = [], []
        for v, labels in ((z, y), (z[order], y[order])):
            leaf = v.clone().requires_grad_()
            outs.append(contrastive_loss(leaf, labels, margin=2.0, reduction=reduction))
            outs[-1].value.backward()
            grads.append(leaf.grad)
        assert outs[0].value.item() == pytest.approx(outs[1].value.item(), rel=1e-12)
        assert (outs[0].active, outs[0].total) == (outs[1].active, outs[1].total)
        assert torch.allclose(grads[0][order], grads[1], atol=1e-12)


@settings(max_examples=12)
@given(st.integers(0, 10_000), st.integers(1, 7), st.sampled_from([1e-3, 1.0, 1e3, 1e6]))
def test_duplicates_and_norms(seed, b, norm):
    z, y = batch(seed, b, 3)
    z, y = torch.cat([z, z]) * norm, torch.cat([y, y])
    for reduction in REDUCTIONS:
        out = contrastive_loss(z, y, margin=norm, reduction=reduction)
        value, active, total = contrastive_loop(z, y, margin=norm, reduction=reduction)
        assert (out.active, out.total) == (active, total)
        assert float(out.value) == pytest.approx(value, rel=1e-10)


@reductions
@pytest.mark.parametrize("place", range(4))
def test_nan_is_no_number(place, reduction):
    z = torch.arange(8.0).reshape(4, 2)
    z[place, 0] = torch.nan
    assert contrastive_loss(z, torch.tensor([0, 0, 1, 2]), reduction=reduction).value.isnan()


@reductions
def test_several_blocks_of_rows(reduction):
    """B^2 above 2^20 distances: no block sees them all."""
    z, y = batch(11, 1041, 5, d=2)
    one, two = z.clone().requires_grad_(), z.clone().requires_grad_()
    out = contrastive_loss(one, y, reduction=reduction)
    out.value.backward()
    value = contrastive_dense(two, y, reduction=reduction)
    value.backward()
    assert out.total == 1041 * 1040 // 2
    assert out.value.item() == pytest.approx(value.item(), rel=1e-12)
    assert torch.allclose(one.grad, two.grad, rtol=1e-9, atol=1e-13)


def test_pull_side_of_pytorch_metric_learning():
    """Theirs with squared distances (power 2) and no factor 1/2."""
    from pytorch_metric_learning.distances import LpDistance
    from pytorch_metric_learning.losses import ContrastiveLoss as Theirs
    from pytorch_metric_learning.reducers import MeanReducer

    z, y = batch(4, 16, 1)
    plain = LpDistance(normalize_embeddings=False, power=2)
    theirs = Theirs(pos_margin=0, neg_margin=1, distance=plain, reducer=MeanReducer())(z, y)
    assert 2 * float(contrastive_loss(z, y).value) == pytest.approx(float(theirs), rel=1e-6)


@reductions
def test_terms_of_pytorch_metric_learning(reduction):
    """Its unreduced terms are d and max(0, m - d): ours are half their squares, tuples or not."""
    from pytorch_metric_learning import miners
    from pytorch_metric_learning.distances import LpDistance
    from pytorch_metric_learning.losses import ContrastiveLoss as Theirs
    from pytorch_metric_learning.reducers import DoNothingReducer

    z, y = batch(5, 20, 4)
    distance = LpDistance(normalize_embeddings=False)
    theirs = Theirs(neg_margin=1.5, distance=distance, reducer=DoNothingReducer())
    for miner in (
        lambda z, y: None,
        miners.MultiSimilarityMiner(epsilon=0.5),
        miners.TripletMarginMiner(0.5, distance=distance),
        miners.BatchHardMiner(distance=distance),
    ):
        tuples = miner(z, y)
        found = theirs(z, y, tuples)
        pull, push = (found[f"{side}_loss"]["losses"].square() / 2 for side in ("pos", "neg"))
        sides = [torch.cat([pull, push])] if reduction == "pairs" else [pull, push]
        out = contrastive_loss(z, y, tuples, margin=1.5, reduction=reduction)
        both = 1 if tuples is None else 2  # theirs takes (i, j) and (j, i)
        assert out.total == (len(pull) + len(push)) * both // 2
        assert float(out.value) == pytest.approx(sum(float(s.mean()) for s in sides), rel=1e-6)


def test_class_is_the_function():
    z, y = batch(9, 12, 3)
    pairs = Pairs(*some_tuples(3, 12, "pairs"))
    for reduction in REDUCTIONS:
        loss = ContrastiveLoss(margin=1.7, reduction=reduction)
        for args, how in (((), {}), ((pairs,), {}), ((), {"anchors": 5})):
            wanted = contrastive_loss(z, y, *args, margin=1.7, reduction=reduction, **how)
            found = loss(z, y, *args, **how)
            assert torch.equal(found.value, wanted.value)
            assert (found.active, found.total) == (wanted.active, wanted.total)


def test_mistakes_are_named():
    z, y = batch(0, 6, 2)
    for make in (ContrastiveLoss, lambda **how: contrastive_loss(z, y, **how)):
        with pytest.raises(ValueError, match="^reduction is 'mean', must be one of pairs, balance"):
            make(reduction="mean")
    for margin in (0, -1, float("nan")):
        with pytest.raises(ValueError, match=f"^margin is {margin}, must be above 0$"):
            ContrastiveLoss(margin=margin)
    with pytest.raises(ValueError, match="integer labels"):
        contrastive_loss(z, y.double())
    with pytest.raises(ValueError, match="found 5 tensors instead of 3 or 4"):
        contrastive_loss(z, y, (y,) * 5)
    with pytest.raises(ValueError, match="^anchors is -1, must be 0..6 for 6 embeddings$"):
        contrastive_loss(z, y, anchors=-1)
