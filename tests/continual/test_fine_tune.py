"""Fine-tuning: the network goes on learning, and nothing is done about the old classes."""

from __future__ import annotations

import torch

from simlearn.continual import FineTune
from tests.continual import toy


def test_two_experiences():
    learner = toy.learner()
    strategy = toy.live(FineTune(), learner)
    assert toy.accuracy(strategy, learner, (2, 3)) > 0.9
    assert toy.accuracy(strategy, learner, (0, 1)) < 0.5, "nothing was forgotten"
    assert torch.allclose(strategy.means[2:], toy.true_means(learner)[2:], atol=1e-6)
    assert (strategy.means[:2] - toy.true_means(learner)[:2]).norm(dim=1).min() > 0.1


def test_every_experience_trains_on_its_own_images_alone():
    strategy = FineTune()
    assert [strategy.trains(exp) for exp in toy.two_experiences()] == [True, True]
    assert (strategy.cumulative, strategy.restarts) == (False, False)
    assert strategy.source(toy.two_experiences()[1]) == "input"


def test_its_steps_are_those_without_a_strategy():
    weights = []
    for strategy in (FineTune(), None):
        learner = toy.learner()
        learner.strategy = strategy
        for exp in toy.two_experiences():
            toy.train(learner, exp)
        weights.append(learner.state_dict())
    assert all(torch.equal(value, weights[1][key]) for key, value in weights[0].items())
    assert not torch.equal(weights[0]["head.linear.weight"], toy.learner().head.linear.weight)
