"""Ranking of a whole gallery by given distances: the plain form."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from simlearn.evaluation.query_results import QueryResults, from_order, joined


def rank_by_distances(
    d: Tensor, y: Tensor, gallery_y: Tensor, excluded: Tensor, *, nearest: int = 5
) -> QueryResults:
    """Rank a gallery for a few queries by sorting all of it.

    Args:
        d: ``(q, G)`` distances.
        y: ``(q,)`` labels of the queries.
        gallery_y: ``(G,)`` labels of the gallery.
        excluded: ``(q, G)`` bool: items that are not the query's neighbours.
        nearest: how many neighbours to keep. Equal distances: lower gallery row first.
    """
    ordered, rows = torch.sort(d.masked_fill(excluded, torch.inf), dim=1, stable=True)
    hit = (gallery_y[rows] == y[:, None]) & ~excluded.gather(1, rows)
    relevant = hit.sum(dim=1)
    first, average, precision = from_order(hit, relevant)
    return QueryResults(
        relevant=relevant,
        first=first,
        average_precision=average,
        r_precision=precision,
        nearest=rows[:, :nearest].masked_fill(torch.isinf(ordered[:, :nearest]), -1),
        distance=ordered[:, :nearest],
    )


def rank_queries(
    distances: Iterator[Tensor],
    y: Tensor,
    gallery_y: Tensor,
    excluded: Iterator[Tensor],
    *,
    nearest: int = 5,
) -> QueryResults:
    """:func:`rank_by_distances` for blocks ``(q, G)`` in the order of the queries.

    Args:
        distances: blocks of distances.
        y: ``(Q,)`` labels of all queries.
        gallery_y: ``(G,)`` labels of the gallery.
        excluded: blocks of bool.
        nearest: how many neighbours to keep.
    """
    parts, begin = [], 0
    for d, out in zip(distances, excluded, strict=True):
        labels = y[begin : begin + len(d)]
        begin += len(d)
        parts.append(rank_by_distances(d, labels, gallery_y, out, nearest=nearest))
    return joined(parts)
