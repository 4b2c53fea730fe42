"""Inputs at which a plausible implementation loses its digits, or its sense."""

from __future__ import annotations

import math

import pytest
import torch

from simlearn.losses import (
    AngularLoss,
    ContrastiveLoss,
    TripletLoss,
    angular_loss,
    contrastive_loss,
    triplet_loss,
)

FAR = [[1e17, 0.0], [0.0, 0.0], [1.0, 0.0]]


@pytest.mark.parametrize("order", [[0, 1, 2], [1, 2, 0], [2, 0, 1]])
def test_an_outlier_does_not_blur_the_others(order):
    z, y = torch.tensor(FAR)[order], torch.tensor([0, 1, 2])[order]
    assert float(contrastive_loss(z, y, margin=5.0).value) == pytest.approx(16 / 2 / 3)
    near = torch.tensor([[1e12, 0], [0, 0], [1e-3, 0]])[order].requires_grad_()
    labels = torch.tensor([0, 1, 1])[order]
    loss = contrastive_loss(near, labels, reduction="balanced").value
    loss.backward()
    assert float(loss.detach()) == pytest.approx(5e-7)
    wanted = torch.tensor([[0, 0], [-1e-3, 0], [1e-3, 0]])[order]
    assert torch.allclose(near.grad, wanted, rtol=1e-5, atol=1e-12)


def test_an_outlier_of_the_lowest_label():
    z = torch.tensor([[1e17, 0.0], [0, 0], [1, 0], [3, 0]])
    y = torch.tensor([-1, 0, 0, 1])
    out = triplet_loss(z, y, margin=2.5, reduction="all")
    # only 1 - 2 + 2.5 of the anchor at 1; 1 - 3 + 2.5 of that at 0; the outlier costs nothing
    assert float(out.value) == pytest.approx((1.5 + 0.5) / 4)
    assert (out.active, out.total) == (2, 4)


@pytest.mark.parametrize("squared", [False, True])
@pytest.mark.parametrize("scale", [1.0, 1e6, 1e8])
def test_a_margin_that_rounding_loses_still_counts(squared, scale):
    z = torch.tensor([[0.0], [1.0], [1.0]], dtype=torch.float64) * scale
    y = torch.tensor([0, 0, 1])
    out = triplet_loss(z, y, squared=squared, margin=0.2, anchors=1)
    assert float(out.value) == pytest.approx(0.2, rel=1e-12)
    assert (out.active, out.total) == (1, 1)
    band = triplet_loss(z, y, squared=squared, margin=0.2, anchors=1, mining="semihard")
    assert (float(band.value), band.total) == (0.0, 0)


@pytest.mark.parametrize("loss", [triplet_loss, angular_loss, contrastive_loss])
def test_nothing_to_compare_is_zero_at_any_size(loss):
    z = torch.full((1 if loss is contrastive_loss else 4, 2), 1e38)
    assert float(loss(z, torch.zeros(len(z), dtype=torch.int64)).value) == 0.0
    lost = torch.full((1, 2), math.nan)
    assert math.isnan(float(loss(lost, torch.zeros(1, dtype=torch.int64)).value))


@pytest.mark.parametrize("loss", [TripletLoss(), ContrastiveLoss(), AngularLoss()])
def test_a_second_derivative_is_refused(loss):
    z = torch.randn(8, 3, requires_grad=True)
    value = loss(z, torch.arange(8) // 2).value
    with pytest.raises(RuntimeError, match="no second derivative: leave create_graph=True out"):
        torch.autograd.grad(value, z, create_graph=True)
    (first,) = torch.autograd.grad(loss(z, torch.arange(8) // 2).value, z)
    assert first.abs().sum() > 0


@pytest.mark.parametrize("margin", [-1.0, math.nan])
def test_margins_that_make_no_sense(margin):
    z, y = torch.randn(4, 2), torch.tensor([0, 0, 1, 1])
    for call in (
        lambda: triplet_loss(z, y, margin=margin),
        lambda: TripletLoss(margin=margin),
        lambda: contrastive_loss(z, y, margin=margin),
        lambda: ContrastiveLoss(margin=margin),
    ):
        with pytest.raises(ValueError, match=f"margin is {margin}"):
            call()


def test_other_values_that_make_no_sense():
    z, y = torch.randn(4, 2), torch.tensor([0, 0, 1, 1])
    triplets = tuple(torch.tensor([i]) for i in (0, 1, 2))
    for loss in (triplet_loss, angular_loss, contrastive_loss):
        with pytest.raises(ValueError, match="anchors=2 cannot be used with tuples"):
            loss(z, y, triplets, anchors=2)
        with pytest.raises(ValueError, match="real floating-point numbers, found torch.complex64"):
            loss(z.to(torch.complex64), y)
    with pytest.raises(ValueError, match="alpha is 1e-200"):
        angular_loss(z, y, alpha=1e-200)


def test_the_parts_of_the_angular_loss_are_always_there():
    z = torch.randn(3, 2)
    for labels in ([0, 0, 1], [0, 0, 0], [0, 1, 2]):
        assert set(angular_loss(z, torch.tensor(labels)).parts) == {"angular", "npair"}
