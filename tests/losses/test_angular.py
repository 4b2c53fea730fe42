"""Angular loss against loops over the triangle, worked numbers and pytorch-metric-learning."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.losses import AngularLoss, angular_loss
from tests.oracles.losses import all_triplets, angular_dense, angular_loop

unit = torch.nn.functional.normalize


def batch(seed, b, classes, d=3):
    g = torch.Generator().manual_seed(seed)
    z = torch.randn(b, d, generator=g, dtype=torch.float64)
    return z, torch.randint(classes, (b,), generator=g)


def agree(out, wanted, rel=1e-9):
    assert (out.active, out.total) == wanted[1:]
    assert out.value.item() == pytest.approx(wanted[0], rel=rel, abs=1e-12)


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.integers(0, 11), st.integers(1, 5), st.data())
def test_equals_the_loops(seed, b, classes, data):
    z, y = batch(seed, b, classes)
    z = z if data.draw(st.booleans()) else unit(z, dim=1)
    how = {
        "alpha": data.draw(st.sampled_from([1.0, 36.0, 45.0, 60.0])),
        "npair": data.draw(st.sampled_from([0.0, 0.5, 2.0])),
        "pairs": data.draw(st.sampled_from(["all", "one"])),
        "anchors": data.draw(st.none() | st.integers(0, b)),
    }
    agree(angular_loss(z, y * 2**33 - 7, **how), angular_loop(z, y, **how))


@pytest.mark.parametrize(("n", "value"), [([0.0, 1.0], 0.01815), ([1.0, 0.0], 4.01815)])
def test_worked_numbers(n, value):
    z = torch.tensor([[1.0, 0.0], [1.0, 0.0], n])
    y = torch.tensor([0, 0, 1])
    tuples = (torch.tensor([0]), torch.tensor([1]), torch.tensor([2]))
    for out, pairs in ((angular_loss(z, y), 2), (angular_loss(z, y, tuples), 1)):
        assert float(out.value) == pytest.approx(value, abs=5e-6)
        assert (out.active, out.total) == (pairs, pairs)


def test_active_pairs_are_those_that_cost_something():
    """exp(-746) is no number of float64: the pair at (1, 2) and (1, 3) costs nothing."""
    z = torch.tensor([[20.0, 0], [20.0, 0], [0.1, 0], [0.1, 0], [0, 30.0]]).double()
    out = angular_loss(z, torch.tensor([0, 0, 1, 1, 2]))
    agree(out, angular_loop(z, torch.tensor([0, 0, 1, 1, 2])))
    assert (out.active, out.total) == (2, 4)


@pytest.mark.parametrize("kind", ["triplets", "pairs"])
@pytest.mark.parametrize("npair", [0.0, 0.7])
def test_given_tuples(kind, npair):
    """A few triplets, some of them twice: the mean is over their different (a, p)."""
    z, y = batch(6, 9, 3)
    g = torch.Generator().manual_seed(0)
    listed = torch.tensor(all_triplets(y)).T
    a, p, n = listed[:, torch.randint(listed.shape[1], (14,), generator=g)]
    tuples = (a, p, n) if kind == "triplets" else (a[:8], p[:8], a[4:], n[4:])
    out = angular_loss(z, y, tuples, npair=npair)
    agree(out, angular_loop(z, y, tuples, npair=npair))
    assert 1 < out.total < 14
    leaf = z.clone().requires_grad_()
    assert torch.autograd.gradcheck(
        lambda v: angular_loss(v, y, tuples, npair=npair).value, (leaf,)
    )


@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_all_triplets_listed_are_all_pairs(scale):
    z, y = batch(7, 10, 3)
    listed = tuple(torch.tensor(all_triplets(y)).T)
    grads = []
    for tuples in (None, listed):
        leaf = (scale * z).requires_grad_()
        out = angular_loss(leaf, y, tuples, npair=0.3)
        out.value.backward()
        grads.append((out.value.item(), out.active, out.total, leaf.grad))
    assert grads[0][1:3] == grads[1][1:3]
    assert grads[0][0] == pytest.approx(grads[1][0], rel=1e-12)
    assert torch.allclose(grads[0][3], grads[1][3], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("npair", [0.0, 0.7])
@pytest.mark.parametrize("pairs", ["all", "one"])
@pytest.mark.parametrize("anchors", [None, 4])
@pytest.mark.parametrize("scale", [0.5, 15.0])
def test_gradient(npair, pairs, anchors, scale):
    """Small norms: the product of exponentials; large ones: log-sum-exp."""
    z, y = batch(3, 8, 3)
    how = {"npair": npair, "anchors": anchors}
    one, two = (scale * z).requires_grad_(), (scale * z).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda v: angular_loss(v, y, pairs=pairs, **how).value, (one,), atol=1e-4 * scale
    )
    if pairs == "all":
        angular_loss(one, y, **how).value.backward()
        angular_dense(two, y, **how).backward()
        assert two.grad.abs().max() > 1e-2
        assert torch.allclose(one.grad, two.grad, rtol=1e-9, atol=1e-11)


def test_one_pair_is_the_first_two_rows_of_each_class():
    z, y = batch(4, 9, 1)
    y = torch.tensor([5, -2, 5, -2, 5, 7, -2, 5, 2**40])
    tuples = [(0, 2, n) for n in (1, 3, 5, 6, 8)] + [(1, 3, n) for n in (0, 2, 4, 5, 7, 8)]
    out = angular_loss(z, y, pairs="one")
    wanted = angular_loss(z, y, tuple(torch.tensor(tuples).T))
    assert (out.total, wanted.total) == (2, 2)
    assert float(out.value) == pytest.approx(float(wanted.value), rel=1e-12)


def test_parts():
    z, y = batch(5, 9, 3)
    alone = angular_loss(z, y)
    assert set(alone.parts) == {"angular", "npair"}
    assert float(alone.parts["angular"]) == float(alone.value) and float(alone.parts["npair"]) == 0
    for tuples in (None, tuple(torch.tensor(all_triplets(y)).T)):
        out = angular_loss(z.clone().requires_grad_(), y, tuples, npair=0.25)
        angular, npair = out.parts["angular"], out.parts["npair"]
        assert not angular.requires_grad and not npair.requires_grad
        assert float(angular) == pytest.approx(float(alone.value), rel=1e-12)
        assert out.value.item() == pytest.approx(float(angular + 0.25 * npair), rel=1e-12)
        assert float(npair) == pytest.approx(angular_loop(z, y, npair=1)[0] - float(angular))


def test_equal_embeddings():
    """Exponents 8 t^2 - 2 (1 + t^2): 4 at 45 degrees, 0 at 30."""
    for alpha, value in ((45.0, math.log(1 + 4 * math.exp(4))), (30.0, math.log(5))):
        z = torch.tensor([[1.0, 0.0, 0.0]] * 6, requires_grad=True)
        out = angular_loss(z, torch.tensor([0, 0, 1, 1, 2, 2]), alpha=alpha, npair=1.0)
        assert out.value.item() == pytest.approx(value + math.log(5), rel=1e-6)
        out.value.backward()
        assert torch.isfinite(z.grad).all()


@pytest.mark.parametrize("labels", [[0, 0, 0], [0, 1, 2], [4], []])
@pytest.mark.parametrize("pairs", ["all", "one"])
def test_nothing_to_compare_gives_zero_with_a_graph(labels, pairs):
    z = torch.randn(len(labels), 4, requires_grad=True)
    out = angular_loss(z, torch.tensor(labels, dtype=torch.int64), pairs=pairs, npair=1.0)
    out.value.backward()
    assert (out.value.item(), out.active, out.total) == (0.0, 0, 0)
    assert z.grad.shape == z.shape and not z.grad.any()


def test_no_tuples_and_no_anchors():
    z, y = batch(8, 6, 2)
    none = torch.zeros(0, dtype=torch.int64)
    for out in (angular_loss(z, y, (none,) * 3), angular_loss(z, y, anchors=0, npair=1.0)):
        assert (float(out.value), out.active, out.total) == (0.0, 0, 0)


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.integers(2, 12), st.sampled_from([1e-3, 1.0, 10.0]), st.randoms())
def test_order_of_the_batch_does_not_matter(seed, b, norm, random):
    z, y = batch(seed, b, 3)
    order = list(range(b))
    random.shuffle(order)
    grads, outs = [], []
    for v, labels in ((z, y), (z[order], y[order])):
        leaf = (norm * v).requires_grad_()
        outs.append(angular_loss(leaf, labels, npair=0.5))
        outs[-1].value.backward()
        grads.append(leaf.grad)
    assert outs[0].value.item() == pytest.approx(outs[1].value.item(), rel=1e-11)
    assert (outs[0].active, outs[0].total) == (outs[1].active, outs[1].total)
    assert torch.allclose(grads[0][order], grads[1], rtol=1e-9, atol=1e-9)


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.integers(1, 6), st.sampled_from([1e-3, 1.0, 1e3, 1e6]))
def test_duplicates_and_norms(seed, b, norm):
    z, y = batch(seed, b, 3)
    z, y = torch.cat([z, z]) * norm, torch.cat([y, y])
    out, wanted = angular_loss(z, y, npair=0.5), angular_loop(z, y, npair=0.5)
    assert out.total == wanted[2]
    assert out.value.item() == pytest.approx(wanted[0], rel=1e-9)


@pytest.mark.parametrize("place", range(5))
def test_nan_is_no_number(place):
    z = torch.arange(10.0).reshape(5, 2) / 10
    z[place, 0] = torch.nan
    for npair in (0.0, 1.0):
        assert angular_loss(z, torch.tensor([0, 0, 1, 1, 2]), npair=npair).value.isnan()


@pytest.mark.parametrize("alpha", [40, 45])
def test_equals_pytorch_metric_learning(alpha):
    from pytorch_metric_learning.losses import AngularLoss as Theirs

    z, y = batch(7, 20, 4, d=6)
    one, two = z.clone().requires_grad_(), z.clone().requires_grad_()
    out = angular_loss(unit(one, dim=1), y, alpha=alpha)
    theirs = Theirs(alpha=alpha)(unit(two, dim=1), y)
    assert out.value.item() == pytest.approx(theirs.item(), rel=1e-6)
    out.value.backward()
    theirs.backward()
    assert torch.allclose(one.grad, two.grad, atol=1e-7)


def test_tuples_of_pytorch_metric_learning():
    """It takes of given tuples the (a, p), and all rows of other classes as negatives."""
    from pytorch_metric_learning.losses import AngularLoss as Theirs
    from pytorch_metric_learning.utils.loss_and_miner_utils import get_all_triplets_indices

    z, _ = batch(8, 12, 1)
    z, y = unit(z, dim=1), torch.arange(12) % 4  # every pair has the same number of negatives
    tuples = get_all_triplets_indices(y)
    theirs = Theirs(alpha=40)(z, y, tuples)
    assert float(angular_loss(z, y, tuples, alpha=40).value) == pytest.approx(float(theirs), 1e-6)


def test_class_is_the_function():
    z, y = batch(9, 12, 3)
    how = {"alpha": 36.0, "npair": 0.5, "pairs": "one"}
    loss = AngularLoss(**how)
    assert torch.equal(loss(z, y).value, angular_loss(z, y, **how).value)
    assert torch.equal(loss(z, y, anchors=4).value, angular_loss(z, y, anchors=4, **how).value)
    tuples = tuple(torch.tensor(all_triplets(y)).T)
    assert torch.equal(AngularLoss()(z, y, tuples).value, angular_loss(z, y, tuples).value)


def test_mistakes_are_named():
    z, y = batch(0, 6, 2)
    for make in (AngularLoss, lambda **how: angular_loss(z, y, **how)):
        for alpha in (0, 90, -5, float("nan")):
            message = f"^alpha is {alpha}, must be between 0 and 90 degrees$"
            with pytest.raises(ValueError, match=message):
                make(alpha=alpha)
        for npair in (-0.1, float("nan")):
            with pytest.raises(ValueError, match=f"^npair is {npair}, must not be negative$"):
                make(npair=npair)
        with pytest.raises(ValueError, match="^pairs is 'two', must be one of all, one$"):
            make(pairs="two")
    with pytest.raises(
        ValueError, match="^pairs='one' cannot be used with tuples that were alread"
    ):
        angular_loss(z, y, (y, y, y), pairs="one")
    with pytest.raises(ValueError, match=r"z must be \(B, d\)"):
        angular_loss(z, y[:3])
    with pytest.raises(ValueError, match="^anchors is 9, must be 0..6 for 6 embeddings$"):
        angular_loss(z, y, anchors=9)
