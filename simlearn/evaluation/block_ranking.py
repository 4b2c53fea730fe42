"""Ranking by blocks: one matrix product, the R nearest of each query, and ties settled exactly."""

from __future__ import annotations

import torch
from torch import Tensor

from simlearn.evaluation.full_ranking import rank_by_distances
from simlearn.evaluation.gallery import Search, distance
from simlearn.evaluation.query_results import QueryResults, from_order

MORE = 8
"""Items fetched beyond those needed, so that ties at the end are seen to end."""

EPS = 2.0**-53


class BlockRanking:
    """Ranks the gallery for any rows of queries.

    ``|g|^2 / 2 - q.g`` orders the gallery as the distance does; in float64 and centred its error
    stays below a bound that is known. Where two neighbours in that order are closer than the bound
    their distances are computed by differences, which do not depend on the block; equal ones go by
    the gallery row. Where such a run does not end among the items fetched, the whole row is sorted.

    Args:
        task: what searches what.
        nearest: neighbours to keep of every query.
    """

    def __init__(self, task: Search, nearest: int) -> None:
        self.task, self.nearest = task, min(nearest, len(task.gallery))
        origin = task.gallery.mean(dim=0) if len(task.gallery) else 0.0
        queries, items = task.z - origin, task.gallery - origin
        squares = items.square().sum(dim=1)
        reach = squares.max().sqrt() if len(squares) else squares.new_zeros(())
        size = queries.square().sum(dim=1).sqrt() + reach
        self.tolerance = 8 * (items.shape[1] + 8) * EPS * size.square()
        self.queries = torch.cat([queries, torch.ones_like(queries[:, :1])], dim=1)
        self.items = torch.cat([-items, squares[:, None] / 2], dim=1)

    def __call__(self, rows: Tensor) -> QueryResults:
        """Results of the queries ``rows (q,)`` int64."""
        task, relevant = self.task, self.task.relevant[rows]
        keys = self.queries[rows] @ self.items.T
        out = task.excluded(rows) if task.group is not None else None
        if out is not None:
            keys.masked_fill_(out, torch.inf)
        elif task.alone:
            keys[torch.arange(len(rows), device=rows.device), rows] = torch.inf
        needed = relevant.clamp_min(self.nearest)
        size = min(keys.shape[1], int(needed.max()) + MORE) if len(rows) else 0
        value, item = keys.topk(size, dim=1, largest=False)
        close = value.diff(dim=1) <= self.tolerance[rows][:, None]
        place = torch.arange(size - 1, device=rows.device) if size else needed[:0]
        unsure = (close & (place < needed[:, None])).any(dim=1)
        endless = (close | (place < needed[:, None] - 1)).all(dim=1) & (size < keys.shape[1])
        whole = unsure & endless
        part = torch.nonzero(unsure & ~whole).squeeze(1)
        if len(part):
            item[part] = self._settle(rows[part], item[part], value[part])
        hit = (task.gallery_y[item] == task.y[rows][:, None]) & torch.isfinite(value)
        first, average, precision = from_order(hit, relevant)
        late = torch.nonzero(first > needed).squeeze(1)
        if len(late):
            first[late], tied = self._first_match(rows[late], keys, late)
            whole[late[tied]] = True
        result = QueryResults(
            relevant, first, average, precision, *self._neighbours(rows, item, value)
        )
        return self._repaired(result, rows, torch.nonzero(whole).squeeze(1))

    def _settle(self, rows: Tensor, item: Tensor, value: Tensor) -> Tensor:
        """Fetched items ``(q, k)`` in the order of their distances by differences, then rows."""
        own, order = item.sort(dim=1)
        d = self._exact(rows, own)
        d = d.masked_fill(torch.isinf(value.gather(1, order)), torch.inf)
        return own.gather(1, d.sort(dim=1, stable=True).indices)

    def _first_match(self, rows: Tensor, keys: Tensor, which: Tensor) -> tuple[Tensor, Tensor]:
        """Rank of the first match, and where it is too close to others to tell by the keys.

        A few rows at a time: large temporaries of ever new sizes would fragment the memory.
        """
        step = max(1, (1 << 17) // keys.shape[1])
        parts = [
            self._first(row, keys[one])
            for row, one in zip(rows.split(step), which.split(step), strict=True)
        ]
        ranks, tied = zip(*parts, strict=True)
        return torch.cat(ranks), torch.cat(tied)

    def _first(self, rows: Tensor, keys: Tensor) -> tuple[Tensor, Tensor]:
        same = self.task.gallery_y == self.task.y[rows][:, None]
        best = keys.masked_fill(~same, torch.inf).amin(dim=1, keepdim=True)
        margin = self.tolerance[rows][:, None]
        before = (keys < best - margin).sum(dim=1)
        return before + 1, (keys <= best + margin).sum(dim=1) - before > 1

    def _neighbours(self, rows: Tensor, item: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        near, none = item[:, : self.nearest], torch.isinf(value[:, : self.nearest])
        d = self._exact(rows, near).masked_fill(none, torch.inf)
        return near.masked_fill(none, -1), d

    def _exact(self, rows: Tensor, item: Tensor) -> Tensor:
        """``(q, k)`` distances of queries to some items each, a few queries at a time."""
        step = max(1, (1 << 20) // max(1, item.shape[1] * self.items.shape[1]))
        parts = [
            distance(self.task.z[row][:, None], self.task.gallery[own], self.task.metric)
            for row, own in zip(rows.split(step), item.split(step), strict=True)
        ]
        return torch.cat(parts).squeeze(1)

    def _repaired(self, result: QueryResults, rows: Tensor, which: Tensor) -> QueryResults:
        """Replace the results of some rows by those of a full sort."""
        for part in which.split(max(1, (1 << 21) // max(1, len(self.items)))):
            chosen = rows[part]
            d = distance(self.task.z[chosen], self.task.gallery, self.task.metric)
            exact = rank_by_distances(
                d,
                self.task.y[chosen],
                self.task.gallery_y,
                self.task.excluded(chosen),
                nearest=self.nearest,
            )
            result.put(part, exact)
        return result
