"""Every triplet and pair against plain loops and the peer library."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.losses import Pairs, Triplets, contrastive_loss, triplet_loss
from simlearn.miners import AllPairs, AllTriplets
from simlearn.miners.all_tuples import all_pairs, all_triplets

labels_of_a_batch = st.lists(st.sampled_from([-7, 0, 3, 2**40, 2**40 + 1]), max_size=11)


@settings(max_examples=60)
@given(labels_of_a_batch)
def test_triplets_equal_the_loops(labels):
    every = range(len(labels))
    wanted = [
        (a, p, n)
        for a in every
        for p in every
        for n in every
        if a != p and labels[a] == labels[p] and labels[a] != labels[n]
    ]
    found = all_triplets(torch.tensor(labels, dtype=torch.int64))
    assert list(zip(*(t.tolist() for t in found), strict=True)) == wanted


@settings(max_examples=60)
@given(labels_of_a_batch)
def test_pairs_equal_the_loops(labels):
    every = range(len(labels))
    pairs = [(i, j) for i in every for j in every if i != j]
    a1, p, a2, n = (t.tolist() for t in all_pairs(torch.tensor(labels, dtype=torch.int64)))
    assert list(zip(a1, p, strict=True)) == [(i, j) for i, j in pairs if labels[i] == labels[j]]
    assert list(zip(a2, n, strict=True)) == [(i, j) for i, j in pairs if labels[i] != labels[j]]


def test_classes_of_any_size():
    sizes = [1, 40, 2, 7, 1, 19]
    y = torch.repeat_interleave(torch.arange(6), torch.tensor(sizes))
    y = y[torch.randperm(70, generator=torch.Generator().manual_seed(0))]
    assert len(all_triplets(y).a) == sum(k * (k - 1) * (70 - k) for k in sizes)
    pairs = all_pairs(y)
    assert len(pairs.a1) == sum(k * (k - 1) for k in sizes)
    assert len(pairs.a2) == sum(k * (70 - k) for k in sizes)


@pytest.mark.parametrize("classes", [1, 3, 17])
def test_equal_to_pytorch_metric_learning_row_by_row(classes):
    from pytorch_metric_learning.utils.loss_and_miner_utils import (
        get_all_pairs_indices,
        get_all_triplets_indices,
    )

    y = torch.randint(classes, (33,), generator=torch.Generator().manual_seed(1))
    z = torch.zeros(33, 2)
    for ours, theirs in (
        (AllTriplets()(z, y), get_all_triplets_indices(y)),
        (AllPairs()(z, y), get_all_pairs_indices(y)),
    ):
        assert all(torch.equal(s, t) for s, t in zip(ours, theirs, strict=True))


def test_losses_are_the_same_with_all_tuples_as_without():
    g = torch.Generator().manual_seed(2)
    z, y = torch.randn(18, 4, generator=g, dtype=torch.float64), torch.arange(18) % 5
    triplets, pairs = AllTriplets()(z, y), AllPairs()(z, y)
    assert isinstance(triplets, Triplets) and isinstance(pairs, Pairs)
    for loss, tuples in ((triplet_loss, triplets), (contrastive_loss, pairs)):
        assert float(loss(z, y, tuples).value) == pytest.approx(float(loss(z, y).value), abs=1e-9)


def test_embeddings_do_not_matter():
    y = torch.tensor([0, 0, 1])
    for z in (torch.full((3, 2), torch.nan), torch.zeros(3, 0)):
        assert [t.tolist() for t in AllTriplets()(z, y)] == [[0, 1], [1, 0], [2, 2]]
        assert [t.tolist() for t in AllPairs()(z, y)] == [
            [0, 1],
            [1, 0],
            [0, 1, 2, 2],
            [2, 2, 0, 1],
        ]
