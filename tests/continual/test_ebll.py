"""Encoder-based lifelong learning: one encoder per experience, and what they hold."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from simlearn.continual.ebll import EBLL
from simlearn.continual.lwf import LwF
from simlearn.continual.under_complete import encode
from simlearn.data.labelled_images import PixelScale
from simlearn.learners.contract import Step
from simlearn.losses import CenterLoss, ContrastiveLoss, CrossBatchMemory, TripletLoss
from simlearn.miners import AllPairs
from tests.continual import toy

QUICK = {"steps": 5, "batch": 16}


def step_of(learner, images):
    h = PixelScale()(images.x)
    f = learner.backbone(h)
    return Step(h, f, images.y, learner.head(f), "input", len(h))


def begun(strategy, learner, number=1):
    """At the beginning of an experience, after those before it."""
    toy.live(strategy, learner, until=number)
    strategy.begin(learner, toy.two_experiences()[number])
    return strategy


def test_one_encoder_per_experience_and_no_decoder():
    learner = toy.learner()
    strategy = toy.live(EBLL(code=5, **QUICK), learner)
    dim = learner.backbone.dim
    assert len(strategy.encoders) == 2
    shapes = {name: tuple(v.shape) for name, v in strategy.encoders[0].items()}
    assert shapes == {"weight": (5, dim), "bias": (5,), "mean": (dim,), "scale": (dim,)}
    assert strategy.memory_bytes() == 4 * (2 * (5 * dim + 5 + 2 * dim) + 4 * 8)
    assert toy.live(EBLL(**QUICK), toy.learner()).encoders[0]["weight"].shape[0] == dim // 2


def test_the_penalty_is_lwfs_and_the_code_loss_of_every_encoder():
    learner, images = toy.learner(), toy.patterns(seed=4)
    strategy = begun(EBLL(alpha=0.3, weight=0.5, code=5, **QUICK), learner)
    strategy.encoders.append({k: v + 0.1 for k, v in strategy.encoders[0].items()})
    plain = LwF(weight=0.5)
    plain.begin(learner, toy.two_experiences()[1])
    learner.eval()
    before = learner.backbone(PixelScale()(images.x)).detach()
    assert float(strategy.penalty(step_of(learner, images)).detach()) == 0
    toy.train(learner, toy.two_experiences()[1])
    step = step_of(learner.eval(), images)
    codes = 0.0
    for encoder in strategy.encoders:
        ours, theirs = encode(step.f, encoder).tolist(), encode(before, encoder).tolist()
        for a, b in zip(ours, theirs, strict=True):
            codes += sum((u - v) ** 2 for u, v in zip(a, b, strict=True)) / len(images)
    wanted = float(plain.penalty(step).detach()) + 0.3 * codes
    assert float(strategy.penalty(step).detach()) == pytest.approx(wanted, rel=1e-4)
    assert 0.3 * codes > 1e-4


def test_nothing_to_hold_in_the_first_experience():
    strategy, learner = EBLL(**QUICK), toy.learner()
    strategy.begin(learner, toy.two_experiences()[0])
    assert float(strategy.penalty(step_of(learner, toy.patterns()))) == 0


def test_the_code_loss_holds_codes():
    moved = {}
    for alpha in (0.0, 20.0):
        learner = toy.learner()
        strategy = begun(EBLL(alpha, weight=0.0, **QUICK), learner)
        images = toy.patterns(seed=1).of([2, 3])
        encoder = strategy.encoders[0]
        before = encode(learner.eval().backbone(PixelScale()(images.x)), encoder).detach()
        toy.train(learner, toy.two_experiences()[1], steps=10, lr=0.02)
        after = encode(learner.eval().backbone(PixelScale()(images.x)), encoder).detach()
        moved[alpha] = float((after - before).norm())
    assert moved[20.0] < 0.7 * moved[0.0], moved


@pytest.mark.parametrize("kind", ["triplet", "contrastive and a miner", "centre", "memory"])
def test_fitting_an_encoder_moves_nothing_of_the_learner(kind):
    learner = toy.learner()
    if kind == "contrastive and a miner":
        learner.loss, learner.miner = ContrastiveLoss(), AllPairs()
    elif kind == "centre":
        learner.loss = CenterLoss(8, 4)
    elif kind == "memory":
        learner.loss = CrossBatchMemory(TripletLoss(), 8, 32)
    exp = toy.two_experiences()[0]
    toy.train(learner, exp, steps=2)
    learner.zero_grad()
    before = {name: v.clone() for name, v in learner.state_dict().items()}
    rng = torch.get_rng_state()
    EBLL(**QUICK).end(learner, exp)
    after = learner.state_dict()
    assert all(torch.equal(after[name], v) for name, v in before.items())
    assert all(p.grad is None and p.requires_grad for p in learner.parameters())
    assert learner.loss.training and torch.equal(torch.get_rng_state(), rng)


def test_the_code_serves_the_task():
    """What the encoder keeps depends on the learner's loss, not on the images alone."""
    learner, exp = toy.learner(), toy.two_experiences()[0]
    made = []
    for margin in (0.5, 0.0):
        learner.loss = TripletLoss(margin=margin)
        strategy = EBLL(**QUICK)
        strategy.end(learner, exp)
        made.append(strategy.encoders[0]["weight"])
    assert not torch.allclose(*made)


def test_it_is_repeatable_and_its_state_goes_through():
    one = toy.live(EBLL(**QUICK), toy.learner())
    two = toy.live(EBLL(**QUICK), toy.learner())
    other = EBLL(**QUICK)
    other.load_state_dict(one.state_dict())
    for strategy in (two, other):
        assert torch.equal(strategy.prototypes().z, one.prototypes().z)
        for a, b in zip(strategy.encoders, one.encoders, strict=True):
            assert all(torch.equal(a[name], b[name]) for name in a)
    other.encoders.pop()
    assert len(one.encoders) == 2


def at_step(learner, number):
    learner._trainer = SimpleNamespace(global_step=number)


def gradients(learner, strategy):
    learner.zero_grad()
    step = step_of(learner, toy.patterns())
    (step.z.square().mul(torch.arange(8)).sum() + strategy.penalty(step)).backward()
    return {name: p.grad for name, p in learner.named_parameters()}


def test_in_the_first_steps_only_the_head_learns():
    learner = toy.learner()
    strategy = begun(EBLL(warmup=3, **QUICK), learner)
    for number in (0, 2, 3, 9):
        at_step(learner, number)
        found = gradients(learner, strategy)
        body = sum(float(g.abs().sum()) for n, g in found.items() if n.startswith("backbone"))
        head = sum(float(g.abs().sum()) for n, g in found.items() if n.startswith("head"))
        assert head > 0
        assert (body == 0) == (number < 3)
    learner._trainer = None


def test_no_warm_up_by_default_in_the_first_experience_or_on_frozen_features():
    learner = toy.learner()
    assert EBLL().warmup == 0
    strategy = EBLL(warmup=100, **QUICK)
    strategy.begin(learner, toy.two_experiences()[0])
    assert any(g.any() for n, g in gradients(learner, strategy).items() if "backbone" in n)
    begun(strategy, learner)
    learner.backbone.requires_grad_(False)
    strategy.penalty(step_of(learner, toy.patterns())).backward()


def test_errors():
    for name, least in {"alpha": 0, "code": 1, "batch": 2, "warmup": 0}.items():
        with pytest.raises(ValueError, match=f"strategy.{name} is -1, must be at least {least}"):
            EBLL(**{name: -1})
    learner = toy.learner()
    learner.loss = None
    with pytest.raises(ValueError, match="EBLL fits autoencoders by the learner's loss"):
        EBLL(**QUICK).end(learner, toy.two_experiences()[0])
