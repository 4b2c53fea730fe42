"""The Triplet network is the metric learner with the triplet loss."""

from __future__ import annotations

import torch

from simlearn.data.batch import Batch
from simlearn.learners import AdamW, MetricLearner, TripletNetwork
from simlearn.losses import TripletLoss, triplet_loss
from tests.learners.test_metric import batches, network


def test_default_loss():
    learner = TripletNetwork(*network())
    assert isinstance(learner, MetricLearner)
    assert isinstance(learner.loss, TripletLoss)
    assert (learner.loss.margin, learner.loss.mining) == (0.2, "all")
    assert (learner.optimizer, learner.seed) == (None, 0)


def test_given_parts_are_kept():
    loss, optimizer = TripletLoss(mining="hard"), AdamW()
    learner = TripletNetwork(*network(), loss, optimizer, seed=5)
    assert learner.loss is loss and learner.optimizer is optimizer and learner.seed == 5


def test_the_step_is_the_triplet_loss_over_all_triplets_or_the_given_ones():
    learner, batch = TripletNetwork(*network()), batches(1)[0]
    z = learner(batch.x)
    out = learner.training_step(batch, 0)
    assert torch.equal(out["loss"], triplet_loss(z, batch.y).value)
    assert out["output"].total == 12 * 3 * 8  # anchors, positives of each, negatives of each
    triplets = tuple(torch.tensor(rows) for rows in ([0, 1], [3, 4], [1, 2]))
    given = Batch(x=batch.x, y=batch.y, group=batch.group, index=batch.index, tuples=triplets)
    out = learner.training_step(given, 0)
    assert out["output"].total == 2
    assert torch.equal(out["loss"], triplet_loss(z, batch.y, triplets).value)


def test_training_pulls_the_classes_apart(tmp_path):
    """Loss falls on a batch that is seen again and again."""
    from tests.learners.test_metric import fit

    data = batches(1) * 30
    learner = TripletNetwork(*network(), optimizer=AdamW(lr=1e-2, warmup=0.0))
    before = learner.training_step(data[0], 0)["output"]
    fit(learner, data, tmp_path)
    after = learner.training_step(data[0], 0)["output"]
    assert after.active < before.active / 2
