"""The probe finds differences that are there and none where there is none."""

from __future__ import annotations

import math

import pytest
import torch

from simlearn.data.randomness import torch_generator
from simlearn.evaluation import origin_probe as module
from simlearn.evaluation.origin_probe import cross_validated, origin_probe


def normal(n, *shape, seed=0, shift=0.0):
    return torch.randn(n, *shape, generator=torch_generator(seed, "probe")) + shift


def test_the_same_distribution_cannot_be_told():
    found = origin_probe(normal(300, 8), normal(300, 8, seed=1), seed=0)
    assert abs(found["accuracy"] - 0.5) < 0.06
    low, high = found["interval"]
    assert low < found["accuracy"] < high and 0.03 < high - low < 0.2
    assert found["n"] == 600


def test_a_shift_is_found_whatever_its_scale():
    other = normal(200, 2, 4, seed=1)
    other[:, 1, 3] += 5
    tiny = torch.ones(2, 4)
    tiny[1, 3] = 1e-6
    found = origin_probe(normal(200, 2, 4) * tiny, other * tiny, seed=0)
    assert found["accuracy"] > 0.95 and found["n"] == 400


def test_shuffled_labels_are_a_coin():
    """The same samples with labels drawn at random: what is left is chance."""
    x = torch.cat([normal(150, 4), normal(150, 4, shift=3.0, seed=1)])
    y = torch.arange(300) // 150
    shuffled = y[torch.randperm(300, generator=torch_generator(0, "shuffle"))]
    right = cross_validated(module._probe(), x.double(), y, folds=5, seed=0)
    assert right.double().mean() > 0.95
    chance = cross_validated(module._probe(), x.double(), shuffled, folds=5, seed=0)
    assert abs(float(chance.double().mean()) - 0.5) < 0.1


def test_every_sample_is_judged_by_a_fit_that_has_not_seen_it():
    """Labels that only memory knows are not named rightly."""
    x, y = normal(40, 60).double(), torch.arange(40) % 2
    right = cross_validated(module._probe(), x, y, folds=5, seed=0)
    assert right.double().mean() < 0.8
    assert module._probe().fit(x.numpy(), y.numpy()).score(x.numpy(), y.numpy()) == 1.0


def test_origins_are_balanced_and_capped(monkeypatch):
    assert origin_probe(normal(500, 3), normal(20, 3, seed=1), seed=0)["n"] == 40
    found = origin_probe(normal(500, 3), normal(20, 3, seed=1), seed=0)
    assert found["accuracy"] < 0.8  # naming the larger origin always would give 0.96
    monkeypatch.setattr(module, "MOST", 30)
    assert origin_probe(normal(500, 3), normal(90, 3), seed=0)["n"] == 60


def test_a_function_of_the_seed_alone():
    real, generated = normal(60, 5), normal(70, 5, seed=1)
    state = torch.get_rng_state()
    one, two, other = (origin_probe(real, generated, seed=s) for s in (0, 0, 1))
    assert one == two != other
    assert torch.equal(torch.get_rng_state(), state)


def test_few_samples_have_fewer_folds_or_no_number():
    found = origin_probe(normal(3, 2), normal(2, 2, shift=50.0), seed=0)
    assert (found["accuracy"], found["n"]) == (1.0, 4)
    for real, generated in ((1, 9), (9, 0), (0, 0)):
        found = origin_probe(normal(real, 2), normal(generated, 2), seed=0)
        assert math.isnan(found["accuracy"]) and all(map(math.isnan, found["interval"]))
        assert found["n"] == 0


def test_mistakes_are_named():
    a = normal(4, 2)
    with pytest.raises(ValueError, match=r"of one shape F, found \(4, 2\) and \(4, 3\)"):
        origin_probe(a, normal(4, 3), seed=0)
    with pytest.raises(ValueError, match=r"found \(4,\) and \(4,\)"):
        origin_probe(a[:, 0], a[:, 0], seed=0)
    with pytest.raises(ValueError, match="folds is 1, must be at least 2"):
        origin_probe(a, a, seed=0, folds=1)
    with pytest.raises(ValueError, match="generated holds values that are not finite"):
        origin_probe(a, a / 0, seed=0)
