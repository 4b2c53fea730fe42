"""Sums over all pairs of rows, with the gradient found in the same pass over blocks of rows.

A loss over all pairs or triplets of a batch is a function of the distances. Written with autograd
it keeps several ``(N, N)`` matrices for the backward pass. Here a block of rows is measured, gives
its part of the value and the derivative by each of its squared distances, and leaves only its part
of the ``(N, d)`` gradient: by ``d(d2_ij)/d(z_i) = 2 (z_i - z_j)`` two matrix products per block.
All of it is in float64, so that neither large norms nor close points lose digits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from simlearn.losses.distances import first_derivative_only, squared_distances
from simlearn.losses.quick_distances import centred, quick_squared_distances

BLOCK = 1 << 20
"""Distances held at once: 8 MiB of float64, and a few temporaries of that size."""

UPPER = 128
"""Rows of a block where only pairs i < j count: half of them are then hardly looked at."""

BlockValue = tuple[Tensor, Tensor, Tensor]
"""Value ``()`` float64, derivatives by the squared distances ``(c, N)`` float64, counts int64."""

Block = Callable[[Tensor, Tensor], BlockValue]
"""``(d2 (c, N) float64, rows (c,) int64) -> BlockValue``."""

Unsure = Callable[[Tensor, float], bool]
"""``(d2 (c, N), bound of their error) -> whether what the block decides hangs on the error``."""


@torch.compiler.disable
def pairwise_sum(
    z: Tensor,
    rows: Tensor,
    block: Block,
    *,
    counts: int,
    upper: bool = False,
    unsure: Unsure | None = None,
) -> tuple[Tensor, Tensor]:
    """Sum of what ``block`` makes of the squared distances of some rows to all rows.

    Args:
        z: ``(N, d)``.
        rows: ``(R,)`` int64: the rows whose distances are looked at.
        block: called with a few rows at a time.
        counts: length of the counts that ``block`` gives.
        upper: the block wants only pairs i < j of ascending ``rows``: it is given the distances
            ``(c, N - i)`` to the rows from its first row i on.
        unsure: given where distances by a matrix product will do for embeddings of less than
            float64; blocks for which it says so are measured by differences again.

    Returns:
        The value, a float64 scalar with a gradient (once differentiable), and the sum of the
        counts, ``(counts,)`` int64. Both are 0 where there are no rows.
    """
    wanted = z.requires_grad and torch.is_grad_enabled()
    value, total = _PairwiseSum.apply(z, rows, block, counts, upper, unsure, wanted)
    return value, total


class _PairwiseSum(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        z: Tensor,
        rows: Tensor,
        block: Block,
        counts: int,
        upper: bool,
        unsure: Unsure | None,
        wanted: bool,
    ) -> tuple[Tensor, Tensor]:
        """Value, counts, and the gradient where it is wanted."""
        z64 = z.double()
        near = centred(z64)
        value = z64.new_zeros(())
        total = torch.zeros(counts, dtype=torch.int64, device=z.device)
        gradient = torch.zeros_like(z64) if wanted else None
        step = max(1, BLOCK // max(1, len(z)))
        for part in rows.split(min(step, UPPER) if upper else step):
            if not len(part):
                continue
            low = int(part[0]) if upper else 0
            d2, bound = None, 0.0
            if unsure is not None and z.dtype != torch.float64:
                d2, bound = quick_squared_distances(near[part], near[low:])
            if d2 is None or unsure is None or (bound > 0 and unsure(d2, bound)):
                d2 = squared_distances(z64[part], z64[low:])
            amount, slope, found = block(d2, part)
            value += amount
            total += found
            if gradient is not None:
                pull = slope.sum(dim=1, keepdim=True) * near[part] - slope @ near[low:]
                gradient.index_add_(0, part, pull, alpha=2.0)
                push = slope.sum(dim=0)[:, None] * near[low:] - slope.T @ near[part]
                gradient[low:].add_(push, alpha=2.0)
        ctx.save_for_backward(gradient)
        ctx.dtype = z.dtype
        ctx.mark_non_differentiable(total)
        return value, total

    @staticmethod
    def backward(ctx: Any, grad: Tensor, _: Any) -> tuple[Tensor | None, ...]:
        """The gradient found on the way."""
        first_derivative_only()
        (gradient,) = ctx.saved_tensors
        return (grad * gradient).to(ctx.dtype), *[None] * 6
