"""Squared distances by one matrix product, with a bound of their error, close pairs exactly."""

from __future__ import annotations

import torch
from torch import Tensor

from simlearn.losses.distances import squared_distances

EPS = 2.0**-53
CLOSE = 1e6
"""Squared distances below so many times the error bound are measured by differences."""


def centred(z: Tensor) -> Tensor:
    """``z (N, d)`` less the median of each column, near which products cancel less.

    The median, not the mean: an outlier does not move it.
    """
    return z - z.sort(dim=0).values[len(z) // 2] if len(z) else z


def quick_squared_distances(a: Tensor, b: Tensor) -> tuple[Tensor, float]:
    """``(N, M)`` squared Euclidean distances of ``a (N, d)`` to ``b (M, d)``.

    Where many pairs are close for the reach of the data (an outlier, a collapsed batch) all are
    measured by differences.

    Args:
        a: float64.
        b: float64.

    Returns:
        The squared distances and a bound of their error; 0 where all are by differences. Those
        below 1e6 times the bound are by differences in any case.
    """
    if not (len(a) and len(b)):
        return squared_distances(a, b), 0.0
    own, other = a.square().sum(dim=1), b.square().sum(dim=1)
    reach = float(own.max().sqrt() + other.max().sqrt()) ** 2
    bound = 4.0 * (a.shape[1] + 8) * EPS * reach
    d2 = torch.addmm(own[:, None] + other, a, b.T, alpha=-2.0)
    i, j = torch.nonzero(~(d2 > CLOSE * bound), as_tuple=True)  # nan counts as close
    if len(i) > (len(a) + len(b)) * 2:
        return squared_distances(a, b), 0.0
    d2[i, j] = (a[i] - b[j]).square().sum(dim=1)
    return d2, bound
