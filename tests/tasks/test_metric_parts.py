"""Parts become the network that their loss asks for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from simlearn.learners import MetricLearner, SiameseNetwork, TripletNetwork
from simlearn.losses import triplet_loss


@pytest.mark.parametrize(
    ("loss", "kind"), [("triplet", TripletNetwork), ("contrastive", SiameseNetwork)]
)
def test_the_loss_decides(make_parts, loss, kind):
    parts = make_parts("trainer.max_steps=1", f"loss={loss}")
    learner = parts.learner(seed=5)
    assert type(learner) is kind
    assert learner.backbone is parts.backbone and learner.head is parts.head
    assert learner.loss is parts.loss and learner.optimizer is parts.optimizer
    assert learner.seed == 5


def test_any_other_loss_gets_a_plain_learner(parts):
    learner = replace(parts, loss=triplet_loss).learner(seed=1)
    assert type(learner) is MetricLearner
    assert learner.loss is triplet_loss
