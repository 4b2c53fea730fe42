"""Ranks and precisions from an order that is known."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from simlearn.evaluation.query_results import QueryResults, from_order


@pytest.mark.parametrize(
    ("hits", "r", "average", "precision", "first"),
    [
        ([1, 1, 1], 3, 1.0, 1.0, 1),
        ([1, 0, 1], 3, (1 + 2 / 3) / 3, 2 / 3, 1),
        ([0, 0, 1], 3, 1 / 9, 1 / 3, 3),
        ([1, 0, 0], 3, 1 / 3, 1 / 3, 1),
        ([0, 0, 0, 1], 3, 0.0, 0.0, 4),
        ([0, 0], 2, 0.0, 0.0, 3),
        ([0, 0], 0, 0.0, 0.0, 0),
    ],
)
def test_worked_numbers(hits, r, average, precision, first):
    found = from_order(torch.tensor([hits], dtype=torch.bool), torch.tensor([r]))
    assert [float(v) for v in found] == pytest.approx([first, average, precision])


@given(st.lists(st.booleans(), min_size=1, max_size=20), st.integers(0, 30))
def test_what_follows_the_first_r_changes_no_bit(hits, more):
    r = torch.tensor([len(hits)])
    short = torch.tensor([hits])
    long = torch.cat([short, torch.ones(1, more, dtype=torch.bool)], dim=1)
    one, two = from_order(short, r), from_order(long, r)
    assert torch.equal(one[1], two[1]) and torch.equal(one[2], two[2])


def test_no_item_at_all():
    first, average, precision = from_order(
        torch.zeros(2, 0, dtype=torch.bool), torch.tensor([0, 0])
    )
    assert first.tolist() == [0, 0] and average.tolist() == precision.tolist() == [0.0, 0.0]


def results(n):
    return QueryResults(
        relevant=torch.tensor([2, 0, 1][:n]),
        first=torch.tensor([1, 0, 4][:n]),
        average_precision=torch.tensor([0.5, 0.0, 0.25][:n], dtype=torch.float64),
        r_precision=torch.tensor([0.5, 0.0, 0.0][:n], dtype=torch.float64),
        nearest=torch.zeros(n, 2, dtype=torch.int64),
        distance=torch.zeros(n, 2, dtype=torch.float64),
    )


def test_values_leave_skipped_queries_out():
    values = results(3).values((1, 5))
    assert {name: v.tolist() for name, v in values.items()} == {
        "recall_at_1": [1.0, 0.0],
        "recall_at_5": [1.0, 1.0],
        "map_at_r": [0.5, 0.25],
        "r_precision": [0.5, 0.0],
        "mrr": [1.0, 0.25],
    }
    assert results(3).cmc(4) == [0.5, 0.5, 0.5, 1.0]


def test_blocks_are_put_in_their_places():
    whole = QueryResults.room(5, 2, torch.device("cpu"))
    whole.put(torch.tensor([4, 0]), results(2))
    whole.put(torch.tensor([1, 3, 2]), results(3))
    assert whole.relevant.tolist() == [0, 2, 1, 0, 2]
    assert whole.average_precision.dtype == torch.float64
    assert whole.nearest.shape == (5, 2)
