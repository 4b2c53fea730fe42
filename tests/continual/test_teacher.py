"""The copy of a network and of its softmax head: constant, complete, and counted."""

from __future__ import annotations

import torch

from simlearn.continual.teacher import Teacher, softmax_head
from simlearn.losses import CenterLoss
from tests.continual import toy


def with_head(classes=4):
    learner = toy.learner()
    with torch.random.fork_rng():
        torch.manual_seed(5)
        learner.loss = CenterLoss(8, classes)
    return learner


def test_it_stays_when_the_learner_moves():
    learner = toy.learner()
    x = torch.randn(3, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    learner.eval()
    f, z = learner.backbone(x), learner(x)
    teacher = Teacher(learner, 2)
    toy.train(learner, toy.two_experiences()[0])
    old = teacher.embed(x.requires_grad_(), "input")
    assert torch.equal(old[0], f) and torch.equal(old[1], z)
    assert not old[0].requires_grad and not old[1].requires_grad
    assert not torch.allclose(learner(x), z, atol=1e-3)


def test_activations_at_a_cut():
    learner = toy.learner().eval()
    x = torch.randn(3, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    cut = learner.backbone.cuts[2]
    old = Teacher(learner, 2).embed(learner.backbone.low(x, cut), cut)
    assert torch.equal(old[1], learner(x))


def test_logits_of_the_old_classes_by_both_heads():
    learner = with_head()
    head = softmax_head(learner)
    teacher = Teacher(learner, 3)
    first = head.weight.detach().clone(), head.bias.detach().clone()
    with torch.no_grad():
        head.weight += 1
        head.bias -= 2
    g = torch.Generator().manual_seed(1)
    z, old = torch.randn(5, 8, generator=g, requires_grad=True), torch.randn(5, 8, generator=g)
    present, before = teacher.logits(z, old)
    assert torch.allclose(present, head(z)[:, :3], atol=1e-6)
    assert torch.allclose(before, old @ first[0][:3].T + first[1][:3], atol=1e-6)
    present.sum().backward()
    assert z.grad is not None and not before.requires_grad
    assert (head.weight.grad[3] == 0).all() and (head.weight.grad[:3] != 0).all()


def test_a_head_that_grows_afterwards():
    learner = with_head(2)
    teacher = Teacher(learner, 2)
    z = torch.randn(5, 8, generator=torch.Generator().manual_seed(1))
    learner.loss.grow(6)
    present, before = teacher.logits(z, z)
    assert present.shape == before.shape == (5, 2)
    assert torch.equal(present, before)


def test_a_loss_without_a_head():
    assert softmax_head(toy.learner()) is None
    assert Teacher(toy.learner(), 2).logits(torch.zeros(1, 8), torch.zeros(1, 8)) is None


def test_bytes():
    plain, headed = toy.learner(), with_head()
    network = sum(
        v.numel() * v.element_size()
        for part in (plain.backbone, plain.head)
        for v in part.state_dict().values()
    )
    assert Teacher(plain, 2).bytes() == network
    assert Teacher(headed, 3).bytes() == network + 4 * (3 * 8 + 3)
