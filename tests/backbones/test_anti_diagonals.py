"""Every pixel has a column of its own, its neighbours where they are looked for."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from simlearn.backbones.anti_diagonals import diagonals_of

sides = st.integers(1, 7)


@given(sides, sides)
def test_columns_are_the_pixels_by_diagonals(height, width):
    at = diagonals_of(height, width, torch.device("cpu"))
    column = at.column.tolist()
    flat = [c for row in column for c in row]
    assert len(set(flat)) == height * width and min(flat) > 0 and max(flat) < at.size
    for number, (first, count, above, below) in enumerate(at.steps):
        pixels = [(i, number - i) for i in range(height) if 0 <= number - i < width]
        assert [column[i][j] for i, j in pixels] == list(range(first, first + count))
        assert above < first and (below == 0 or below > first)
    assert len(at.steps) == height + width - 1


@given(sides, sides, st.integers(1, 3), st.integers(1, 2))
def test_maps_go_there_and_back_and_find_their_neighbours(height, width, batch, features):
    at = diagonals_of(height, width, torch.device("cpu"))
    g = torch.Generator().manual_seed(height * 10 + width)
    maps = torch.randn(batch, features, height, width, generator=g)
    columns = at.to_columns(maps)
    assert columns.shape == (features, at.size * batch)
    assert torch.equal(at.to_maps(columns), maps)
    at.clear_outside(columns)
    assert torch.equal(at.to_maps(columns), maps)
    assert int((columns != 0).sum()) == maps.numel()
    above, left = (at.to_maps(values) for values in at.neighbours(columns))
    for i in range(height):
        for j in range(width):
            zero = torch.zeros(batch, features)
            assert torch.equal(above[:, :, i, j], maps[:, :, i - 1, j] if i else zero)
            assert torch.equal(left[:, :, i, j], maps[:, :, i, j - 1] if j else zero)


@pytest.mark.parametrize(("height", "width"), [(1, 5), (5, 1), (1, 1)])
def test_a_line_is_one_pixel_a_step(height, width):
    at = diagonals_of(height, width, torch.device("cpu"))
    assert [count for _, count, *_ in at.steps] == [1] * (height * width)
