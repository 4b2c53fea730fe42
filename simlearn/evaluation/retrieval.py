"""Retrieval: which of a query's nearest gallery items are of its class."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

Distance = Literal["euclidean", "cosine"]


@dataclass(frozen=True)
class QueryResults:
    """What each query found.

    Attributes:
        relevant: ``(Q,)`` int64, R: gallery items of the query's class; 0 = skipped.
        first: ``(Q,)`` int64 rank of the first match, 1 = nearest; 0 = skipped.
        average_precision: ``(Q,)`` float64, AP@R (Musgrave et al. 2020).
        r_precision: ``(Q,)`` float64.
        nearest: ``(Q, N)`` int64 gallery rows of the N nearest, -1 where there are fewer.
        distance: ``(Q, N)`` their distances, inf where there are fewer.
    """

    relevant: Tensor
    first: Tensor
    average_precision: Tensor
    r_precision: Tensor
    nearest: Tensor
    distance: Tensor

    @property
    def evaluated(self) -> Tensor:
        """``(Q,)`` bool: queries with at least one match in the gallery."""
        return self.relevant > 0

    def values(self, ks: Sequence[int]) -> dict[str, Tensor]:
        """Per-query values ``(n_queries,)`` float64 of every metric, evaluated queries only."""
        keep = self.evaluated
        first = self.first[keep]
        found = {f"recall_at_{k}": (first <= k).double() for k in ks}
        return {
            **found,
            "map_at_r": self.average_precision[keep],
            "r_precision": self.r_precision[keep],
            "mrr": 1.0 / first.double(),
        }

    def cmc(self, length: int) -> list[float]:
        """Share of evaluated queries with a match among the n nearest, n = 1..length."""
        first = self.first[self.evaluated]
        return [float((first <= n).double().mean()) for n in range(1, length + 1)]


def rank_queries(
    distances: Iterator[Tensor],
    y: Tensor,
    gallery_y: Tensor,
    excluded: Iterator[Tensor],
    *,
    nearest: int = 5,
) -> QueryResults:
    """Rank the gallery for blocks of queries.

    Args:
        distances: blocks ``(q, G)`` in the order of the queries.
        y: ``(Q,)`` labels of all queries.
        gallery_y: ``(G,)`` labels of the gallery.
        excluded: blocks ``(q, G)`` bool: items that are not the query's neighbours.
        nearest: how many neighbours to keep. Equal distances: lower gallery row first.
    """
    parts, begin = [], 0
    for d, out in zip(distances, excluded, strict=True):
        labels = y[begin : begin + len(d)]
        begin += len(d)
        parts.append(_rank_block(d.masked_fill(out, torch.inf), labels, gallery_y, ~out, nearest))
    return QueryResults(*(torch.cat(column) for column in zip(*parts, strict=True)))


def _rank_block(
    d: Tensor, y: Tensor, gallery_y: Tensor, allowed: Tensor, nearest: int
) -> tuple[Tensor, ...]:
    sorted_d, order = torch.sort(d, dim=1, stable=True)
    hit = (gallery_y[order] == y[:, None]) & allowed.gather(1, order)
    relevant = hit.sum(dim=1)
    rank = torch.arange(1, d.shape[1] + 1, device=d.device)
    within = rank[None, :] <= relevant[:, None]
    found = hit.cumsum(dim=1)
    precision = found.double() / rank
    r = relevant.clamp_min(1)
    average = (precision * (hit & within)).sum(dim=1) / r
    r_precision = (hit & within).sum(dim=1).double() / r
    first = torch.where(relevant > 0, (found == 0).sum(dim=1) + 1, 0)
    rows = order[:, :nearest].masked_fill(torch.isinf(sorted_d[:, :nearest]), -1)
    return relevant, first, average, r_precision, rows, sorted_d[:, :nearest]


@torch.no_grad()
def retrieve(
    z: Tensor,
    y: Tensor,
    gallery: Tensor | None = None,
    gallery_y: Tensor | None = None,
    *,
    group: Tensor | None = None,
    gallery_group: Tensor | None = None,
    metric: Distance = "euclidean",
    chunk: int | None = None,
    nearest: int = 5,
) -> QueryResults:
    """Rank the gallery for every query; see :func:`retrieval_metrics` for the arguments."""
    alone = gallery is None
    g = z if gallery is None else gallery
    g_y = y if gallery_y is None else gallery_y
    if alone != (gallery_y is None):
        raise ValueError("gallery and gallery_y are given together or not at all")
    _check(z, y, g, g_y, metric)
    _check_groups(group, gallery_group, len(z), None if alone else len(g))
    if chunk is not None and chunk < 1:
        raise ValueError(f"chunk is {chunk}, must be at least 1")
    g_group = group if alone else gallery_group
    step = chunk or max(1, min(len(z), 4_000_000 // max(1, len(g))))
    starts = range(0, max(1, len(z)), step)  # no query at all is one empty block

    def excluded() -> Iterator[Tensor]:
        for low in starts:
            rows = torch.arange(low, min(low + step, len(z)), device=z.device)
            out = torch.zeros(len(rows), len(g), dtype=torch.bool, device=z.device)
            if alone:
                out[torch.arange(len(rows)), rows] = True
            if group is not None and g_group is not None:
                own = group[rows][:, None]
                out |= (own == g_group[None, :]) & (own >= 0)
            yield out

    def distances() -> Iterator[Tensor]:
        for low in starts:
            yield _distance(z[low : low + step], g, metric)

    return rank_queries(distances(), y, g_y, excluded(), nearest=nearest)


def retrieval_metrics(
    z: Tensor,
    y: Tensor,
    gallery: Tensor | None = None,
    gallery_y: Tensor | None = None,
    *,
    ks: Sequence[int] = (1, 5, 10),
    group: Tensor | None = None,
    gallery_group: Tensor | None = None,
    metric: Distance = "euclidean",
    chunk: int | None = None,
) -> dict[str, float]:
    """Recall@k, MAP@R, R-precision and the mean reciprocal rank.

    Args:
        z: ``(Q, d)`` queries.
        y: ``(Q,)`` int64 labels.
        gallery: ``(G, d)``; without it every item queries all the others.
        gallery_y: ``(G,)`` labels of the gallery.
        ks: numbers of neighbours for recall.
        group: ``(Q,)`` int64; items of the query's own group are neither neighbours nor counted
            in R. Group -1 never matches.
        gallery_group: ``(G,)`` int64.
        metric: "euclidean" or "cosine".
        chunk: queries ranked at once; the values do not depend on it.

    Returns:
        ``recall_at_{k}``, ``map_at_r``, ``r_precision``, ``mrr``: means over the queries with a
        match in the gallery, in [0, 1]; ``n_queries`` of those and ``n_skipped`` of the others.
        Without any they are nan, with a warning.

    Raises:
        ValueError: wrong shapes, float labels, values that are not finite, ranks below 1, a
            gallery and queries of which only one has groups.
    """
    if any(k < 1 for k in ks):
        raise ValueError(f"ks is {tuple(ks)}, must be ranks from 1 upward")
    results = retrieve(
        z,
        y,
        gallery,
        gallery_y,
        group=group,
        gallery_group=gallery_group,
        metric=metric,
        chunk=chunk,
    )
    evaluated = int(results.evaluated.sum())
    if not evaluated:
        warnings.warn("no query has a match in the gallery: metrics are nan", stacklevel=2)
    means = {name: float(v.mean()) for name, v in results.values(ks).items()}
    return {**means, "n_queries": evaluated, "n_skipped": len(z) - evaluated}


def _distance(a: Tensor, b: Tensor, metric: Distance) -> Tensor:
    """By differences: a matrix product rounds by the size of its block, and ties would move."""
    a, b = a.double(), b.double()
    if metric == "cosine":
        a, b = F.normalize(a, dim=1), F.normalize(b, dim=1)
    d = torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")
    return d.square() / 2 if metric == "cosine" else d


def _check(z: Tensor, y: Tensor, gallery: Tensor, gallery_y: Tensor, metric: str) -> None:
    for name, vectors, labels in (("z", z, y), ("gallery", gallery, gallery_y)):
        if vectors.ndim != 2 or labels.shape != vectors.shape[:1]:
            raise ValueError(
                f"{name} must be (N, d) with (N,) labels, found {tuple(vectors.shape)} and "
                f"{tuple(labels.shape)}"
            )
        if labels.is_floating_point():
            raise ValueError(f"labels of {name} must be integers, found {labels.dtype}")
        if not torch.isfinite(vectors).all():
            raise ValueError(f"{name} holds values that are not finite")
    if z.shape[1] != gallery.shape[1]:
        raise ValueError(f"z has {z.shape[1]} values a row and gallery {gallery.shape[1]}")
    if metric not in ("euclidean", "cosine"):
        raise ValueError(f"metric is {metric!r}, must be euclidean or cosine")


def _check_groups(
    group: Tensor | None, gallery_group: Tensor | None, queries: int, gallery: int | None
) -> None:
    if gallery is None and gallery_group is not None:
        raise ValueError("gallery_group is given without a gallery: use group")
    if gallery is not None and (group is None) != (gallery_group is None):
        raise ValueError(
            "group and gallery_group are given together or not at all: with one of them a query's "
            "own group cannot be left out of the gallery"
        )
    for name, value, count in (
        ("group", group, queries),
        ("gallery_group", gallery_group, gallery),
    ):
        if value is not None and value.shape != (count,):
            raise ValueError(f"{name} must be ({count},), found {tuple(value.shape)}")
