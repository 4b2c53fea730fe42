"""Lower triangular matrices as vectors without the zeros."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def pack_triangle(matrix: Tensor) -> Tensor:
    """The lower triangle of ``(..., D, D)``, row by row: ``(..., D (D + 1) / 2)``."""
    rows, columns = torch.tril_indices(*matrix.shape[-2:], device=matrix.device)
    return matrix[..., rows, columns]


def unpack_triangle(packed: Tensor) -> Tensor:
    """The lower triangular ``(..., D, D)`` that :func:`pack_triangle` packed.

    Raises:
        ValueError: a length that is no D (D + 1) / 2.
    """
    length = packed.shape[-1]
    size = (math.isqrt(8 * length + 1) - 1) // 2
    if packed_size(size) != length:
        raise ValueError(f"{length} values are no triangle: its length is D (D + 1) / 2")
    matrix = packed.new_zeros(*packed.shape[:-1], size, size)
    rows, columns = torch.tril_indices(size, size, device=packed.device)
    matrix[..., rows, columns] = packed
    return matrix


def packed_size(size: int) -> int:
    """Values of a packed triangle of ``size`` rows."""
    return size * (size + 1) // 2
