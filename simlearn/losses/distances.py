"""Distances between embeddings."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

EPS = 1e-12
"""Squared distances below it count as it, so that the root has a finite gradient."""

ULPS = 2.0**-50
"""What a root and its square may cost, relative."""

ENTRIES = 1 << 22
"""Differences that are held at once: 32 MiB of float64."""


def first_derivative_only() -> None:
    """Called by a backward pass that cannot be differentiated itself.

    Raises:
        RuntimeError: it is to be, by ``create_graph=True``.
    """
    if torch.is_grad_enabled():
        raise RuntimeError(
            "simlearn's losses find their gradient in the forward pass and have no second "
            "derivative: leave create_graph=True out"
        )


def euclidean_distances(a: Tensor, b: Tensor) -> Tensor:
    """``(N, M)`` Euclidean distances of ``a (N, d)`` to ``b (M, d)``, by differences.

    A matrix product rounds by the size of its block: ties would move and duplicates part.
    """
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")


def squared_distances(a: Tensor, b: Tensor) -> Tensor:
    """``(N, M)`` squared Euclidean distances of ``a (N, d)`` to ``b (M, d)``, by differences.

    Exact for close points, where the form by inner products cancels; equal rows have exactly equal
    distances, and in float64 small whole numbers come out whole, so that ties are ties.
    """
    d2 = euclidean_distances(a, b).square()
    return _undo_root(d2) if d2.dtype == torch.float64 else d2


def _undo_root(d2: Tensor) -> Tensor:
    """Give back the last bits that a root and its square took from a number of few bits."""
    with torch.no_grad():
        high = d2 * (2.0**29 + 1)
        short = high - (high - d2)  # the first 24 bits, whatever the exponent (Veltkamp 1968)
        change = torch.where((short - d2).abs() <= ULPS * d2, short - d2, 0.0)
    return d2 + change


def root(d2: Tensor) -> Tensor:
    """``sqrt(max(d2, 1e-12))``."""
    return d2.clamp_min(EPS).sqrt()


def paired_squared_distances(z: Tensor, i: Tensor, j: Tensor) -> Tensor:
    """``(T,)`` float64 squared Euclidean distances of rows ``i (T,)`` and ``j (T,)`` of ``z``.

    Forward and backward hold the differences of some pairs at a time, never of all of them.

    Args:
        z: ``(N, d)``.
        i: ``(T,)`` int64 rows.
        j: ``(T,)`` int64 rows.
    """
    d2: Tensor = _Paired.apply(z, i, j)
    return d2


class _Paired(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor, i: Tensor, j: Tensor) -> Tensor:
        """Squared distances, some at a time."""
        ctx.save_for_backward(z, i, j)
        step = max(1, ENTRIES // max(1, z.shape[1]))
        parts = [
            (z[a].double() - z[b].double()).square().sum(dim=1)
            for a, b in zip(i.split(step), j.split(step), strict=True)
        ]
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        """``2 (z_i - z_j)`` times the gradient of each, added up by rows."""
        first_derivative_only()
        z, i, j = ctx.saved_tensors
        total = torch.zeros_like(z, dtype=torch.float64)
        rows = max(1, ENTRIES // max(1, z.shape[1]))
        for a, b, g in zip(i.split(rows), j.split(rows), grad.split(rows), strict=True):
            step = 2.0 * g.double()[:, None] * (z[a].double() - z[b].double())
            total.index_add_(0, a, step)
            total.index_add_(0, b, -step)
        return total.to(z.dtype), None, None
