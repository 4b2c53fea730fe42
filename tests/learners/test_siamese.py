"""The Siamese network is the metric learner with the contrastive loss."""

from __future__ import annotations

import torch

from simlearn.data.batch import Batch
from simlearn.learners import AdamW, MetricLearner, SiameseNetwork
from simlearn.losses import ContrastiveLoss, contrastive_loss
from tests.learners.test_metric import batches, network


def test_default_loss():
    learner = SiameseNetwork(*network())
    assert isinstance(learner, MetricLearner)
    assert isinstance(learner.loss, ContrastiveLoss)
    assert (learner.loss.margin, learner.loss.reduction) == (1.0, "pairs")
    assert (learner.optimizer, learner.seed) == (None, 0)


def test_given_parts_are_kept():
    loss, optimizer = ContrastiveLoss(margin=0.3), AdamW()
    learner = SiameseNetwork(*network(), loss, optimizer, seed=5)
    assert learner.loss is loss and learner.optimizer is optimizer and learner.seed == 5


def test_the_step_is_the_contrastive_loss_over_all_pairs_or_the_given_ones():
    learner, batch = SiameseNetwork(*network()), batches(1)[0]
    z = learner(batch.x)
    out = learner.training_step(batch, 0)
    assert torch.equal(out["loss"], contrastive_loss(z, batch.y).value)
    assert out["output"].total == 12 * 11 // 2
    pairs = tuple(torch.tensor(rows) for rows in ([0], [3], [0, 1], [1, 2]))
    given = Batch(x=batch.x, y=batch.y, group=batch.group, index=batch.index, tuples=pairs)
    out = learner.training_step(given, 0)
    assert out["output"].total == 3
    assert torch.equal(out["loss"], contrastive_loss(z, batch.y, pairs).value)


def test_distance_of_a_pair_is_what_the_loss_sees():
    learner = SiameseNetwork(*network()).eval()
    one, two = batches(2, n=1)
    z = torch.cat([learner(one.x), learner(two.x)])
    half_square = contrastive_loss(z, torch.tensor([0, 0])).value
    assert torch.allclose(learner.distance(one.x, two.x).square() / 2, half_square)
