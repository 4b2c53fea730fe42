"""The hardest triplets against loops, with ties, and as pytorch-metric-learning's miner."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.losses import Triplets
from simlearn.losses.hardest import hardest_triplets
from tests.oracles.losses import distance


def loops(z, y, anchors=None):
    """(a, p, n) of each anchor that has both; Python's max and min take the first of equals."""
    z, y, found = z.tolist(), y.tolist(), []
    for a in range(len(y) if anchors is None else anchors):
        positives = [i for i in range(len(y)) if i != a and y[i] == y[a]]
        negatives = [i for i in range(len(y)) if y[i] != y[a]]
        if positives and negatives:
            p = max(positives, key=lambda i: distance(z[a], z[i], True))
            found.append((a, p, min(negatives, key=lambda i: distance(z[a], z[i], True))))
    return found


def rows(triplets):
    return list(zip(*(part.tolist() for part in triplets), strict=True))


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.integers(0, 13), st.integers(1, 5), st.booleans(), st.data())
def test_equals_the_loops(seed, b, classes, lattice, data):
    g = torch.Generator().manual_seed(seed)
    z = torch.randint(-2, 3, (b, 2), generator=g) if lattice else torch.randn(b, 2, generator=g)
    y = torch.randint(classes, (b,), generator=g) * 2**33 - 5
    anchors = data.draw(st.none() | st.integers(0, b))
    found = hardest_triplets(z.float(), y, anchors=anchors)
    assert isinstance(found, Triplets) and all(part.dtype == torch.int64 for part in found)
    assert rows(found) == loops(z.double(), y, anchors)


def test_of_equals_the_lower_row():
    z = torch.zeros(5, 3)
    assert rows(hardest_triplets(z, torch.tensor([1, 0, 1, 0, 1]))) == [
        (0, 2, 1),
        (1, 3, 0),
        (2, 0, 1),
        (3, 1, 0),
        (4, 0, 1),
    ]


def test_many_blocks():
    b = 1300  # more than 2^20 distances
    g = torch.Generator().manual_seed(0)
    z, y = torch.randn(b, 3, generator=g), torch.randint(200, (b,), generator=g)
    d2 = (z.double()[:, None] - z.double()[None]).square().sum(dim=2)
    same = y[:, None] == y
    positive = same & ~torch.eye(b, dtype=torch.bool)
    keep = positive.any(dim=1)
    found = hardest_triplets(z, y)
    assert torch.equal(found.a, torch.nonzero(keep).squeeze(1))
    assert torch.equal(found.p, torch.where(positive, d2, -1.0).argmax(dim=1)[keep])
    assert torch.equal(found.n, torch.where(same, torch.inf, d2).argmin(dim=1)[keep])


def test_equals_pytorch_metric_learning():
    from pytorch_metric_learning.distances import LpDistance
    from pytorch_metric_learning.miners import BatchHardMiner

    g = torch.Generator().manual_seed(1)
    z, y = torch.randn(40, 6, generator=g).double(), torch.randint(9, (40,), generator=g)
    theirs = BatchHardMiner(distance=LpDistance(normalize_embeddings=False))(z, y)
    assert rows(hardest_triplets(z, y)) == rows(theirs)


@pytest.mark.parametrize("labels", [[], [3], [3, 3, 3], [1, 2, 3]])
def test_nothing_to_find(labels):
    found = hardest_triplets(torch.randn(len(labels), 2), torch.tensor(labels, dtype=torch.int64))
    assert [part.shape for part in found] == [(0,)] * 3


def test_anchors_out_of_range():
    with pytest.raises(ValueError, match="^anchors is 5, must be 0..4 for 4 embeddings$"):
        hardest_triplets(torch.zeros(4, 2), torch.arange(4), anchors=5)


def test_no_graph():
    z = torch.randn(6, 2, requires_grad=True)
    assert not any(part.requires_grad for part in hardest_triplets(z, torch.arange(6) % 2))
