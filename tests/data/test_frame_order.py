"""Controls keep the frames of a clip and change only their order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.data.frame_order import order_frames

ROWS = np.array([40, 42, 44, 46, 48, 50, 52, 54])


def test_as_filmed():
    assert order_frames(ROWS, "filmed", seed=0, row=3).tolist() == ROWS.tolist()


@pytest.mark.parametrize(("count", "middle"), [(1, 0), (2, 1), (3, 1), (8, 4)])
def test_the_middle_frame_again_and_again(count, middle):
    frames = order_frames(ROWS[:count], "repeated", seed=0, row=0)
    assert frames.tolist() == [ROWS[middle]] * count


@given(st.integers(0, 2**40), st.integers(0, 1000), st.integers(0, 8))
def test_shuffled_frames_are_the_same_frames(seed, row, count):
    frames = order_frames(ROWS[:count], "shuffled", seed=seed, row=row)
    assert sorted(frames.tolist()) == ROWS[:count].tolist()
    again = order_frames(ROWS[:count], "shuffled", seed=seed, row=row)
    assert frames.tolist() == again.tolist()


def test_every_clip_and_seed_has_its_own_permutation():
    by_row = {tuple(order_frames(ROWS, "shuffled", seed=0, row=r)) for r in range(50)}
    by_seed = {tuple(order_frames(ROWS, "shuffled", seed=s, row=0)) for s in range(50)}
    assert len(by_row) > 45 and len(by_seed) > 45
    first = {order_frames(ROWS, "shuffled", seed=0, row=r)[0] for r in range(200)}
    assert first == set(ROWS.tolist())


@pytest.mark.parametrize("count", [2, 3, 8])
def test_shuffled_is_never_as_filmed(count):
    orders = [order_frames(ROWS[:count], "shuffled", seed=0, row=r).tolist() for r in range(300)]
    assert ROWS[:count].tolist() not in orders
    assert len(set(map(tuple, orders))) > (1 if count > 2 else 0)


def test_no_frame_and_an_unknown_order():
    assert order_frames(ROWS[:0], "repeated", seed=0, row=0).tolist() == []
    with pytest.raises(ValueError, match="order is 'sorted', must be one of filmed, shuffled, rep"):
        order_frames(ROWS, "sorted", seed=0, row=0)
