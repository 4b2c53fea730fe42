"""A network that learns in the first experience only."""

from __future__ import annotations

import torch

from simlearn.continual import FineTune, Freeze
from tests.continual import toy


def test_only_the_first_experience_trains():
    assert [Freeze().trains(exp) for exp in toy.two_experiences()] == [True, False]


def test_two_experiences():
    """The network is that of fine-tuning after the first; the means of all classes are true."""
    learner, other = toy.learner(), toy.learner()
    strategy = toy.live(Freeze(), learner)
    toy.live(FineTune(), other, until=1)
    assert not torch.equal(learner.head.linear.weight, toy.learner().head.linear.weight)
    for key, value in learner.state_dict().items():
        assert torch.equal(value, other.state_dict()[key])
    assert strategy.prototypes().y.tolist() == [0, 1, 2, 3]
    assert torch.allclose(strategy.means, toy.true_means(learner), atol=1e-6)
    assert toy.accuracy(strategy, learner, range(4)) > 0.9
    assert strategy.transient_bytes() == 0
