"""Class means by loops over plain numbers, and the nearest of them."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from simlearn.continual.class_means import (
    class_means,
    has_unit_length,
    nearest_class,
    prototypes_of,
)


def sample(seed, n, classes, unit=False, d=3):
    g = torch.Generator().manual_seed(seed)
    z = torch.randn(n, d, generator=g, dtype=torch.float64)
    y = torch.arange(n) % classes
    return (z / z.norm(dim=1, keepdim=True) if unit else z), y


def naive_mean(z, y, label, unit):
    rows = [row for row, k in zip(z.tolist(), y.tolist(), strict=True) if k == label]
    mean = [math.fsum(column) / len(rows) for column in zip(*rows, strict=True)]
    length = math.hypot(*mean) if unit else 1.0
    return [v / length for v in mean]


@given(st.integers(0, 10_000), st.integers(1, 5), st.integers(0, 9), st.booleans())
def test_means_equal_the_loop(seed, classes, more, unit):
    z, y = sample(seed, classes + more, classes, unit)
    order = torch.randperm(classes, generator=torch.Generator().manual_seed(seed)).tolist()
    found = class_means(z, y, order)
    assert found.shape == (classes, 3)
    for row, label in zip(found.tolist(), order, strict=True):
        assert row == pytest.approx(naive_mean(z, y, label, unit), abs=1e-9)


@given(st.integers(0, 1000), st.randoms())
def test_order_of_the_rows_does_not_matter(seed, random):
    z, y = sample(seed, 9, 3, unit=True)
    order = random.sample(range(9), 9)
    assert torch.allclose(class_means(z, y, [0, 2]), class_means(z[order], y[order], [0, 2]))


def test_a_mean_of_zero_stays_zero():
    z = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    assert class_means(z, torch.zeros(2, dtype=torch.int64), [0]).tolist() == [[0.0, 0.0]]


def test_no_class_and_a_class_without_rows():
    z, y = sample(0, 4, 2)
    assert class_means(z, y, []).shape == (0, 3)
    with pytest.raises(ValueError, match="class 2 has no embedding to take the mean of"):
        class_means(z, y, [0, 2])
    with pytest.raises(ValueError, match="class 0 has no embedding"):
        class_means(z[:0], y[:0], [0])


@pytest.mark.parametrize(
    ("lengths", "unit"),
    [([1.0, 1.0], True), ([1.0005, 0.9995], True), ([1.0, 1.01], False), ([0.0], False)],
)
def test_unit_length(lengths, unit):
    assert has_unit_length(torch.tensor([[v, 0.0] for v in lengths])) is unit


def test_unit_length_of_nothing_and_of_nan():
    assert has_unit_length(torch.zeros(0, 3)) is False
    assert has_unit_length(torch.tensor([[math.nan, 0.0], [1.0, 0.0]])) is False


def test_prototypes_are_embeddings_of_classes():
    found = prototypes_of(torch.ones(2, 3, dtype=torch.float64), [4, 1])
    assert found.z.dtype == torch.float32 and found.z.shape == (2, 3)
    assert found.y.tolist() == found.index.tolist() == [4, 1]
    assert found.group.tolist() == [-1, -1]
    none = prototypes_of(torch.zeros(0, 3), [])
    assert len(none) == 0 and none.y.dtype == torch.int64


@given(st.integers(0, 10_000), st.integers(0, 8), st.integers(1, 6))
def test_the_nearest_equals_the_loop(seed, n, classes):
    g = torch.Generator().manual_seed(seed)
    labels = torch.randperm(20, generator=g)[:classes].tolist()
    means = torch.randint(3, (classes, 2), generator=g).float()  # a grid: many are equally near
    z = torch.randint(3, (n, 2), generator=g).float()
    found = nearest_class(z, prototypes_of(means, labels))
    wanted = []
    for row in z.tolist():
        squares = [sum((a - b) ** 2 for a, b in zip(row, m, strict=True)) for m in means.tolist()]
        wanted.append(labels[squares.index(min(squares))])
    assert found.tolist() == wanted and found.dtype == torch.int64


def test_close_prototypes_far_from_zero_are_told_apart():
    """The product form of the distance would lose the difference in float32."""
    means = torch.tensor([[1000 + 0.01 * k, 0.0] for k in range(40)])
    z = means + torch.tensor([0.001, 0.0])
    assert nearest_class(z, prototypes_of(means, range(40))).tolist() == list(range(40))


def test_nothing_to_compare_with():
    with pytest.raises(ValueError, match="there is no prototype to compare with"):
        nearest_class(torch.zeros(1, 3), prototypes_of(torch.zeros(0, 3), []))
