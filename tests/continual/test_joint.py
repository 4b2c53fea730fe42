"""Training on the images of all classes seen so far."""

from __future__ import annotations

import pytest
import torch

from simlearn.continual import FineTune, Joint
from tests.continual import toy


def test_two_experiences():
    learner = toy.learner()
    strategy = toy.live(Joint(restarts=False), learner)
    assert torch.allclose(strategy.means, toy.true_means(learner), atol=1e-6)
    assert strategy.prototypes().y.tolist() == [0, 1, 2, 3]
    assert toy.accuracy(strategy, learner, range(4)) > 0.9


def test_it_gets_all_images_and_says_whether_it_starts_anew():
    assert Joint.cumulative and not FineTune.cumulative
    assert Joint().restarts is True and Joint(restarts=False).restarts is False
    assert all(Joint().trains(exp) for exp in toy.two_experiences(cumulative=True))


def test_images_of_the_new_classes_alone_are_refused():
    with pytest.raises(ValueError, match="class 0 has no embedding to take the mean of"):
        Joint().end(toy.learner(), toy.two_experiences()[1])


def test_the_state_is_the_means():
    strategy = toy.live(Joint(), toy.learner(), steps=0)
    other = Joint()
    other.load_state_dict(strategy.state_dict())
    assert torch.equal(other.prototypes().z, strategy.prototypes().z)
    images = toy.two_experiences(cumulative=True)[1].train.x
    assert strategy.memory_bytes() == 4 * 8 * 4 + images.numel() == other.memory_bytes()
