"""Generated representations: what a step sees, what is held, where old means lie, what it costs."""

from __future__ import annotations

import math
from copy import deepcopy

import pytest
import torch

from simlearn.continual.network import tensor_bytes
from simlearn.continual.representation_replay import RepresentationReplay
from simlearn.data.labelled_images import PixelScale
from simlearn.data.randomness import torch_generator
from simlearn.learners.contract import Step
from tests.continual import toy

CUT = "conv4"  # activations (6, 2, 2)
NEW = ["real", "generated", "both"]


def made(kind="gaussian", **how):
    values = {"bank": 0, "prototype_samples": 40, "cut": CUT, **how}
    return RepresentationReplay(toy.GENERATORS[kind], **values)


def begun(strategy, learner):
    """At the beginning of the second experience."""
    toy.live(strategy, learner, until=1)
    strategy.begin(learner, toy.two_experiences()[1])
    return strategy


def seen(strategy, learner, steps=1):
    """What the penalty sees in the steps of the second experience."""
    found, penalty = [], strategy.penalty
    strategy.penalty = lambda step: found.append(step) or penalty(step)
    toy.train(learner, toy.two_experiences()[1], steps)
    strategy.penalty = penalty
    return found


def repeated(*pairs):
    return [label for label, times in pairs for _ in range(times)]


def network_bytes(learner):
    """Bytes of the network."""
    return tensor_bytes([learner.backbone.state_dict(), learner.head.state_dict()])


def state_of(learner):
    return {name: value.clone() for name, value in learner.state_dict().items()}


REAL = repeated((2, 8), (3, 8))


@pytest.mark.parametrize("bank", [0, 6])
@pytest.mark.parametrize(
    ("new", "per_class", "n_new", "y"),
    [
        ("real", None, 16, REAL + repeated((0, 8), (1, 8))),
        ("real", 3, 16, REAL + repeated((0, 3), (1, 3))),
        ("both", None, 16, REAL + repeated((0, 4), (1, 4), (2, 4), (3, 4))),
        ("both", 2, 16, REAL + repeated((0, 2), (1, 2), (2, 2), (3, 2))),
        ("generated", None, 0, repeated((0, 4), (1, 4), (2, 4), (3, 4))),
        ("generated", 5, 0, repeated((0, 5), (1, 5), (2, 5), (3, 5))),
    ],
)
def test_what_a_step_sees(new, per_class, n_new, y, bank):
    learner = toy.learner()
    strategy = begun(made(new=new, per_class=per_class, bank=bank), learner)
    (step,) = seen(strategy, learner)
    assert (step.n_new, step.y.tolist(), step.cut) == (n_new, y, CUT)
    assert step.h.shape == (len(y), 6, 2, 2) and not step.h.requires_grad
    images = toy.two_experiences()[1].train.x
    with torch.no_grad():
        real = learner.backbone.low(PixelScale()(images), CUT)
    assert torch.equal(step.h[:n_new], real[:n_new])
    distances = torch.cdist(step.h[n_new:].flatten(1), real.flatten(1))
    assert distances.min() > 0  # no activation of an image among the replayed


@pytest.mark.parametrize("new", NEW)
def test_a_bank_is_drawn_once_and_used_again(new):
    learner = toy.learner()
    strategy = begun(made(new=new, bank=5), learner)
    labels = (0, 1) if new == "real" else (0, 1, 2, 3)
    assert strategy.replayable() == strategy.bank.classes == labels
    h, y = strategy.generator.sample(labels, 5, generator=torch_generator(3, "bank", 1))
    (step,) = seen(strategy, learner)
    draws = [
        strategy.replay(labels, 8, generator=torch.Generator().manual_seed(seed))
        for seed in range(6)
    ]
    rows = torch.cat([step.h[step.n_new :], *(drawn.h for drawn in draws)])
    of = torch.cat([step.y[step.n_new :], *(drawn.y for drawn in draws)])
    for row, label in zip(rows, of, strict=True):
        assert (h[y == label] == row).flatten(1).all(dim=1).any()
    assert len(rows.flatten(1).unique(dim=0)) == 5 * len(labels)
    assert strategy.transient_bytes() - network_bytes(learner) == 5 * len(labels) * 24 * 4


def test_without_a_bank_every_step_has_fresh_samples():
    learner = toy.learner()
    strategy = begun(made(), learner)
    assert strategy.bank is None
    first, second = (
        strategy.replay((1, 0), 4, generator=torch.Generator().manual_seed(seed)) for seed in (1, 2)
    )
    h, y = strategy.generator.sample((1, 0), 4, generator=torch.Generator().manual_seed(1))
    assert torch.equal(first.h, h) and torch.equal(first.y, y)
    assert y.tolist() == [1] * 4 + [0] * 4 and (first.cut, first.replace) == (CUT, False)
    assert torch.cdist(first.h.flatten(1), second.h.flatten(1)).min() > 0


@pytest.mark.parametrize("new", NEW)
def test_own_rows_are_left_out_only_where_new_ones_are_generated(new):
    strategy = begun(made(new=new), toy.learner())
    drawn = strategy.replay((0,), 2, generator=torch.Generator())
    assert drawn.replace == (new == "generated")


def penalised(learner, n_new=6, seed=0):
    """A step of random activations: the first six rows are new, some replayed ones as well."""
    h = torch.randn(12, 6, 2, 2, generator=torch.Generator().manual_seed(seed))
    y = torch.tensor([2, 3, 2, 3, 0, 1, 0, 1, 2, 0, 3, 1])
    f = learner.backbone.high(h, CUT)
    return Step(h, f, y, learner.head(f), CUT, n_new)


def test_only_replayed_samples_of_old_classes_are_held():
    learner = toy.learner(normalise=False)
    strategy = begun(made(distillation=0.7), learner)
    before = deepcopy(learner).eval()
    toy.train(learner, toy.two_experiences()[1])
    step = penalised(learner.eval())
    with torch.no_grad():
        z = before.head(before.backbone.high(step.h, CUT)).tolist()
    squares = [
        sum((a - b) ** 2 for a, b in zip(step.z[i].tolist(), z[i], strict=True))
        for i in (6, 7, 9, 11)
    ]
    assert strategy.penalty(step).item() == pytest.approx(0.7 * sum(squares) / 4, rel=1e-4)
    assert sum(squares) > 0.01
    strategy.penalty(step).backward()
    assert learner.head.linear.weight.grad.abs().sum() > 0


def test_nothing_is_held_without_such_a_sample_or_a_weight_or_an_experience_before():
    learner = toy.learner()
    strategy = made()
    strategy.begin(learner, toy.two_experiences()[0])
    assert float(strategy.penalty(penalised(learner))) == 0
    strategy = begun(made(), learner)
    toy.train(learner, toy.two_experiences()[1])
    assert float(strategy.penalty(penalised(learner, n_new=12))) == 0
    assert strategy.penalty(penalised(learner)).item() > 0
    strategy.end(learner, toy.two_experiences()[1])
    assert float(strategy.penalty(penalised(learner))) == 0
    learner = toy.learner()
    free = begun(made(distillation=0), learner)
    toy.train(learner, toy.two_experiences()[1])
    assert free.before is None and float(free.penalty(penalised(learner))) == 0


@pytest.mark.parametrize("normalise", [True, False])
@pytest.mark.parametrize("new", NEW)
def test_old_means_come_from_fresh_samples_through_the_present_layers(new, normalise):
    learner = toy.learner(normalise=normalise)
    strategy = begun(made("vae", new=new), learner)
    first = strategy.means.clone()
    toy.train(learner, toy.two_experiences()[1])
    strategy.end(learner, toy.two_experiences()[1])
    found = strategy.prototypes()
    assert found.y.tolist() == [0, 1, 2, 3]
    generator, images = torch_generator(3, "prototypes", 1), toy.patterns(seed=1)
    for label in range(4):
        if label < 2:
            h, _ = strategy.generator.sample((label,), 40, generator=generator)
        else:
            h = learner.backbone.low(PixelScale()(images.of([label]).x), CUT)
        with torch.no_grad():
            mean = learner.eval().head(learner.backbone.high(h, CUT)).mean(dim=0)
        wanted = mean / mean.norm() if normalise else mean
        assert torch.allclose(found.z[label], wanted, atol=1e-5)
    assert (found.z[:2] - first).norm(dim=1).min() > 1e-3


@pytest.mark.parametrize("new", NEW)
def test_a_generator_learns_a_class_in_its_own_experience_and_once(new):
    learner = toy.learner()
    strategy = made("vae", new=new)
    assert strategy.replayable() == ()
    first, second = toy.two_experiences()
    strategy.begin(learner, first)
    assert strategy.replayable() == ()
    toy.train(learner, first)
    strategy.end(learner, first)
    assert strategy.replayable() == (0, 1)
    old = {k: v.clone() for k, v in strategy.generator.state_dict().items()}
    strategy.begin(learner, second)
    assert strategy.replayable() == ((0, 1) if new == "real" else (0, 1, 2, 3))
    toy.train(learner, second)
    strategy.end(learner, second)
    assert strategy.replayable() == (0, 1, 2, 3)
    for name, value in strategy.generator.state_dict().items():
        assert torch.equal(value[:2], old[name]) and len(value) == 4


def test_what_is_learnt_are_the_activations_at_the_cut():
    learner = toy.learner()
    strategy = toy.live(made(), learner, until=1)
    images = toy.patterns(seed=1)
    with torch.no_grad():
        h = learner.eval().backbone.low(PixelScale()(images.x), CUT)
    for label in (0, 1):
        wanted = h[images.y == label].mean(dim=0).flatten()
        assert torch.allclose(strategy.generator.mean[label, 0], wanted, atol=1e-5)


@pytest.mark.parametrize("kind", list(toy.GENERATORS))
def test_bytes_are_those_of_the_means_and_of_what_samples(kind):
    strategy = toy.live(made(kind, bank=7), toy.learner())
    assert strategy.memory_bytes() == 4 * 4 * 8 + strategy.generator.memory_bytes()
    sizes = [t.numel() * t.element_size() for t in strategy.generator.state_dict().values()]
    assert strategy.generator.memory_bytes() == sum(sizes)  # no encoder is kept
    assert strategy.memory_bytes() == tensor_bytes(strategy.state_dict())
    if kind == "gaussian":
        assert sum(sizes) == 4 * (8 + 2 * 4 * 24)


def test_memory_before_and_transient_bytes():
    learner, strategy = toy.learner(), made(bank=9)
    assert strategy.memory_bytes() == strategy.transient_bytes() == 0
    first, second = toy.two_experiences()
    strategy.begin(learner, first)
    assert strategy.transient_bytes() == 0
    strategy.end(learner, first)
    assert strategy.transient_bytes() == 0
    kept = strategy.memory_bytes()
    strategy.begin(learner, second)
    assert strategy.transient_bytes() == 2 * 9 * 24 * 4 + network_bytes(learner)
    assert strategy.memory_bytes() == kept
    strategy.end(learner, second)
    assert strategy.transient_bytes() == 0
    lean = begun(made(distillation=0), toy.learner())
    assert lean.transient_bytes() == 0


@pytest.mark.parametrize("new", NEW)
@pytest.mark.parametrize("kind", list(toy.GENERATORS))
def test_a_state_in_a_new_instance_gives_the_same_replays_bit_for_bit(kind, new):
    learner = toy.learner(norm="batch")
    how = {"kind": kind, "new": new, "bank": 6}
    one, two = toy.live(made(**how), learner, until=1), made(**how)
    two.load_state_dict(one.state_dict())
    assert toy.same(two.state_dict(), one.state_dict())
    exp, draws = toy.two_experiences()[1], []
    for strategy in (one, two):
        again = deepcopy(learner)
        again.strategy = strategy
        strategy.begin(again, exp)
        assert again.backbone.frozen == ("block1", "block2", "block3", "conv4")
        labels = strategy.replayable()
        draws.append(strategy.replay(labels, 9, generator=torch.Generator().manual_seed(5)))
        toy.train(again, exp, steps=1)
        strategy.end(again, exp)
    assert torch.equal(draws[0].h, draws[1].h) and torch.equal(draws[0].y, draws[1].y)
    assert toy.same(one.state_dict(), two.state_dict())
    assert torch.equal(one.prototypes().z, two.prototypes().z)


def test_a_state_before_the_first_experience():
    strategy = toy.live(made(), toy.learner(), until=1)
    strategy.load_state_dict(made().state_dict())
    assert strategy.replayable() == () and strategy.prototypes() is None


def test_two_beginnings_of_an_experience_are_the_same_and_two_experiences_are_not():
    learner = toy.learner()
    strategy = begun(made(bank=6), learner)
    first = strategy.bank.h.clone()
    strategy.begin(learner, toy.two_experiences()[1])
    assert torch.equal(strategy.bank.h, first)
    strategy.begin(learner, toy.stream((2, 1, 1))[2])
    assert not torch.equal(strategy.bank.h, first)


@pytest.mark.parametrize(("cut", "below"), [("block2", 2), ("conv4", 4)])
def test_everything_below_the_cut_is_frozen_after_the_first_experience(cut, below):
    learner, strategy = toy.learner(), made(cut=cut)
    first, second = toy.two_experiences()
    strategy.begin(learner, first)
    before = state_of(learner)
    assert learner.backbone.frozen == ()
    toy.train(learner, first)
    assert {name for name in before if not torch.equal(before[name], state_of(learner)[name])}
    strategy.end(learner, first)
    stages = list(learner.backbone.stages)
    for strategy_step in (strategy.begin, strategy.end):
        for place, stage in enumerate(learner.backbone.stages.values()):
            assert all(p.requires_grad == (place >= below) for p in stage.parameters())
        assert learner.backbone.frozen == tuple(stages[:below])
        strategy_step(learner, second)
    assert [strategy.source(exp) for exp in (first, second)] == ["input", cut]
    assert strategy.replays and not strategy.cumulative


@pytest.mark.parametrize(("cut", "low"), [("block3", 0.0), ("conv4", -100.0)])
def test_samples_behind_a_relu_are_not_negative(cut, low):
    strategy = toy.live(made(cut=cut), toy.learner(), steps=1)
    other = made(cut=cut)
    other.load_state_dict(strategy.state_dict())
    for one in (strategy, other):
        h = one.replay((0, 1, 2, 3), 200, generator=torch_generator(0, "x")).h
        assert low <= h.min() and (h.min() < 0) == (cut == "conv4")


def test_old_classes_are_still_told_apart():
    learner = toy.learner()
    strategy = toy.live(made(prototype_samples=200), learner, steps=15)
    assert toy.accuracy(strategy, learner, range(4)) > 0.9


def test_errors():
    for how, text in (
        ({"new": "real ones"}, "strategy.new is 'real ones', must be one of real, generated, both"),
        ({"cut": "input"}, "strategy.cut is 'input': representations are replayed inside"),
        ({"bank": -1}, "strategy.bank is -1, must be at least 0"),
        ({"prototype_samples": 0}, "strategy.prototype_samples is 0, must be at least 1"),
        ({"per_class": 1}, "strategy.per_class is 1, must be at least 2"),
        ({"distillation": -0.5}, "strategy.distillation is -0.5, must be at least 0"),
        ({"distillation": math.nan}, "strategy.distillation is nan"),
    ):
        with pytest.raises(ValueError, match=text):
            made(**how)
    with pytest.raises(ValueError, match="nothing can be replayed before the end of the first"):
        made().replay((0,), 2, generator=torch.Generator())


def test_an_unknown_cut_is_told_before_the_first_training():
    text = "ConvNet has no cut 'conv9'; there are input, block1"
    with pytest.raises(ValueError, match=text):
        made(cut="conv9").begin(toy.learner(), toy.two_experiences()[0])


def test_a_class_of_one_image_cannot_be_learnt_by_a_generator():
    exp = toy.two_experiences()[0]
    few = exp.with_train(exp.train.rows(torch.tensor([0, 1, 2, 8])))
    with pytest.raises(ValueError, match="class 1 has 1 sample, .* strategy=icarl"):
        made().end(toy.learner(), few)
