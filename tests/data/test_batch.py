"""What a batch checks, and how it moves."""

from __future__ import annotations

import pytest
import torch

from simlearn.data.batch import Batch
from simlearn.losses import Pairs, Triplets


def numbers(n):
    return torch.arange(n)


def batch(n=3, **changes):
    parts = {"x": torch.zeros(n, 3, 4, 4), "y": numbers(n), "group": numbers(n)}
    return Batch(**{**parts, "index": numbers(n), **changes})


def test_length_also_of_an_empty_one():
    assert len(batch(3)) == 3
    assert len(batch(0)) == 0
    assert len(batch(2, x=torch.zeros(2, 3, 5, 4, 4))) == 2


@pytest.mark.parametrize("name", ["y", "group", "index"])
@pytest.mark.parametrize(
    ("value", "found"),
    [
        (torch.arange(4), r"torch.int64 of shape \(4,\)"),
        (torch.zeros(3), r"torch.float32 of shape \(3,\)"),
        (torch.zeros(3, dtype=torch.int32), r"torch.int32 of shape \(3,\)"),
        (torch.zeros(3, 1, dtype=torch.int64), r"torch.int64 of shape \(3, 1\)"),
        (torch.tensor(3), r"torch.int64 of shape \(\)"),
    ],
)
def test_wrong_numbers_are_named(name, value, found):
    with pytest.raises(ValueError, match=rf"{name} must be int64 of shape \(3,\), found {found}"):
        batch(3, **{name: value})


@pytest.mark.parametrize(
    "tuples",
    [
        None,
        (numbers(2), numbers(2), numbers(2)),
        [numbers(2), numbers(2), numbers(2), numbers(2)],
        Triplets(numbers(2), numbers(2), numbers(2)),
        Pairs(numbers(2), numbers(2), numbers(1), numbers(1)),
    ],
)
def test_everything_moves_and_keeps_its_type(tuples):
    moved = batch(3, tuples=tuples).to("meta")
    assert len(moved) == 3
    for name in ("x", "y", "group", "index"):
        assert getattr(moved, name).is_meta
    assert type(moved.tuples) is type(tuples)
    if tuples is not None:
        assert [t.shape for t in moved.tuples] == [t.shape for t in tuples]
        assert all(t.is_meta for t in moved.tuples)


def test_moving_changes_no_value():
    old = batch(3, x=torch.rand(3, 3, 4, 4), tuples=(numbers(1), numbers(1), numbers(1)))
    new = old.to("cpu", non_blocking=True)
    for name in ("x", "y", "group", "index"):
        assert torch.equal(getattr(new, name), getattr(old, name))
    assert all(torch.equal(a, b) for a, b in zip(new.tuples, old.tuples, strict=True))


def test_pinning_covers_every_tensor(monkeypatch):
    pinned = []
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda t: pinned.append(t) or t)
    old = batch(2, tuples=Triplets(numbers(1), numbers(1), numbers(1)))
    new = old.pin_memory()
    assert len(pinned) == 7
    assert isinstance(new.tuples, Triplets)
