import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.analysis.separation import neighbour_purity, silhouette


def points(seed, labels):
    g = torch.Generator().manual_seed(seed)
    y = torch.tensor(labels)
    return torch.randn(len(labels), 3, generator=g) + 2 * y[:, None], y


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 999), st.lists(st.sampled_from([0, 1, 4]), min_size=4, max_size=15))
def test_silhouette_equals_scikit_learn(seed, labels):
    from sklearn.metrics import silhouette_score

    x, y = points(seed, labels)
    if not 2 <= len(set(labels)) <= len(labels) - 1:
        return
    expected = silhouette_score(x.double().numpy(), y.numpy())
    assert float(silhouette(x, y)) == pytest.approx(expected, abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 999), st.lists(st.integers(0, 2), min_size=2, max_size=12), st.integers(1, 6))
def test_purity_is_a_loop_over_neighbours(seed, labels, k):
    x, y = points(seed, labels)
    shares = {0: [], 1: [], 2: []}
    for i in range(len(labels)):
        others = sorted(
            (math.dist(x[i].tolist(), x[j].tolist()), j) for j in range(len(labels)) if j != i
        )[:k]
        shares[labels[i]].append(sum(labels[j] == labels[i] for _, j in others) / len(others))
    found = neighbour_purity(x, y, k, 3)
    for label, values in shares.items():
        if values:
            assert float(found[label]) == pytest.approx(sum(values) / len(values))
        else:
            assert math.isnan(found[label])


def test_chunks_change_nothing(monkeypatch):
    x, y = points(1, [0, 1, 2] * 9)
    whole = silhouette(x, y), neighbour_purity(x, y, 5, 3)
    monkeypatch.setattr("simlearn.analysis.separation.CHUNK", 4)
    assert torch.allclose(silhouette(x, y), whole[0])
    assert torch.allclose(neighbour_purity(x, y, 5, 3), whole[1])


def test_far_apart_and_far_from_the_origin():
    """Tight groups on a huge common offset, as residual streams have."""
    x, y = points(2, [0, 0, 0, 1, 1, 1])
    x = x * 0.01 + 100 * y[:, None] + 1e4
    assert float(silhouette(x, y)) > 0.99
    assert neighbour_purity(x, y, 2, 2).tolist() == [1.0, 1.0]


def test_points_that_are_all_one():
    x, y = torch.ones(4, 3), torch.tensor([0, 0, 1, 1])
    assert float(silhouette(x, y)) == 0.0
    assert math.isnan(silhouette(x, torch.zeros(4).long()))
    assert math.isnan(neighbour_purity(x[:1], y[:1], 5, 2)[0])
