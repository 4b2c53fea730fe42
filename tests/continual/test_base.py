"""What is kept between experiences by a strategy that keeps class means only."""

from __future__ import annotations

import pytest
import torch

from simlearn.continual.base import KeepMeans
from simlearn.continual.network import embeddings
from simlearn.learners.contract import Step
from tests.continual import toy


def test_nothing_before_the_first_experience():
    strategy = KeepMeans()
    assert strategy.prototypes() is None
    assert strategy.replayable() == ()
    assert strategy.replay((), 2, generator=torch.Generator()) is None
    assert strategy.memory_bytes() == strategy.transient_bytes() == 0


def test_means_are_of_the_network_at_the_end_of_their_experience():
    strategy, learner = KeepMeans(), toy.learner()
    first, second = toy.two_experiences()
    strategy.begin(learner, first)
    strategy.end(learner, first)
    then = strategy.means.clone()
    assert torch.allclose(then, toy.true_means(learner, (0, 1)), atol=1e-6)
    strategy.begin(learner, second)
    toy.train(learner, second)
    strategy.end(learner, second)
    assert torch.equal(strategy.means[:2], then)
    assert torch.allclose(strategy.means[2:], toy.true_means(learner, (2, 3)), atol=1e-6)
    assert not torch.allclose(then, toy.true_means(learner, (0, 1)), atol=1e-3)


def test_prototypes_have_the_labels_of_all_seen_classes():
    strategy = toy.live(KeepMeans(), toy.learner(), steps=0)
    found = strategy.prototypes()
    assert found.y.tolist() == [0, 1, 2, 3]
    assert torch.equal(found.z, strategy.means) and found.z.dtype == torch.float32
    assert strategy.memory_bytes() == 4 * 8 * 4


def test_the_end_of_an_experience_may_come_twice():
    """A run that was killed between an experience's end and the checkpoint."""
    strategy, learner = toy.live(KeepMeans(), toy.learner(), steps=0), toy.learner(seed=5)
    old, last = strategy.means[:2].clone(), toy.two_experiences()[1]
    strategy.end(learner, last)
    assert torch.equal(strategy.means[:2], old)
    assert torch.allclose(strategy.means[2:], toy.true_means(learner, (2, 3)), atol=1e-6)


def test_a_strategy_without_its_state_would_mix_up_the_labels():
    exp = toy.two_experiences()[1]
    with pytest.raises(ValueError, match="2 classes came before and the means of 0 are kept: load"):
        KeepMeans().end(toy.learner(), exp)


def test_without_unit_length_the_mean_is_the_plain_one():
    learner = toy.learner(normalise=False)
    strategy = toy.live(KeepMeans(), learner, steps=0)
    exp = toy.two_experiences()[1]
    z = embeddings(learner, exp.train, exp.scale)
    assert torch.allclose(strategy.means[2:], z.reshape(2, 8, -1).mean(dim=1), atol=1e-6)
    assert (strategy.means.norm(dim=1) - 1).abs().max() > 0.1


def test_the_state_restores_all(tmp_path):
    strategy = toy.live(KeepMeans(), toy.learner(), steps=1)
    torch.save(strategy.state_dict(), tmp_path / "state")
    other = KeepMeans()
    other.load_state_dict(torch.load(tmp_path / "state", weights_only=True))
    assert torch.equal(other.prototypes().z, strategy.prototypes().z)
    assert other.memory_bytes() == strategy.memory_bytes() == 128
    empty = KeepMeans()
    empty.load_state_dict(KeepMeans().state_dict())
    assert empty.prototypes() is None


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_the_penalty_is_zero(dtype):
    one = torch.ones(2, 3, dtype=dtype)
    step = Step(h=one, f=one, y=torch.zeros(2), z=one, cut="input", n_new=2)
    found = KeepMeans().penalty(step)
    assert (found.shape, found.dtype, float(found)) == ((), dtype, 0.0)
