"""Clusters of the samples of one class, for mixtures."""

from __future__ import annotations

import torch
from torch import Tensor

from simlearn.generators.draws import choose


def kmeans(
    x: Tensor, k: int, *, least: int = 2, iterations: int = 50, generator: torch.Generator
) -> Tensor:
    """Lloyd's algorithm from the seeds of k-means++ (Arthur and Vassilvitskii 2007).

    Clusters with fewer than ``least`` samples are dissolved, the smallest first, and their samples
    go to the nearest centre that is left; so there may be fewer than k. Unlike scikit-learn's,
    whose threads add up in any order, it gives the same bits every time.

    Args:
        x: ``(N, D)`` samples, N at least ``least``.
        k: most clusters, at least 1.
        least: samples that a cluster needs.
        iterations: most rounds.
        generator: draws the seeds.

    Returns:
        ``(N,)`` int64 cluster of every sample; clusters are numbered from 0 without a gap.

    Raises:
        ValueError: fewer samples than ``least``.
    """
    if len(x) < least:
        raise ValueError(f"{len(x)} samples are too few for a cluster of {least}")
    x = x.double()
    centres = _seeds(x, k, generator)
    cluster = _nearest(x, centres)
    for _ in range(iterations):
        centres = _means(x, cluster, len(centres))
        before, cluster = cluster, _nearest(x, centres)
        if torch.equal(before, cluster):
            break
    counts = cluster.bincount(minlength=len(centres))
    while counts.min() < least:
        kept = torch.arange(len(centres), device=x.device) != counts.argmin()
        centres = centres[kept]
        cluster = _nearest(x, centres)
        counts = cluster.bincount(minlength=len(centres))
    return cluster


def _seeds(x: Tensor, k: int, generator: torch.Generator) -> Tensor:
    """Samples drawn with probability proportional to the squared distance to those drawn."""
    weights = x.new_ones(len(x))
    chosen: list[Tensor] = []
    while len(chosen) < k and weights.any():
        chosen.append(x[choose(weights, 1, generator)[0]])
        distance = (x - chosen[-1]).square().sum(dim=1)
        weights = torch.minimum(weights, distance) if len(chosen) > 1 else distance
    return torch.stack(chosen)


def _nearest(x: Tensor, centres: Tensor) -> Tensor:
    return torch.cdist(x, centres, compute_mode="donot_use_mm_for_euclid_dist").argmin(dim=1)


def _means(x: Tensor, cluster: Tensor, k: int) -> Tensor:
    """Mean of every cluster; that of an empty one is infinitely far away."""
    member = torch.nn.functional.one_hot(cluster, k).to(x.dtype)
    counts = member.sum(dim=0)[:, None]
    return torch.where(counts > 0, member.T @ x / counts.clamp_min(1), torch.inf)
