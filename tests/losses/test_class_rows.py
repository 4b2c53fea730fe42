"""The arrangement by class against lists of rows."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.losses.class_rows import arrange_by_class

LABELS = st.lists(st.sampled_from([-(2**62), -3, 0, 7, 2**32 + 1, 2**62]), max_size=20)


@settings(max_examples=30)
@given(LABELS)
def test_rows_of_a_class_are_neighbours_in_their_order(labels):
    rows = arrange_by_class(torch.tensor(labels, dtype=torch.int64))
    wanted = sorted(range(len(labels)), key=lambda i: (labels[i], i))
    assert rows.order.tolist() == wanted
    assert rows.count.tolist() == [labels.count(labels[i]) for i in wanted]
    assert rows.start.tolist() == [sum(v < labels[i] for v in labels) for i in wanted]


@settings(max_examples=30)
@given(LABELS, st.integers(0, 20))
def test_places_of_the_first_rows(labels, first):
    rows = arrange_by_class(torch.tensor(labels, dtype=torch.int64))
    places = rows.places(first)
    assert places.tolist() == sorted(places.tolist())
    assert sorted(rows.order[places].tolist()) == list(range(min(first, len(labels))))


@settings(max_examples=30)
@given(LABELS, st.integers(0, 20))
def test_positives_are_the_other_rows_of_the_class(labels, first):
    rows = arrange_by_class(torch.tensor(labels, dtype=torch.int64))
    places = rows.places(first)
    found, valid = rows.positives(places)
    assert found.shape == valid.shape
    assert found.shape[1] == max((labels.count(v) for v in labels[:first]), default=0)
    for place, line, good in zip(places.tolist(), found.tolist(), valid.tolist(), strict=True):
        own = int(rows.order[place])
        alike = [i for i, v in enumerate(labels) if v == labels[own] and i != own]
        pairs = list(zip(line, good, strict=True))
        assert [int(rows.order[p]) for p, ok in pairs if ok] == alike
        assert {p for p, ok in pairs if not ok} <= {place}


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.int8, torch.int32, torch.uint64])
def test_any_integers(dtype):
    rows = arrange_by_class(torch.tensor([1, 0, 1, 1]).to(dtype))
    assert rows.order.tolist() == [1, 0, 2, 3]
    assert rows.count.tolist() == [1, 3, 3, 3]
