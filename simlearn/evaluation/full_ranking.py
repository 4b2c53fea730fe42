"""Ranking of a whole gallery by given distances: the plain form."""

from __future__ import annotations

import torch
from torch import Tensor

from simlearn.evaluation.query_results import QueryResults, from_order


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
