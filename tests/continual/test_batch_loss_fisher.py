"""The squared gradient of batches' losses against backward passes over the same batches."""

from __future__ import annotations

import pytest
import torch

from simlearn.continual.batch_loss_fisher import balanced_rows, batch_loss_fisher
from simlearn.data.labelled_images import PixelScale
from simlearn.losses import CenterLoss
from simlearn.miners import DistanceWeightedMiner
from tests.continual.toy import learner, patterns


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def test_equals_the_mean_of_squares_over_the_batches():
    net, images = learner(), patterns(per_class=12)
    found = batch_loss_fisher(net, images, PixelScale(), batches=3, generator=rng())
    draws, wanted = rng(), {name: torch.zeros_like(p) for name, p in net.named_parameters()}
    net.eval()
    for _ in range(3):
        part = images.rows(balanced_rows(images.y, 32, draws))
        net.zero_grad()
        net.loss(net(PixelScale()(part.x)), part.y).value.backward()
        for name, p in net.named_parameters():
            wanted[name] += p.grad**2 / 3
    assert list(found) == list(wanted) and found["head.linear.weight"].abs().sum() > 0
    for name in found:
        torch.testing.assert_close(found[name], wanted[name], rtol=1e-4, atol=1e-12)


def test_the_learner_is_as_before_and_the_losss_own_tables_are_left_out():
    net = learner()
    net.loss = CenterLoss(8, 4)
    centres, modes = net.loss.centers.clone(), [m.training for m in net.modules()]
    net.train()
    net.backbone.eval()
    modes = [m.training for m in net.modules()]
    net.head.linear.bias.requires_grad_(False)
    found = batch_loss_fisher(net, patterns(), PixelScale(), batches=1, generator=rng())
    assert {name.split(".")[0] for name in found} == {"backbone", "head"}
    assert "head.linear.bias" not in found
    assert torch.equal(net.loss.centers, centres)
    assert [m.training for m in net.modules()] == modes
    assert all(p.grad is None for p in net.parameters())


def test_a_miner_draws_from_the_generator():
    net = learner()
    net.miner = DistanceWeightedMiner()
    torch.manual_seed(0)
    first = batch_loss_fisher(net, patterns(), PixelScale(), batches=2, generator=rng(1))
    torch.manual_seed(1)
    again = batch_loss_fisher(net, patterns(), PixelScale(), batches=2, generator=rng(1))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert first["head.linear.weight"].sum() > 0


def test_balanced_rows():
    y = torch.tensor([0] * 50 + [1] * 3 + [2] * 20)
    rows = balanced_rows(y, 32, rng())
    assert torch.bincount(y[rows]).tolist() == [10, 3, 10]
    assert len(rows.unique()) == len(rows)
    many = torch.arange(40).repeat(5)
    assert torch.bincount(many[balanced_rows(many, 8, rng())], minlength=40).unique().tolist() == [
        0,
        2,
    ]
    assert len(balanced_rows(many, 8, rng())) == 8
    assert balanced_rows(many[:0], 8, rng()).tolist() == []
    assert not torch.equal(balanced_rows(y, 32, rng(1)), rows)


def test_nothing_to_measure():
    net = learner()
    for images, batches in ((patterns(), 0), (patterns().of([]), 1)):
        with pytest.raises(ValueError, match="needs a loss, an image and a batch"):
            batch_loss_fisher(net, images, PixelScale(), batches=batches, generator=rng())
    net.loss = None
    with pytest.raises(ValueError, match="needs a loss, an image and a batch"):
        batch_loss_fisher(net, patterns(), PixelScale(), batches=1, generator=rng())
