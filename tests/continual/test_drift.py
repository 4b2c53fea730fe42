"""Drift compensation against the paper's formula in plain numbers, and its strategy on a toy."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from simlearn.continual import drift
from simlearn.continual.drift import SDC, drift_of_prototypes
from simlearn.continual.fine_tune import FineTune
from simlearn.continual.freeze import Freeze
from simlearn.continual.network import embeddings
from tests.continual import toy


def draws(seed, k, n, d=3, dtype=torch.float64):
    g = torch.Generator().manual_seed(seed)
    mu, before, delta = (torch.randn(rows, d, generator=g, dtype=dtype) for rows in (k, n, n))
    return mu, before, before + 0.3 * delta


def naive(mu, before, after, sigma):
    """Equations 9 to 13 as they stand, point by point."""
    moved = []
    for m in mu.tolist():
        total, shift = 0.0, [0.0] * len(m)
        for b, a in zip(before.tolist(), after.tolist(), strict=True):
            w = math.exp(-sum((u - v) ** 2 for u, v in zip(b, m, strict=True)) / (2 * sigma**2))
            total += w
            shift = [s + w * (y - x) for s, x, y in zip(shift, b, a, strict=True)]
        moved.append([v + s / total for v, s in zip(m, shift, strict=True)])
    return moved


@given(st.integers(0, 10_000), st.integers(1, 4), st.integers(1, 9), st.floats(0.2, 10))
def test_equals_the_loop(seed, k, n, sigma):
    mu, before, after = draws(seed, k, n)
    for row, wanted in zip(
        drift_of_prototypes(mu, before, after, sigma).tolist(),
        naive(mu, before, after, sigma),
        strict=True,
    ):
        assert row == pytest.approx(wanted, abs=1e-9)


@given(st.floats(1e-200, 1e200), st.floats(-1e3, 1e3), st.floats(-1e3, 1e3))
def test_one_point_of_any_reach_moves_everything_alike(sigma, u, v):
    mu = torch.tensor([[u, v], [v, -u]], dtype=torch.float64)
    before = torch.tensor([[0.5, -2.0]], dtype=torch.float64)
    found = drift_of_prototypes(mu, before, before + torch.tensor([[1.0, 2.0]]), sigma)
    assert torch.allclose(found, mu + torch.tensor([1.0, 2.0]), atol=1e-9)


@pytest.mark.parametrize("sigma", [0.2, 1e-3, 1e-160])
def test_far_from_all_points_the_nearest_counts(sigma):
    """The weights as the paper writes them are all 0 here."""
    before = torch.tensor([[1e3, 0.0], [0.0, 2e3], [-3e3, 0.0]])
    after = before + torch.tensor([[1.0, 2.0], [30.0, 40.0], [-7.0, 5.0]])
    found = drift_of_prototypes(torch.zeros(1, 2), before, after, sigma)
    assert found.tolist() == [[1.0, 2.0]]
    with pytest.raises(ZeroDivisionError):
        naive(torch.zeros(1, 2), before, after, 0.2)


def test_points_equally_far_give_their_mean():
    before = torch.tensor([[1e3, 0.0], [-1e3, 0.0]])
    after = before + torch.tensor([[2.0, 0.0], [0.0, 4.0]])
    assert drift_of_prototypes(torch.zeros(1, 2), before, after).tolist() == [[1.0, 2.0]]


def test_a_wide_reach_gives_the_mean_drift_and_a_narrow_one_the_nearest():
    mu, before, after = draws(3, 4, 20)
    wide = drift_of_prototypes(mu, before, after, 1e6)
    assert torch.allclose(wide, mu + (after - before).mean(dim=0), atol=1e-9)
    nearest = torch.cdist(mu, before).argmin(dim=1)
    narrow = drift_of_prototypes(mu, before, after, 1e-3)
    assert torch.allclose(narrow, mu + (after - before)[nearest], atol=1e-9)


@given(st.integers(0, 1000), st.randoms())
def test_order_and_place_do_not_matter(seed, random):
    mu, before, after = draws(seed, 3, 8)
    wanted = drift_of_prototypes(mu, before, after)
    order = random.sample(range(8), 8)
    assert torch.allclose(drift_of_prototypes(mu, before[order], after[order]), wanted)
    away = torch.tensor([5.0, -3.0, 1.0])
    assert torch.allclose(
        drift_of_prototypes(mu + away, before + away, after + away), wanted + away
    )


def test_many_points_are_taken_some_prototypes_at_a_time(monkeypatch):
    mu, before, after = draws(1, 7, 10)
    wanted = drift_of_prototypes(mu, before, after)
    sizes, weights = [], drift._weights

    def seen(prototypes, points, sigma):
        sizes.append(len(prototypes))
        return weights(prototypes, points, sigma)

    monkeypatch.setattr(drift, "_weights", seen)
    for pairs, chunks in ((20, [2, 2, 2, 1]), (1, [1] * 7), (1000, [7])):
        sizes.clear()
        monkeypatch.setattr(drift, "PAIRS", pairs)
        assert torch.allclose(drift_of_prototypes(mu, before, after), wanted, atol=1e-12)
        assert sizes == chunks


def test_no_prototype_and_the_type():
    mu, before, after = draws(0, 2, 5, dtype=torch.float32)
    assert drift_of_prototypes(mu[:0], before, after).shape == (0, 3)
    found = drift_of_prototypes(mu, before, after)
    assert found.dtype == torch.float32
    exact = drift_of_prototypes(mu.double(), before.double(), after.double())
    assert torch.allclose(found.double(), exact, atol=1e-6)


def test_mistakes_are_named():
    mu, before, after = draws(0, 2, 5)
    with pytest.raises(ValueError, match="no point whose drift could be measured: give new images"):
        drift_of_prototypes(mu, before[:0], after[:0])
    for wrong in ((mu[:, :2], before, after), (mu, before[:4], after), (mu[0], before, after)):
        with pytest.raises(ValueError, match=r"prototypes must be \(K, d\), before and after"):
            drift_of_prototypes(*wrong)
    for sigma in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match=f"sigma is {sigma}, must be above 0"):
            drift_of_prototypes(mu, before, after, sigma)
    with pytest.raises(ValueError, match="strategy.sigma is 0, must be above 0"):
        SDC(sigma=0)


def off(strategy, learner):
    """Mean distance of the old means from where they should be."""
    return float((strategy.means[:2] - toy.true_means(learner)[:2]).norm(dim=1).mean())


def test_two_experiences_against_fine_tuning():
    """The same network, bit for bit; the old means are nearer to the true ones."""
    plain, moved = toy.learner(), toy.learner()
    one, two = toy.live(FineTune(), plain), toy.live(SDC(), moved)
    assert all(torch.equal(v, moved.state_dict()[k]) for k, v in plain.state_dict().items())
    assert torch.equal(one.means[2:], two.means[2:])
    assert off(two, moved) < 0.6 * off(one, plain)
    assert torch.allclose(two.means.norm(dim=1), torch.ones(4), atol=1e-6)
    assert two.prototypes().y.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("normalise", [True, False])
def test_the_old_means_move_by_the_formula(normalise):
    learner, strategy = toy.learner(normalise=normalise), SDC(sigma=0.5)
    toy.live(strategy, learner, until=1)
    exp, old = toy.two_experiences()[1], strategy.means.clone()
    strategy.begin(learner, exp)
    before = embeddings(learner, exp.train, exp.scale)
    toy.train(learner, exp)
    strategy.end(learner, exp)
    after = embeddings(learner, exp.train, exp.scale)
    wanted = torch.tensor(naive(old, before, after, 0.5))
    if normalise:
        wanted = wanted / wanted.norm(dim=1, keepdim=True)
    assert torch.allclose(strategy.means[:2], wanted, atol=1e-5)
    assert not torch.allclose(strategy.means[:2], old, atol=1e-3)


def test_without_training_nothing_moves():
    frozen, learner = toy.learner(), toy.learner()
    one, two = toy.live(Freeze(), frozen, steps=0), toy.live(SDC(), learner, steps=0)
    assert torch.allclose(one.means, two.means, atol=1e-6)


def test_a_resumed_experience_ends_the_same(tmp_path):
    """State, network and experience are all that a run has when it begins the experience again."""
    learner, strategy = toy.learner(), SDC()
    toy.live(strategy, learner, until=1)
    exp = toy.two_experiences()[1]
    kept = {"strategy": strategy.state_dict(), "learner": learner.state_dict()}
    torch.save(kept, tmp_path / "kept")
    means = []
    for one, network in ((strategy, learner), (SDC(), toy.learner(seed=9))):
        state = torch.load(tmp_path / "kept", weights_only=True)
        one.load_state_dict(state["strategy"])
        network.load_state_dict(state["learner"])
        one.begin(network, exp)
        toy.train(network, exp)
        one.end(network, exp)
        means.append(one.means)
    assert torch.equal(*means)


def test_what_is_kept_and_for_how_long():
    """The new images' embeddings while there are old means to move; the means for good."""
    strategy, learner = SDC(), toy.learner()
    first, second = toy.two_experiences()
    strategy.begin(learner, first)
    assert strategy.transient_bytes() == 0
    strategy.end(learner, first)
    strategy.begin(learner, second)
    assert strategy.transient_bytes() == 16 * 8 * 4
    assert strategy.memory_bytes() == 2 * 8 * 4
    strategy.end(learner, second)
    assert (strategy.transient_bytes(), strategy.memory_bytes()) == (0, 4 * 8 * 4)
    assert list(strategy.state_dict()) == ["means"]


def test_the_end_without_a_beginning_is_named():
    strategy, learner = SDC(), toy.learner()
    toy.live(strategy, learner, steps=0, until=1)
    last = toy.two_experiences()[1]
    with pytest.raises(ValueError, match="the embeddings before training: call begin first"):
        strategy.end(learner, last)
    strategy = SDC()
    strategy.begin(learner, last)
    with pytest.raises(ValueError, match="2 classes came before and the means of 0 are kept"):
        strategy.end(learner, last)
