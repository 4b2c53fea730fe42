"""Distance-weighted draws against the density written out, and the peer library."""

from __future__ import annotations

import math
from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import normalize

from simlearn.losses.distances import euclidean_distances
from simlearn.miners import AllPairs, DistanceWeightedMiner
from simlearn.miners.distance_weighted import (
    distance_weighted_triplets,
    draw_columns,
    negative_weights,
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def sphere(seed, b, d, classes):
    g = seeded(seed)
    z = normalize(torch.randn(b, d, generator=g, dtype=torch.float64), dim=1)
    return z, torch.randint(classes, (b,), generator=g)


def naive(z, y, cutoff=0.5, nonzero=1.4):
    """Per anchor {n: probability}, from the density as the paper writes it."""
    z, y, dim, found = z.tolist(), y.tolist(), z.shape[1], []
    for a in range(len(y)):
        weight = {}
        for n in range(len(y)):
            d = max(math.dist(z[a], z[n]), cutoff)
            if y[n] != y[a] and d < nonzero and d < 2:
                weight[n] = 1 / (d ** (dim - 2) * (1 - d * d / 4) ** ((dim - 3) / 2))
        total = sum(weight.values())
        found.append({n: w / total for n, w in weight.items()})
    return found


def ours(z, y, **cutoffs):
    same = y[:, None] == y
    given = {"cutoff": 0.5, "nonzero_loss_cutoff": 1.4, **cutoffs}
    return negative_weights(euclidean_distances(z, z), ~same, z.shape[1], **given)


@settings(max_examples=60)
@given(
    st.integers(0, 10_000),
    st.integers(1, 14),
    st.integers(1, 9),
    st.sampled_from([(0.5, 1.4), (0.01, 1.2), (0.5, math.inf), (1.9, 3.0)]),
    st.sampled_from([1.0, 1.6]),
)
def test_weights_are_those_of_the_density(seed, b, dim, cutoffs, scale):
    z, y = sphere(seed, b, dim, 3)
    z = z * scale  # distances up to 3.2, where the density has ended
    z[b // 2] = z[0]  # a duplicate
    w = ours(z, y, cutoff=cutoffs[0], nonzero_loss_cutoff=cutoffs[1])
    for row, wanted in zip(w, naive(z, y, *cutoffs), strict=True):
        assert {n for n in range(b) if row[n] > 0} == set(wanted)
        if wanted:
            assert float(row.max()) == 1.0
            share = row / row.sum()
            assert all(float(share[n]) == pytest.approx(q, rel=1e-6) for n, q in wanted.items())


@pytest.mark.parametrize("dim", [512, 4096])
def test_no_anchor_vanishes_in_high_dimensions(dim):
    """One row near, one row far: weights differ by hundreds of powers of ten between rows."""
    d = torch.tensor([[0.5, 0.6], [1.38, 1.39], [1.5, 1.6]], dtype=torch.float64)
    w = negative_weights(d, d > 0, dim, cutoff=0.5, nonzero_loss_cutoff=1.4)
    assert w.isfinite().all()
    assert w[:, 0].tolist() == [1.0, 1.0, 0.0]
    assert 0 < float(w[1, 1]) < 1 and not w[2].any()
    ratio = (dim - 2) * math.log(1.38 / 1.39) + (dim - 3) / 2 * math.log(
        (1 - 1.38**2 / 4) / (1 - 1.39**2 / 4)
    )
    assert math.log(float(w[1, 1])) == pytest.approx(ratio, abs=1e-6)


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from([0.0, 1e-300, 0.3, 1.0, 1.0 + 2.0**-52, 7.0]), min_size=1, max_size=8),
    st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=5),
)
def test_columns_are_the_inverse_of_the_cumulated_weights(weights, u):
    u = [0.0, 1 - 2.0**-53, *u]
    w = torch.tensor([weights, weights[::-1]], dtype=torch.float64)
    drawn = draw_columns(w, torch.tensor([u, u], dtype=torch.float64))
    assert drawn.shape == (2, len(u))
    for row, found in zip(w.tolist(), drawn.tolist(), strict=True):
        for share, column in zip(u, found, strict=True):
            if not any(row):
                assert column == len(row)
            else:
                assert row[column] > 0
                assert sum(row[:column]) <= share * sum(row) + 1e-9
                assert share * sum(row) <= sum(row[: column + 1]) + 1e-9


def chi_square(counts, expected):
    """Sum over all cells and its degrees of freedom."""
    value, freedom = 0.0, 0
    for a, share in enumerate(expected):
        total = sum(counts[a, n] for n in share)
        value += sum((counts[a, n] - total * q) ** 2 / (total * q) for n, q in share.items())
        freedom += len(share) - 1
    return value, freedom


def test_frequencies_are_the_weights():
    z, y = sphere(3, 24, 5, 3)
    g, counts = seeded(11), Counter()
    for _ in range(300):
        a, _, n = distance_weighted_triplets(z, y, generator=g)
        counts.update(zip(a.tolist(), n.tolist(), strict=True))
    expected = naive(z, y)
    assert set(counts) <= {(a, n) for a, share in enumerate(expected) for n in share}
    value, freedom = chi_square(counts, expected)
    assert abs(value - freedom) < 5 * math.sqrt(2 * freedom)
    uniform = [dict.fromkeys(share, 1 / len(share)) for share in expected]
    value, freedom = chi_square(counts, uniform)
    assert value > freedom + 50 * math.sqrt(2 * freedom)  # the test would see a wrong density


def test_pytorch_metric_learning_draws_with_the_same_weights():
    from pytorch_metric_learning.miners import DistanceWeightedMiner as Theirs

    z, y = sphere(4, 20, 5, 3)
    theirs, counts = Theirs(), Counter()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for _ in range(200):
            a, _, n = theirs(z, y)
            counts.update(zip(a.tolist(), n.tolist(), strict=True))
    w = ours(z, y)
    expected = [
        {n: float(q) for n, q in enumerate(row / row.sum()) if q > 0} if row.any() else {}
        for row in w
    ]
    assert set(counts) <= {(a, n) for a, share in enumerate(expected) for n in share}
    value, freedom = chi_square(counts, expected)
    assert abs(value - freedom) < 5 * math.sqrt(2 * freedom)


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.integers(0, 25), st.integers(1, 6), st.sampled_from([1.0, 1.5]))
def test_one_negative_for_every_pair_of_an_anchor_that_has_one(seed, b, dim, scale):
    z, y = sphere(seed, b, dim, 4)
    z = z * scale
    a, p, n = distance_weighted_triplets(z, y, generator=seeded(seed))
    shares = naive(z, y)
    pairs = AllPairs()(z, y)
    wanted = [
        pair for pair in zip(pairs.a1.tolist(), pairs.p.tolist(), strict=True) if shares[pair[0]]
    ]
    assert list(zip(a.tolist(), p.tolist(), strict=True)) == wanted
    assert all(j in shares[i] for i, j in zip(a.tolist(), n.tolist(), strict=True))


def test_the_generator_decides():
    z, y = sphere(0, 30, 8, 3)
    miner = DistanceWeightedMiner()
    g, state = seeded(5), torch.get_rng_state()
    one, two = miner(z, y, generator=g), miner(z, y, generator=g)
    again = miner(z, y, generator=seeded(5))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(one.n, again.n)
    assert torch.equal(one.p, two.p) and not torch.equal(one.n, two.n)


def test_without_a_generator_the_default_one_draws():
    z, y = sphere(0, 30, 8, 3)
    miner = DistanceWeightedMiner()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(9)
        one, two = miner(z, y), miner(z, y)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(9)
        assert torch.equal(miner(z, y).n, one.n)
    assert not torch.equal(one.n, two.n)
    assert torch.equal(miner(z, y, generator=seeded(9)).n, one.n)


def test_far_embeddings_leave_nothing_to_draw():
    z, y = sphere(1, 12, 4, 3)
    for far in (z * 1e3, z * torch.nan):
        assert [len(t) for t in DistanceWeightedMiner()(far, y, generator=seeded())] == [0, 0, 0]
    near = DistanceWeightedMiner()(z * 1e-3, y, generator=seeded())
    assert len(near.a) == len(AllPairs()(z, y).a1)


@pytest.mark.parametrize("dim", [0, 1, 2, 3])
def test_low_dimensions(dim):
    z, y = torch.rand(14, dim, generator=seeded()), torch.arange(14) % 3
    a, p, n = DistanceWeightedMiner()(z, y, generator=seeded())
    assert len(a) == 5 * 4 * 2 + 4 * 3
    assert (y[a] == y[p]).all() and (y[a] != y[n]).all()


def test_mistakes_are_named():
    z, y = sphere(0, 4, 2, 2)
    for cutoff in (0, -1.0, 2, math.nan):
        with pytest.raises(ValueError, match=f"cutoff is {cutoff}, must be above 0 and below 2"):
            DistanceWeightedMiner(cutoff=cutoff)
    for far in (0.5, 0.1, math.nan):
        message = f"nonzero_loss_cutoff is {far}, must be above cutoff=0.5: nothing would be left"
        with pytest.raises(ValueError, match=message):
            distance_weighted_triplets(z, y, nonzero_loss_cutoff=far)
