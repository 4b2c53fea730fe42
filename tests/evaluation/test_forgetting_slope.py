"""The slope of old classes' accuracy against a fit by the normal equations and a loop of draws."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.data.randomness import torch_generator
from simlearn.evaluation.forgetting_slope import old_class_slope


def drawn(count, n, seed=0, share=0.6):
    g = torch_generator(seed, "items")
    return [torch.rand(n, generator=g) < share for _ in range(count)]


def found(correct, arrived=None, *, seed=0, draws=60):
    return old_class_slope(correct, arrived, draws=draws, generator=torch_generator(seed, "slope"))


def fit(correct, arrived, items):
    """Polynomial fit to the accuracies of some items, with repeats; nan with fewer than two."""
    points = []
    for t, row in enumerate(correct):
        right = [bool(row[i]) for i in items if arrived is None or int(arrived[i]) < t]
        if right:
            points.append((t, 100 * sum(right) / len(right)))
        elif any(arrived < t):
            return math.nan  # the resample lacks this experience's items
    return float(np.polyfit(*zip(*points, strict=True), 1)[0]) if len(points) > 1 else math.nan


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 5), st.integers(2, 12), st.integers(0, 1000), st.booleans())
def test_equals_the_fit(count, n, seed, grows):
    correct = drawn(count, n, seed)
    arrived = torch.arange(n) % 3 if grows else None
    out = found(correct, arrived)
    assert out["slope"] == pytest.approx(fit(correct, arrived, range(n)), nan_ok=True, abs=1e-9)
    assert out["n"] == n
    g = torch_generator(0, "slope")
    slopes = [fit(correct, arrived, row) for row in torch.randint(n, (60, n), generator=g).tolist()]
    kept = [s for s in slopes if not math.isnan(s)]
    if not math.isnan(out["slope"]):
        assert out["interval"] == pytest.approx(np.percentile(kept, [2.5, 97.5]).tolist(), abs=1e-7)


def test_worked_numbers():
    ten = torch.arange(10)
    out = found([ten < 9, ten < 7, ten < 5])
    assert out["slope"] == pytest.approx(-20.0)
    assert out["accuracy"] == pytest.approx([0.9, 0.7, 0.5])
    low, high = out["interval"]
    assert low <= -20 <= high and low < high


def test_nothing_forgotten_has_slope_zero_without_width():
    row = torch.arange(8) < 5
    out = found([row, row, row])
    assert (out["slope"], *out["interval"]) == pytest.approx((0, 0, 0), abs=1e-9)


def test_new_classes_do_not_count_until_later():
    """Two items of experience 0, two of experience 1: only after experience 2 all four are old."""
    arrived = torch.tensor([0, 0, 1, 1])
    rows = [[0, 0, 0, 0], [1, 1, 0, 0], [1, 0, 0, 0]]
    out = found([torch.tensor(row, dtype=torch.bool) for row in rows], arrived)
    assert math.isnan(out["accuracy"][0])
    assert out["accuracy"][1:] == [1.0, 0.25]
    assert out["slope"] == pytest.approx(-75.0)


def test_more_items_narrow_the_interval_and_blocks_do_not_matter():
    width = []
    for n in (40, 4000):
        low, high = found(drawn(3, n), draws=250)["interval"]
        width.append(high - low)
    assert width[1] < width[0] / 5
    assert found(drawn(3, 30)) == found(drawn(3, 30)) != found(drawn(3, 30), seed=1)


def test_covers_the_truth_about_as_often_as_it_says():
    hits = 0
    for seed in range(100):
        g = torch_generator(seed, "truth")
        correct = [torch.rand(150, generator=g) < 0.9 - 0.1 * t for t in range(4)]
        low, high = found(correct, seed=seed, draws=200)["interval"]
        hits += low <= -10 <= high
    assert 85 <= hits <= 100


@pytest.mark.parametrize("correct", [[], drawn(1, 5), [torch.zeros(0, dtype=torch.bool)] * 3])
def test_without_two_experiences_or_items_it_is_nan(correct):
    out = found(correct)
    assert math.isnan(out["slope"]) and all(map(math.isnan, out["interval"]))
    assert len(out["accuracy"]) == len(correct)
    two = found(drawn(2, 4), torch.zeros(4, dtype=torch.int64))
    assert math.isnan(two["slope"]) and math.isfinite(two["accuracy"][1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([torch.ones(3)],), r"correct\[0\] must be bool \(N,\), found torch.float32 of shape"),
        (([torch.ones(3, 1).bool()],), r"of shape \(3, 1\)"),
        ((drawn(1, 3) + drawn(1, 4),), r"correct\[1\] has 4 items and correct\[0\] 3: give the s"),
        ((drawn(2, 3), torch.zeros(2)), r"arrived must be \(3,\), found \(2,\)"),
    ],
)
def test_mistakes_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        found(*arguments)
    with pytest.raises(ValueError, match="draws is 0, must be at least 1"):
        found(drawn(2, 3), draws=0)
