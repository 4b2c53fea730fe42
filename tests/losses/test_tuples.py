"""Pairs and triplets made from each other: by hand, by loops, and as pytorch-metric-learning."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pytorch_metric_learning.utils import loss_and_miner_utils as theirs

from simlearn.losses import Pairs, Triplets
from simlearn.losses.tuples import as_pairs, as_triplets
from tests.oracles.losses import joined

PLACES = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=15)


def tensors(*lists):
    return tuple(torch.tensor(v, dtype=torch.int64) for v in lists)


def columns(rows, width):
    return tensors(*(zip(*rows, strict=True) if rows else [()] * width))


ROWS = 10
BATCH = torch.zeros(ROWS, 1)


def many(tuples):
    return Counter(zip(*(part.tolist() for part in tuples), strict=True))


def test_by_hand():
    pairs = Pairs(*tensors([1, 0, 1], [4, 5, 6], [1, 2, 1], [7, 8, 9]))
    found = as_triplets(pairs, BATCH)
    assert isinstance(found, Triplets)
    assert many(found) == Counter([(1, 4, 7), (1, 4, 9), (1, 6, 7), (1, 6, 9)])
    split = as_pairs(found, BATCH)
    assert isinstance(split, Pairs)
    assert many(split[:2]) == Counter({(1, 4): 2, (1, 6): 2})  # repeated ones are kept
    assert many(split[2:]) == Counter({(1, 7): 2, (1, 9): 2})


@settings(max_examples=30)
@given(PLACES, PLACES)
def test_joined_pairs(alike, other):
    pairs = (*columns(alike, 2), *columns(other, 2))
    found = as_triplets(pairs, BATCH)
    assert all(part.dtype == torch.int64 and part.ndim == 1 for part in found)
    assert many(found) == Counter(joined(pairs)) == many(theirs.convert_to_triplets(pairs, None))


@settings(max_examples=30)
@given(st.lists(st.tuples(*[st.integers(0, 5)] * 3), max_size=15))
def test_split_triplets(rows):
    triplets = columns(rows, 3)
    found = as_pairs(triplets, BATCH)
    wanted = theirs.convert_to_pairs(triplets, None)
    assert many(found[:2]) == many(wanted[:2]) == Counter((a, p) for a, p, _ in rows)
    assert many(found[2:]) == many(wanted[2:]) == Counter((a, n) for a, _, n in rows)


def test_what_needs_no_change_stays_the_very_tensors():
    triplets, pairs = tensors([0], [1], [2]), tensors([0], [1], [2], [3])
    assert all(a is b for a, b in zip(as_triplets(list(triplets), BATCH), triplets, strict=True))
    assert all(a is b for a, b in zip(as_pairs(pairs, BATCH), pairs, strict=True))


def test_all_pairs_give_all_triplets():
    y = torch.tensor([3, 3, 3, -1, -1, 2**40])
    found = as_triplets(theirs.get_all_pairs_indices(y), BATCH)
    assert many(found) == many(theirs.get_all_triplets_indices(y))
    assert len(found.a) == 3 * 2 * 3 + 2 * 1 * 4


@pytest.mark.parametrize("convert", [as_pairs, as_triplets])
@pytest.mark.parametrize(
    ("tuples", "message"),
    [
        (
            tensors([0], [1]),
            r"^tuples are \(a, p, n\) or \(a1, p, a2, n\), found 2 tensors instead "
            r"of 3 or 4$",
        ),
        ((), "found 0 tensors instead of 3 or 4"),
        (tensors([0], [1], [2], [3], [4]), "found 5 tensors"),
        (tensors([0], [1, 2], [2]), r"^tuples of different lengths: \[1, 2, 1\]$"),
        (tensors([0], [1], [2], [3, 4]), r"different lengths: \[1, 1, 1, 2\]"),
        (
            tensors([[0]], [[1]], [[2]]),
            r"^tuples hold \(T,\) int64 positions, found \(1, 1\) "
            r"torch.int64$",
        ),
        ((torch.tensor([0.0]),) * 3, r"found \(1,\) torch.float32"),
        ((torch.tensor([0], dtype=torch.int32),) * 4, r"found \(1,\) torch.int32"),
        ((torch.tensor(0),) * 3, r"found \(\) torch.int64"),
    ],
)
def test_mistakes_are_named(convert, tuples, message):
    with pytest.raises(ValueError, match=message):
        convert(tuples, BATCH)


def test_pairs_of_two_lengths_are_no_mistake():
    pairs = tensors([0, 0], [1, 2], [0], [3])
    assert as_pairs(pairs, BATCH).p.tolist() == [1, 2]
    assert many(as_triplets(pairs, BATCH)) == Counter([(0, 1, 3), (0, 2, 3)])


@pytest.mark.parametrize("convert", [as_pairs, as_triplets])
@pytest.mark.parametrize("place", [-1, -ROWS, ROWS, 2**40])
def test_positions_outside_the_batch_are_told(convert, place):
    for column in range(3):
        tuples = [torch.tensor([0]), torch.tensor([1]), torch.tensor([2])]
        tuples[column] = torch.tensor([place])
        with pytest.raises(ValueError, match=f"name position {place} of a batch of {ROWS} rows"):
            convert(tuples, BATCH)
