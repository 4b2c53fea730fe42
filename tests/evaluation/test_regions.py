"""Drift, purity and intrusion against loops over pairs."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.data.embeddings import Embeddings
from simlearn.data.randomness import torch_generator
from simlearn.evaluation.regions import intrusion, mean_drift, neighbour_purity


def drawn(n, classes, seed, d=3, grid=False):
    g = torch_generator(seed, "regions")
    z = torch.randn(n, d, generator=g)
    y = torch.randint(classes, (n,), generator=g)
    return (z.round() if grid else z), y  # on a grid many distances are equal


def embeddings(z, y):
    return Embeddings(z=z, y=y, group=torch.full_like(y, -1), index=torch.arange(len(y)))


def naive_purity(z, y, classes, k):
    shares = []
    for i in range(len(z)):
        if int(y[i]) in classes:
            others = [j for j in range(len(z)) if j != i]
            others.sort(key=lambda j: (math.dist(z[i].tolist(), z[j].tolist()), j))
            near = others[:k]
            shares.append(sum(int(y[j] == y[i]) for j in near) / len(near))
    return sum(shares) / len(shares) if shares else math.nan


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 25), st.integers(1, 30), st.integers(0, 1000), st.booleans())
def test_purity_equals_the_loop(n, k, seed, grid):
    z, y = drawn(n, 4, seed, grid=grid)
    found = neighbour_purity(z, y, [0, 2], k)
    assert found == pytest.approx(naive_purity(z.double(), y, {0, 2}, k), nan_ok=True)
    assert neighbour_purity(z, y, [0, 2], k, chunk=3) == pytest.approx(found, nan_ok=True, abs=0)


def test_regions_that_stand_apart_are_pure():
    z, y = drawn(60, 3, 0)
    apart = z + 100 * torch.eye(3)[y]
    assert neighbour_purity(apart, y, [0, 1], 5) == 1.0
    assert neighbour_purity(z, y, [0, 1], 5) < 0.7


def test_purity_without_samples_or_neighbours_is_nan():
    z, y = drawn(5, 2, 0)
    assert math.isnan(neighbour_purity(z, y, []))
    assert math.isnan(neighbour_purity(z, y, [7]))
    assert math.isnan(neighbour_purity(z[:1], y[:1], y[:1].tolist()))
    assert math.isnan(neighbour_purity(z[:0], y[:0], [0]))


def naive_intrusion(z, y, prototypes, old):
    caught = count = 0
    for row, label in zip(z.tolist(), y.tolist(), strict=True):
        if label not in old:
            distances = [math.dist(row, p) for p in prototypes.z.tolist()]
            winner = int(prototypes.y[distances.index(min(distances))])
            caught, count = caught + (winner in old), count + 1
    return caught / count if count else math.nan


@given(st.integers(0, 20), st.integers(0, 1000), st.booleans())
def test_intrusion_equals_the_loop(n, seed, grid):
    z, y = drawn(n, 4, seed, grid=grid)
    prototypes = embeddings(drawn(4, 4, seed + 1)[0], torch.tensor([2, 0, 3, 1]))
    found = intrusion(z, y, prototypes, [0, 1])
    assert found == pytest.approx(naive_intrusion(z.double(), y, prototypes, {0, 1}), nan_ok=True)


def test_intrusion_at_its_ends(monkeypatch):
    prototypes = embeddings(torch.tensor([[0.0, 0.0], [10.0, 0.0]]), torch.tensor([0, 1]))
    z, y = torch.tensor([[1.0, 0.0], [9.0, 0.0], [2.0, 0.0]]), torch.tensor([1, 1, 0])
    assert intrusion(z, y, prototypes, [0]) == 0.5
    assert intrusion(z[1:2], y[1:2], prototypes, [0]) == 0.0
    assert intrusion(z[:1], y[:1], prototypes, [0]) == 1.0
    monkeypatch.setattr("simlearn.evaluation.regions.ENTRIES", 1)  # one sample at a time
    assert intrusion(z, y, prototypes, [0]) == 0.5
    assert math.isnan(intrusion(z, y, prototypes, []))
    assert math.isnan(intrusion(z, y, prototypes, [0, 1]))


def test_drift_is_the_way_of_the_means():
    before = torch.tensor([[0.0, 0.0], [1.0, 1.0]])
    found = mean_drift(before, torch.tensor([[3.0, 4.0], [1.0, 1.0]]))
    assert found.dtype == torch.float64 and found.tolist() == [5.0, 0.0]
    assert mean_drift(before[:0], before[:0]).shape == (0,)


@given(st.integers(0, 5), st.integers(1, 6), st.integers(0, 1000))
def test_drift_equals_the_loop(k, d, seed):
    a, b = drawn(k, 2, seed, d)[0], drawn(k, 2, seed + 1, d)[0]
    wanted = [math.dist(p, q) for p, q in zip(a.tolist(), b.tolist(), strict=True)]
    assert mean_drift(a, b).tolist() == pytest.approx(wanted)


def test_mistakes_are_named():
    z, y = drawn(4, 2, 0)
    prototypes = embeddings(z, y)
    bad = z.clone()
    bad[1, 1] = torch.inf
    with pytest.raises(ValueError, match=r"the same \(K, d\), found \(4, 3\) and \(3, 3\)"):
        mean_drift(z, z[:3])
    with pytest.raises(ValueError, match="k is 0, must be at least 1"):
        neighbour_purity(z, y, [0], 0)
    for call in (
        lambda z, y: neighbour_purity(z, y, [0]),
        lambda z, y: intrusion(z, y, prototypes, [0]),
    ):
        with pytest.raises(ValueError, match=r"must be \(N, d\) with \(N,\) labels, found \(4, 3"):
            call(z, y[:3])
        with pytest.raises(ValueError, match="not finite: the training has diverged"):
            call(bad, y)
    with pytest.raises(ValueError, match="no prototype to compare with"):
        intrusion(z, y, embeddings(z[:0], y[:0]), [0])
    with pytest.raises(ValueError, match="z has 3 values a row and prototypes 2"):
        intrusion(z, y, embeddings(z[:, :2], y), [0])
