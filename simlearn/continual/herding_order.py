"""Herding: choose samples one by one so that their mean stays close to the mean of all."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float64]


def herding(z: Tensor, m: int) -> Tensor:
    """The first ``m`` samples in the order of the greedy choice, none of them twice.

    Algorithm 4 of Rebuffi et al. (2017): with mu the mean of all samples and p_1, p_2, ... those
    that are chosen already::

        p_k = argmin_i || mu - (z_i + sum_{j<k} z_{p_j}) / k ||

    over the samples that are left; of several with the same distance the first. A smaller ``m``
    gives the beginning of the order of a larger one.

    A round takes one product of the ``(N, d)`` centred samples with a vector, in float32. Samples
    whose scores lie within the bound of its rounding error of the best are compared by the formula
    above in float64, so that the order is the one of float64. Memory is O(N d).

    Args:
        z: ``(N, d)`` embeddings, used as given: bring them to unit length beforehand where that is
            wanted, as iCaRL does.
        m: how many, from 0 to N.

    Returns:
        ``(m,)`` int64 rows of ``z``, on its device; none for ``m = 0``.

    Raises:
        ValueError: wrong shape, ``m`` out of range, or values that are not finite.
    """
    if z.ndim != 2:
        raise ValueError(f"z must be (N, d), found shape {tuple(z.shape)}")
    if not 0 <= m <= len(z):
        raise ValueError(
            f"herding cannot choose {m} of {len(z)} samples: none is taken twice, so m must be "
            f"from 0 to {len(z)}"
        )
    exact = z.detach().double().cpu().numpy()
    if not np.isfinite(exact).all():
        raise ValueError("z holds values that are not finite: did the training diverge?")
    order = _greedy(exact, m) if m else []
    return torch.tensor(order, dtype=torch.int64, device=z.device)


def _greedy(z: Floats, m: int) -> list[int]:
    """The order of float64 from scores ``|c_i|^2 / 2 + c_i . C`` in float32, c_i = z_i - mu.

    They order the samples as the paper's distances do, since ``mu - (z_i + S) / k`` is
    ``-(c_i + C) / k`` for C the sum of the chosen c; small numbers, wherever the samples lie.
    """
    mean = z.mean(axis=0)
    centred = z - mean
    centred /= np.abs(centred).max(initial=0.0) or 1.0
    half = np.square(centred).sum(axis=1) / 2
    table = np.vstack([centred.T, half]).astype(np.float32)  # (d + 1, N), a row per coordinate
    longest = float(np.sqrt(2 * half.max()))
    # twice the bound (d + 4) u (|c| |C| + |c|^2 / 2) for each of the two scores, u = 2^-24
    slack = 4 * (len(table) + 3) * 2.0**-24 * longest
    chosen: list[int] = []
    total, drift = np.zeros_like(mean), np.zeros_like(mean)
    weights, scores = np.ones(len(table), np.float32), np.empty(len(z), np.float32)
    for k in range(1, m + 1):
        weights[:-1] = drift
        np.dot(weights, table, out=scores)
        best = int(scores.argmin())
        limit = float(scores[best]) + slack * (float(np.sqrt(drift @ drift)) + longest) + 1e-30
        value, scores[best] = scores[best], np.inf
        if scores.min() <= limit:
            scores[best] = value
            near = np.flatnonzero(scores <= limit)
            best = int(near[_distances(z[near], mean, total, k).argmin()])
        chosen.append(best)
        total += z[best]
        drift += centred[best]
        table[-1, best] = np.inf
    return chosen


def _distances(z: Floats, mean: Floats, total: Floats, k: int) -> Floats:
    """``(n,)`` distances of the mean of all from the mean of k samples, each of ``z`` the last."""
    gaps = mean - (z + total) / k
    found: Floats = np.sqrt(np.square(gaps).sum(axis=1))
    return found
