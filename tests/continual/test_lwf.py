"""Learning without forgetting: what the penalty is, what it holds, and what it leaves behind."""

from __future__ import annotations

import pytest
import torch

from simlearn.continual.distillation import softmax_distillation
from simlearn.continual.lwf import LwF
from simlearn.continual.network import embeddings
from simlearn.data.labelled_images import PixelScale
from simlearn.learners.contract import Step
from simlearn.losses import CenterLoss
from tests.continual import toy


def step_of(learner, images, cut="input", n_new=None):
    h = learner.backbone.low(PixelScale()(images.x), cut)
    f = learner.backbone.high(h, cut)
    return Step(h, f, images.y, learner.head(f), cut, len(h) if n_new is None else n_new)


def begun(strategy, learner):
    """In the second experience, after the first one."""
    toy.live(strategy, learner, until=1)
    strategy.begin(learner, toy.two_experiences()[1])
    return strategy


def test_nothing_to_hold_in_the_first_experience():
    strategy, learner = LwF(), toy.learner()
    strategy.begin(learner, toy.two_experiences()[0])
    assert float(strategy.penalty(step_of(learner, toy.patterns()))) == 0
    assert strategy.transient_bytes() == 0


@pytest.mark.parametrize("cut", ["input", "block2"])
def test_the_penalty_is_the_mean_squared_distance(cut):
    learner = toy.learner()
    strategy = begun(LwF(weight=0.5), learner)
    images = toy.patterns(seed=4)
    learner.eval()
    before = learner(PixelScale()(images.x)).tolist()
    assert strategy.penalty(step_of(learner, images)).item() == 0
    if cut == "block2":  # what is below stays
        with torch.no_grad():
            learner.head.linear.weight += 0.3
    else:
        toy.train(learner, toy.two_experiences()[1])
        learner.eval()
    after = learner(PixelScale()(images.x)).tolist()
    total = sum(
        sum((a - b) ** 2 for a, b in zip(*rows, strict=True))
        for rows in zip(after, before, strict=True)
    )
    value = strategy.penalty(step_of(learner, images, cut)).item()
    assert value == pytest.approx(0.5 * total / len(after), rel=1e-4)
    assert value > 0.01


def test_it_holds_the_new_images_where_they_lay():
    moved = {}
    for weight in (0.0, 3.0):
        learner, exp = toy.learner(), toy.two_experiences()[1]
        begun(LwF(weight), learner)
        before = embeddings(learner, exp.train, exp.scale)
        toy.train(learner, exp, steps=15, lr=0.02)
        moved[weight] = float((embeddings(learner, exp.train, exp.scale) - before).norm())
    assert moved[3.0] < 0.6 * moved[0.0], moved


def test_logits_of_old_classes_are_distilled_where_the_loss_has_a_head():
    learner = toy.learner()
    learner.loss = CenterLoss(8, 2)
    strategy = LwF(weight=2.0, temperature=3.0)
    toy.live(strategy, learner, until=1)
    learner.loss.grow(4)
    strategy.begin(learner, toy.two_experiences()[1])
    learner.eval()
    z = learner(PixelScale()(toy.patterns().x)).detach()
    head = learner.loss.head
    old = z @ head.weight.detach()[:2].T + head.bias.detach()[:2]
    with torch.no_grad():
        head.weight[:, 0] += torch.tensor([1.0, -1.0, 5.0, 5.0])
    new = z @ head.weight.detach()[:2].T + head.bias.detach()[:2]
    value = strategy.penalty(step_of(learner, toy.patterns()))
    assert value.item() == pytest.approx(2 * float(softmax_distillation(new, old, 3.0)), rel=1e-4)
    value.backward()
    assert (head.weight.grad[2:] == 0).all() and head.weight.grad[:2].abs().sum() > 0


def test_what_is_kept_and_what_is_not():
    learner = toy.learner()
    strategy = begun(LwF(), learner)
    copied = sum(
        v.numel() * v.element_size()
        for part in (learner.backbone, learner.head)
        for v in part.state_dict().values()
    )
    assert strategy.transient_bytes() == copied
    strategy.end(learner, toy.two_experiences()[1])
    assert (strategy.transient_bytes(), strategy.memory_bytes()) == (0, 4 * 8 * 4)
    assert set(strategy.state_dict()) == {"means"}
    assert strategy.replayable() == ()


def test_a_copy_made_again_gives_the_same_penalty():
    """As on resume: state and learner of the beginning, then the steps that were done."""
    learner = toy.learner()
    strategy = begun(LwF(), learner)
    again = LwF()
    again.load_state_dict(strategy.state_dict())
    again.begin(learner, toy.two_experiences()[1])
    toy.train(learner, toy.two_experiences()[1])
    step = step_of(learner.eval(), toy.patterns())
    assert torch.equal(strategy.penalty(step), again.penalty(step))


def test_errors():
    with pytest.raises(ValueError, match="strategy.weight is -1, must not be negative"):
        LwF(weight=-1)
    with pytest.raises(ValueError, match="strategy.temperature is 0, must be above 0"):
        LwF(temperature=0)
