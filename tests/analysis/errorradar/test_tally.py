"""Tallies: counting, merging, keeping and restoring."""

from __future__ import annotations

import io

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from simlearn.analysis.errorradar.tally import MOST_TYPES, SHAPE, Tally
from tests.analysis.errorradar.error_rows import drawn_rows, many_rows

ROW = {"gold_step": 1, "n_steps": 3}


def same(a, b):
    assert (a.n, a.cells, a.distances, a.types) == (b.n, b.cells, b.distances, b.types)
    first, second = a.state_dict(), b.state_dict()
    assert first["types"] == second["types"]
    assert all(torch.equal(first[key], second[key]) for key in ("cells", "distances"))


@given(many_rows(), st.data())
def test_any_split_merges_into_the_whole(rows, data):
    owner = data.draw(st.lists(st.integers(0, 2), min_size=len(rows), max_size=len(rows)))
    parts = [Tally(r for r, o in zip(rows, owner, strict=True) if o == k) for k in range(3)]
    total = Tally()
    for part in data.draw(st.permutations(parts)):
        total.merge(part)
    same(total, Tally(rows))
    assert total.n == len(rows) == total.counts().sum()
    assert total.counts().shape == (len(total.types), *SHAPE)


@given(many_rows())
def test_states_round_trip_as_plain_tensors(rows):
    tally, file = Tally(rows), io.BytesIO()
    torch.save(tally.state_dict(), file)
    file.seek(0)
    restored = Tally([ROW])
    restored.load_state_dict(torch.load(file, weights_only=True))
    same(restored, tally)


def test_memory_does_not_grow_with_rows():
    few, many = Tally(drawn_rows(4000, types=("a",))), Tally()
    for _ in range(5):
        many.merge(few)
    assert many.n == 20_000 and len(many.cells) == len(few.cells) < 1000


def test_merging_with_itself_doubles():
    tally = Tally(drawn_rows(50))
    before = tally.counts()
    tally.merge(tally)
    assert (tally.counts() == 2 * before).all() and tally.n == 100


def test_times():
    tally = Tally()
    tally.add({**ROW, "pred_step": 3}, 5)
    same(tally, Tally([{**ROW, "pred_step": 3}] * 5))
    with pytest.raises(ValueError, match="times is 0: at least 1"):
        tally.add(ROW, 0)


def test_types_in_order():
    names = ("zebra", "diagram", "", "plane_geometry", "apple")
    assert Tally({**ROW, "problem_type": name} for name in names).types == (
        *("plane_geometry", "diagram", "", "apple", "zebra"),
    )


def test_too_many_types_are_refused_and_nothing_changes():
    tally = Tally({**ROW, "problem_type": f"t{i}"} for i in range(MOST_TYPES))
    tally.add(ROW)  # none is no type
    state = tally.state_dict()
    with pytest.raises(ValueError, match="row 66: more than 64 different problem types.*map rare"):
        tally.add({**ROW, "problem_type": "one more"})
    with pytest.raises(ValueError, match="^more than 64 different problem types"):
        tally.merge(Tally([{**ROW, "problem_type": "one more"}]))
    restored = Tally()
    restored.load_state_dict(state)
    same(restored, tally)


def test_a_bad_row_is_named_and_not_counted():
    tally = Tally([ROW, ROW])
    with pytest.raises(ValueError, match="row 3: gold_step is 4"):
        tally.add({"gold_step": 4, "n_steps": 3})
    same(tally, Tally([ROW, ROW]))


@pytest.mark.parametrize(
    "change",
    [
        {"cells": torch.tensor([[9, 0, 0, 0, 0, 1]])},
        {"cells": torch.tensor([[0, 0, 0, 0, 7, 1]])},
        {"cells": torch.tensor([[0, 0, 0, 0, -1, 1]])},
        {"cells": torch.tensor([[0, 0, 0, 0, 0, 0]])},
        {"cells": torch.tensor([[0, 0]])},
        {"cells": torch.tensor(3)},
        {"cells": None},
        {"distances": torch.tensor([[-1, 1]])},
        {"distances": torch.tensor([[1, 10**9]])},
        {"types": None},
        {"types": [f"t{i}" for i in range(65)]},
    ],
)
def test_damaged_states(change):
    tally = Tally(drawn_rows(20))
    before = tally.state_dict()
    with pytest.raises(ValueError, match="damaged counts .*; count the rows again"):
        tally.load_state_dict({**before, **change})
    restored = Tally()
    restored.load_state_dict(before)
    same(restored, tally)


def test_other_formats():
    with pytest.raises(ValueError, match="counts of format 2, this version reads 1"):
        Tally().load_state_dict({**Tally().state_dict(), "format": 2})
