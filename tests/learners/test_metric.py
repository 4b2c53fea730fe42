"""The learner's step against bare PyTorch: same seeds, same weights, bit for bit."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from simlearn.backbones import LinearHead
from simlearn.backbones.base import Backbone
from simlearn.continual import FineTune
from simlearn.data.batch import Batch
from simlearn.data.randomness import derive_seed
from simlearn.learners import SGD, AdamW, MetricLearner
from simlearn.learners import metric as module
from simlearn.learners.contract import Replay
from simlearn.losses import TripletLoss, triplet_loss
from simlearn.miners import AllTriplets
from simlearn.trainer import TrainerSettings, make_trainer


def network(dropout=0.0, seed=0):
    """A small backbone and head with drawn weights."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        stages = {
            "flat": nn.Flatten(),
            "hidden": nn.Linear(12, 16),
            "act": nn.Sequential(nn.ReLU(), nn.Dropout(dropout)),
            "out": nn.Linear(16, 8),
        }
        return Backbone(stages, dim=8, kind="image"), LinearHead(8, 4)


def batches(count, n=12, seed=0):
    """Batches of three classes."""
    g = torch.Generator().manual_seed(seed)
    rows = torch.arange(n)
    x = torch.randn(count, n, 3, 2, 2, generator=g)
    return [Batch(x=part, y=rows % 3, group=rows, index=rows) for part in x]


def fit(learner, data, folder, **settings):
    """Train on ``data``, one step a batch, with the trainer of the package."""
    how = TrainerSettings(accelerator="cpu", max_steps=len(data), **settings)
    trainer = make_trainer(how, run_dir=folder, callbacks=[], loggers=[])
    trainer.fit(learner, torch.utils.data.DataLoader(data, batch_size=None))
    return trainer


def bare(backbone, head, data, optimizer, scheduler, seed, clip=0.0):
    """The same training as a plain loop; the norm is summed in the order of the groups."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    for step, batch in enumerate(data):
        torch.manual_seed(derive_seed(seed, "step", step))
        loss = triplet_loss(head(backbone(batch.x)), batch.y, batch.tuples, margin=0.5).value
        optimizer.zero_grad()
        loss.backward()
        if clip:
            torch.nn.utils.clip_grad_norm_(parameters, clip)
        optimizer.step()
        scheduler.step()


def parameters_of(*modules):
    return [p for module in modules for p in module.parameters()]


@pytest.mark.parametrize("dropout", [0.0, 0.5])
@pytest.mark.parametrize("clip", [0.0, 0.01])
@pytest.mark.parametrize("settings", [AdamW(lr=1e-2), SGD(lr=1e-2, warmup=0.5)])
def test_training_equals_the_bare_loop(tmp_path, dropout, clip, settings):
    data = batches(4)
    learner = MetricLearner(*network(dropout), TripletLoss(margin=0.5), settings, seed=7)
    trainer = fit(learner, data, tmp_path, gradient_clip=clip)
    backbone, head = network(dropout)
    parts = settings.build(parameters_of(backbone, head), 4)
    bare(backbone, head, data, *parts, seed=7, clip=clip)
    assert trainer.global_step == 4
    wanted, start = parameters_of(backbone, head), parameters_of(*network(dropout))
    found = list(learner.parameters())
    assert len(found) == len(wanted) == 6
    for one, two, old in zip(found, wanted, start, strict=True):
        assert torch.equal(one, two)
        assert not torch.equal(one, old)


def test_dropout_is_a_function_of_seed_and_step():
    """Whatever was drawn before: the second step's noise is the same, another seed's is not."""
    batch = batches(1)[0]

    def step(seed, drawn):
        learner = MetricLearner(*network(0.5), TripletLoss(), seed=seed)
        torch.rand(drawn)
        learner.on_train_batch_start(batch, 0)
        return learner.training_step(batch, 0)["z"]

    assert torch.equal(step(1, 0), step(1, 99))
    assert not torch.equal(step(1, 0), step(2, 0))


def test_given_tuples_are_used(tmp_path):
    plain = batches(1)[0]
    some = tuple(torch.tensor(rows) for rows in ([0, 1], [3, 4], [1, 2]))
    batch = Batch(x=plain.x, y=plain.y, group=plain.group, index=plain.index, tuples=some)
    learner = MetricLearner(*network(), TripletLoss())
    with_tuples, without = learner.training_step(batch, 0), learner.training_step(plain, 0)
    z = learner(batch.x)
    wanted = triplet_loss(z, batch.y, some).value
    assert with_tuples["output"].total == 2 < without["output"].total
    assert torch.equal(with_tuples["loss"], wanted)


def test_a_step_gives_what_the_callbacks_need():
    batch = batches(1)[0]
    learner = MetricLearner(*network(), TripletLoss())
    found = learner.training_step(batch, 0)
    assert set(found) == {"loss", "z", "y", "output"}
    assert found["loss"] is found["output"].value and found["loss"].requires_grad
    assert not found["z"].requires_grad
    assert torch.equal(found["z"], learner(batch.x).detach())
    assert torch.equal(found["y"], batch.y)


def test_forward_is_the_head_of_the_backbone():
    backbone, head = network()
    learner = MetricLearner(backbone, head).eval()
    x = batches(1)[0].x
    assert torch.equal(learner(x), head(backbone.high(backbone.low(x, "hidden"), "hidden")))
    assert torch.allclose(learner(x).norm(dim=1), torch.ones(12))


def test_distance_is_row_by_row_and_symmetric():
    learner = MetricLearner(*network()).eval()
    one, two = batches(2)
    d = learner.distance(one.x, two.x)
    z1, z2 = learner(one.x), learner(two.x)
    wanted = [
        sum((u - v) ** 2 for u, v in zip(a, b, strict=True)) ** 0.5
        for a, b in zip(z1.tolist(), z2.tolist(), strict=True)
    ]
    assert d.shape == (12,)
    assert d.tolist() == pytest.approx(wanted, abs=1e-6)
    assert torch.equal(d, learner.distance(two.x, one.x))
    assert not learner.distance(one.x, one.x).any()


def test_a_learner_without_loss_or_optimizer_says_so(tmp_path):
    backbone, head = network()
    with pytest.raises(ValueError, match="no loss and can only embed"):
        MetricLearner(backbone, head).training_step(batches(1)[0], 0)
    with pytest.raises(ValueError, match="no optimizer and can only embed"):
        fit(MetricLearner(backbone, head, TripletLoss()), batches(1), tmp_path)


def test_a_batch_without_a_tuple_takes_a_zero_step(tmp_path):
    """Momentum and all: the weights stay, and there is a gradient to step with."""
    batch = batches(1)[0]
    alone = Batch(x=batch.x, y=batch.index, group=batch.group, index=batch.index)
    learner = MetricLearner(*network(), TripletLoss(), SGD(lr=1.0, weight_decay=0.0))
    assert fit(learner, [alone], tmp_path).global_step == 1
    for one, two in zip(learner.parameters(), parameters_of(*network()), strict=True):
        assert torch.equal(one, two)


class Stored(FineTune):
    """Replays rows that follow from the class; remembers what it was asked and shown."""

    def __init__(self, classes=(3, 4), cut="hidden", joins=True, weight=0.0, per_class=None):
        super().__init__()
        self.classes, self.cut, self.joins, self.weight = classes, cut, joins, weight
        self.per_class = per_class
        self.asked, self.steps = [], []

    def replayable(self):
        return self.classes

    def replay(self, classes, per_class, *, generator):
        self.asked.append((tuple(classes), per_class))
        shape = (3, 2, 2) if self.cut == "input" else (16 if self.cut in ("hidden", "act") else 12,)
        h = torch.randn(len(classes) * per_class, *shape, generator=generator)
        y = torch.tensor(classes).repeat_interleave(per_class)
        return Replay(h, y, self.cut, replace=not self.joins)

    def penalty(self, step):
        self.steps.append(step)
        return self.weight * step.f.square().mean()


class AtStep(MetricLearner):
    """A learner at a step of a training, as one of several processes."""

    step = rank = 0

    @property
    def global_step(self):
        return self.step

    @property
    def global_rank(self):
        return self.rank


def learner_with(strategy, kind=MetricLearner, seed=0, **how):
    learner = kind(*network(), TripletLoss(margin=0.5), seed=seed, **how)
    learner.strategy = strategy
    return learner


def some(n):
    """A batch of n rows, of which the labels do not matter."""
    rows = torch.arange(n)
    return Batch(x=torch.randn(n, 3, 2, 2), y=rows % 3, group=rows, index=rows)


@pytest.mark.parametrize("cut", ["input", "flat", "hidden", "act"])
@pytest.mark.parametrize("joins", [True, False])
def test_replay_enters_at_its_cut(cut, joins):
    batch, strategy = batches(1)[0], Stored(cut=cut, joins=joins)
    learner = learner_with(strategy)
    found = learner.training_step(batch, 0)
    (step,) = strategy.steps
    drawn = step.h[12:] if joins else step.h
    assert (len(drawn), step.cut, step.n_new) == (12, cut, 12 if joins else 0)
    y = torch.tensor([3] * 6 + [4] * 6)
    z = learner.head(learner.backbone.high(drawn, cut))
    if joins:
        z, y = torch.cat([learner(batch.x), z]), torch.cat([batch.y, y])
    assert torch.equal(found["y"], y) and torch.equal(step.y, y)
    assert torch.allclose(found["z"], z, atol=1e-6) and torch.equal(found["z"], step.z)
    assert torch.allclose(learner.head(step.f), z, atol=1e-6)
    wanted = triplet_loss(z, y, margin=0.5).value
    assert float(found["loss"].detach()) == pytest.approx(float(wanted.detach()), abs=1e-6)


def test_a_penalty_is_added_and_the_loss_is_reported_without_it():
    batch = batches(1)[0]
    plain, held = learner_with(None), learner_with(Stored((), weight=0.7))
    without, with_ = plain.training_step(batch, 0), held.training_step(batch, 0)
    features = held.backbone(batch.x)
    wanted = without["loss"] + 0.7 * sum(f.square().sum() for f in features) / features.numel()
    assert torch.equal(with_["output"].value, without["output"].value)
    assert float(with_["loss"].detach()) == pytest.approx(float(wanted.detach()), rel=1e-6)
    assert float(with_["loss"].detach()) > float(without["loss"].detach()) + 1e-3


def test_the_gradient_of_a_penalty_reaches_the_weights():
    batch = batches(1)[0]
    gradients = []
    for weight in (0.0, 1.0, 3.0):
        learner = learner_with(Stored((), weight=weight))
        learner.training_step(batch, 0)["loss"].backward()
        gradients.append(learner.backbone.stages["hidden"].weight.grad)
    assert torch.allclose(gradients[2] - gradients[0], 3 * (gradients[1] - gradients[0]), atol=1e-6)
    assert (gradients[1] - gradients[0]).abs().max() > 1e-4


def test_a_strategy_that_does_nothing_changes_no_bit(tmp_path):
    data, weights = batches(4), []
    for run, strategy in enumerate((None, FineTune(), Stored(()))):
        learner = learner_with(strategy, seed=7)
        learner.optimizer = AdamW(lr=1e-2)
        fit(learner, data, tmp_path / str(run))
        weights.append(parameters_of(learner))
    assert strategy.asked == [] and len(strategy.steps) == 4
    for plain, *others in zip(*weights, strict=True):
        assert all(torch.equal(plain, other) for other in others)


def test_a_strategy_may_have_nothing_after_all():
    strategy = Stored()
    strategy.replay = lambda *classes, generator: None
    found = learner_with(strategy).training_step(batches(1)[0], 0)
    assert len(found["z"]) == strategy.steps[0].n_new == 12


@pytest.mark.parametrize("cut", ["flat", "hidden", "act"])
@pytest.mark.parametrize("replays", [True, False])
def test_activations_computed_beforehand_change_no_bit(cut, replays):
    batch, steps = batches(1)[0], []
    for at in ("input", cut):
        learner = learner_with(Stored(cut=cut) if replays else None)
        for name in list(learner.backbone.stages)[: learner.backbone.position(cut)]:
            learner.backbone.stages[name].requires_grad_(False)
        learner.at = at
        given_ = batch if at == "input" else replace(batch, x=learner.backbone.low(batch.x, at))
        found = learner.training_step(given_, 0)
        found["loss"].backward()
        steps.append((found, [p.grad for p in learner.parameters() if p.requires_grad]))
    (one, gradients), (two, others) = steps
    assert torch.equal(one["loss"], two["loss"]) and torch.equal(one["z"], two["z"])
    assert len(gradients) > 0 and any(g.any() for g in gradients)
    assert all(torch.equal(a, b) for a, b in zip(gradients, others, strict=True))


def test_activations_at_another_cut_than_the_replay_are_refused():
    learner = learner_with(Stored(cut="input"))
    learner.at = "hidden"
    with pytest.raises(ValueError, match="holds activations at 'hidden', replayed ones 'input'"):
        learner.training_step(replace(batches(1)[0], x=torch.randn(12, 16)), 0)


@given(st.integers(1, 70), st.integers(1, 40))
def test_about_as_many_are_replayed_as_there_are_new(n, classes):
    strategy = Stored(tuple(range(10, 10 + classes)))
    learner = learner_with(strategy)
    replayed = learner._replay(some(n))
    ((asked, per_class),) = strategy.asked
    assert per_class >= 2 and len(set(asked)) == len(asked) > 0
    assert set(asked) <= set(strategy.classes) and list(asked) == sorted(asked)
    rows = len(replayed.y)
    if 2 * classes <= n:
        assert len(asked) == classes and abs(rows - n) <= classes / 2
    else:
        assert rows == max(2, n - n % 2)
    if n % (2 * classes) == 0:
        assert rows == n


@pytest.mark.parametrize("n", [1, 12, 100])
def test_a_strategy_may_say_how_many_of_each_class(n):
    strategy = Stored((0, 1, 5), per_class=4)
    learner_with(strategy)._replay(some(n))
    assert strategy.asked == [((0, 1, 5), 4)]


def test_few_of_many_classes_follow_from_seed_step_and_rank():
    """One class in three has room: which ones changes from step to step."""

    def asked(seed=0, step=0, rank=0):
        strategy = Stored(tuple(range(18)))
        learner = learner_with(strategy, AtStep, seed=seed)
        learner.step, learner.rank = step, rank
        torch.rand(step + 1)  # what was drawn before is of no matter
        h = learner._replay(some(12)).h
        return strategy.asked[0], tuple(h[0].tolist())

    (classes, per_class), _ = first = asked()
    assert (len(classes), per_class) == (6, 2)
    assert asked() == first
    others = [asked(step=k) for k in range(1, 20)] + [asked(seed=1), asked(rank=1)]
    assert len({classes for (classes, _), _ in [first, *others]}) == 22
    assert len({h for _, h in [first, *others]}) == 22
    assert set().union(*(classes for (classes, _), _ in others)) == set(range(18))


def test_a_training_draws_anew_in_every_step_and_the_same_again(tmp_path):
    runs = []
    for run in range(2):
        strategy = Stored(tuple(range(3, 15)))
        learner = learner_with(strategy)
        learner.optimizer = SGD(lr=1e-2)
        fit(learner, batches(4), tmp_path / str(run))
        runs.append((strategy.asked, parameters_of(learner)))
    assert runs[0][0] == runs[1][0]
    assert len({classes for classes, _ in runs[0][0]}) == 4
    assert all(torch.equal(a, b) for a, b in zip(*(weights for _, weights in runs), strict=True))


def test_given_tuples_cannot_be_joined_by_replay():
    batch = batches(1)[0]
    tuples = tuple(torch.tensor(rows) for rows in ([0, 1], [3, 4], [1, 2]))
    batch = replace(batch, tuples=tuples)
    for joins in (True, False):
        with pytest.raises(
            ValueError, match="names its tuples and replayed samples would be in no"
        ):
            learner_with(Stored(joins=joins)).training_step(batch, 0)
    mined = learner_with(Stored(), miner=AllTriplets()).training_step(batch, 0)
    assert mined["output"].total > 2
    assert learner_with(Stored(())).training_step(batch, 0)["output"].total == 2


def test_a_penalty_sees_the_rows_of_its_own_process(monkeypatch):
    """The loss has the embeddings of both processes, whose activations are not here."""

    def twice(z, y):
        return torch.cat([z, z]), torch.cat([y, y])

    monkeypatch.setattr(module, "gather_embeddings", twice)
    strategy = Stored()
    found = learner_with(strategy).training_step(batches(1)[0], 0)
    (step,) = strategy.steps
    assert len(found["z"]) == len(found["y"]) == 48
    assert len(step.h) == len(step.f) == len(step.y) == len(step.z) == 24
    assert step.z.requires_grad and step.f.requires_grad


def test_half_precision_is_joined_by_single():
    strategy = Stored(cut="hidden", weight=0.1)
    learner = learner_with(strategy)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = learner.training_step(batches(1)[0], 0)
    exact = learner.training_step(batches(1)[0], 0)
    assert strategy.steps[0].f.dtype == torch.bfloat16
    assert found["loss"].dtype == torch.float32
    assert torch.allclose(found["z"], exact["z"], atol=0.05)
    found["loss"].backward()
    assert all(torch.isfinite(p.grad).all() for p in learner.parameters())
