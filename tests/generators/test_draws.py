"""Draws: shapes, moments, passes over all samples."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from simlearn.generators.draws import choose, minibatches, normal, uniform
from tests.generators.clouds import seeded


def test_normal_has_the_type_asked_for_and_the_same_numbers():
    one = normal((2000, 3), seeded(), torch.zeros(1))
    two = normal((2000, 3), seeded(), torch.zeros(1, dtype=torch.float64))
    assert (one.dtype, two.dtype) == (torch.float32, torch.float64)
    assert torch.equal(one.double(), two)
    assert abs(float(one.mean())) < 0.05 and abs(float(one.std()) - 1) < 0.05


def test_uniform_fills_its_range():
    drawn = uniform(50, 40, 0.5, seeded())
    assert drawn.shape == (50, 40)
    assert -0.5 <= float(drawn.min()) < -0.49 and 0.49 < float(drawn.max()) <= 0.5
    assert abs(float(drawn.mean())) < 0.03


def test_choose_follows_the_weights():
    drawn = choose(torch.tensor([1.0, 0.0, 3.0]), 4000, seeded())
    counts = drawn.bincount(minlength=3).tolist()
    assert counts[1] == 0
    assert abs(counts[2] / 4000 - 0.75) < 0.03


@given(st.integers(1, 30), st.integers(1, 12), st.integers(0, 20))
def test_every_pass_sees_every_sample_once(n, size, steps):
    parts = list(minibatches(n, size, steps, seeded(n)))
    each = (n + size - 1) // size
    assert len(parts) == steps
    for start in range(0, steps - each + 1, each):
        whole = torch.cat(parts[start : start + each])
        assert sorted(whole.tolist()) == list(range(n))
    lengths = [len(part) for part in parts]
    assert all(length <= size for length in lengths)
    assert not lengths or max(lengths) - min(lengths) <= 1


def test_orders_differ_from_pass_to_pass():
    first, second = minibatches(50, 50, 2, seeded())
    assert not torch.equal(first, second)


@pytest.mark.parametrize("seed", [0, 1])
def test_orders_are_a_function_of_the_generator(seed):
    one, two = (torch.cat(list(minibatches(9, 4, 7, seeded(seed)))) for _ in range(2))
    assert torch.equal(one, two)
