"""Distances between embeddings."""

from __future__ import annotations

import torch
from torch import Tensor

EPS = 1e-12
"""Squared distances below it count as it, so that the root has a finite gradient."""


def squared_distances(a: Tensor, b: Tensor) -> Tensor:
    """``(N, M)`` squared Euclidean distances of ``a (N, d)`` to ``b (M, d)``, by differences.

    Exact for close points, where the form by inner products cancels.
    """
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist").square()


def root(d2: Tensor) -> Tensor:
    """``sqrt(max(d2, 1e-12))``."""
    return d2.clamp_min(EPS).sqrt()


def paired_squared_distances(a: Tensor, b: Tensor) -> Tensor:
    """``(N,)`` squared Euclidean distances of ``a`` and ``b``, both ``(N, d)``, row by row."""
    return (a - b).square().sum(dim=1)
