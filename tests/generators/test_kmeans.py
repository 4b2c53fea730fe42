"""Clusters: separated groups are found, the result is a fixed point, none is too small."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from simlearn.generators.kmeans import kmeans
from tests.generators.clouds import seeded


def nearest(x, cluster):
    """For every sample the cluster with the nearest mean, by plain loops."""
    rows, labels = x.tolist(), cluster.tolist()
    means = []
    for k in sorted(set(labels)):
        mine = [row for row, label in zip(rows, labels, strict=True) if label == k]
        means.append([sum(column) / len(mine) for column in zip(*mine, strict=True)])
    away = [[sum((a - b) ** 2 for a, b in zip(r, m, strict=True)) for m in means] for r in rows]
    return [row.index(min(row)) for row in away]


def test_separated_groups_are_found():
    g = seeded()
    truth = torch.arange(4).repeat(25)
    x = 20 * torch.eye(4)[truth] + torch.randn(100, 4, generator=g)
    cluster = kmeans(x, 4, generator=g)
    for k in range(4):
        assert len(set(truth[cluster == k].tolist())) == 1
    assert sorted(set(cluster.tolist())) == [0, 1, 2, 3]


@pytest.mark.parametrize("seed", range(5))
def test_every_sample_is_with_its_nearest_mean(seed):
    x = torch.randn(40, 3, generator=seeded(seed))
    cluster = kmeans(x, 3, least=1, iterations=200, generator=seeded(seed))
    assert cluster.tolist() == nearest(x, cluster)


@given(st.integers(0, 1000), st.integers(2, 15), st.integers(1, 10), st.booleans())
def test_clusters_are_large_enough_and_numbered_without_a_gap(seed, n, k, twins):
    x = torch.randn(n, 2, generator=seeded(seed))
    if twins:
        x = x[torch.arange(n) // 3]
    cluster = kmeans(x, k, generator=seeded(seed))
    counts = cluster.bincount()
    assert len(cluster) == n
    assert len(counts) <= k
    assert int(counts.min()) >= 2


def test_an_outlier_alone_is_no_cluster():
    x = torch.cat([torch.zeros(5, 1), torch.ones(5, 1), torch.tensor([[100.0]])])
    cluster = kmeans(x, 3, generator=seeded())
    assert int(cluster.bincount().min()) >= 2


def test_the_same_generator_gives_the_same_clusters():
    x = torch.randn(60, 3, generator=seeded())
    one, two = (kmeans(x, 5, generator=seeded(2)) for _ in range(2))
    assert torch.equal(one, two)


def test_one_cluster_and_equal_samples():
    assert kmeans(torch.randn(5, 2, generator=seeded()), 1, generator=seeded()).tolist() == [0] * 5
    assert kmeans(torch.ones(6, 2), 3, generator=seeded()).tolist() == [0] * 6


def test_too_few_samples():
    with pytest.raises(ValueError, match="1 samples are too few for a cluster of 2"):
        kmeans(torch.ones(1, 2), 2, generator=seeded())
