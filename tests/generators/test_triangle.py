"""Packed triangles against two loops."""

from __future__ import annotations

import pytest
import torch

from simlearn.generators.triangle import pack_triangle, packed_size, unpack_triangle
from tests.generators.clouds import seeded


@pytest.mark.parametrize("size", [0, 1, 2, 7])
def test_equals_the_loops(size):
    matrix = torch.randn(3, size, size, generator=seeded())
    packed = pack_triangle(matrix)
    loop = [[m[i][j] for i in range(size) for j in range(i + 1)] for m in matrix.tolist()]
    assert packed.tolist() == loop
    assert packed.shape == (3, packed_size(size))
    assert torch.equal(unpack_triangle(packed), matrix.tril())


def test_a_length_that_is_no_triangle():
    with pytest.raises(ValueError, match="4 values are no triangle"):
        unpack_triangle(torch.zeros(4))
