"""The learner's step against bare PyTorch: same seeds, same weights, bit for bit."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from simlearn.backbones import LinearHead
from simlearn.backbones.base import Backbone
from simlearn.data.batch import Batch
from simlearn.data.randomness import derive_seed
from simlearn.learners import SGD, AdamW, MetricLearner
from simlearn.losses import TripletLoss, triplet_loss
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
