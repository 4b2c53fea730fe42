"""What queries found in a gallery."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


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

    @staticmethod
    def room(queries: int, nearest: int, device: torch.device) -> QueryResults:
        """Room for the results of so many queries with so many neighbours each; not filled."""

        def table(*shape: int, dtype: torch.dtype = torch.int64) -> Tensor:
            return torch.empty(queries, *shape, dtype=dtype, device=device)

        return QueryResults(
            relevant=table(),
            first=table(),
            average_precision=table(dtype=torch.float64),
            r_precision=table(dtype=torch.float64),
            nearest=table(nearest),
            distance=table(nearest, dtype=torch.float64),
        )

    def put(self, rows: Tensor, part: QueryResults) -> None:
        """Write the results of some queries ``rows (q,)`` in their places."""
        for name in self.__dataclass_fields__:
            getattr(self, name)[rows] = getattr(part, name)

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


def from_order(hit: Tensor, relevant: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Ranks and precisions of queries whose nearest items are known in order.

    Args:
        hit: ``(q, k)`` bool: the i-th nearest is of the query's class; k at least R of each query.
        relevant: ``(q,)`` int64, R.

    Returns:
        ``(q,)`` int64 rank of the first hit (k + 1 where none is among them, 0 where R is 0), AP@R
        and R-precision, float64. Sums run from the nearest on, so they do not depend on k.
    """
    rank = torch.arange(1, hit.shape[1] + 1, device=hit.device)
    counted = hit & (rank <= relevant[:, None])
    found = counted.cumsum(dim=1)
    total = (found.double() / rank * counted).cumsum(dim=1)
    r = relevant.clamp_min(1)
    if hit.shape[1] == 0:
        nothing = torch.zeros(len(hit), dtype=torch.float64, device=hit.device)
        return torch.where(relevant > 0, 1, 0), nothing, nothing.clone()
    first = torch.where(relevant > 0, (hit.cumsum(dim=1) == 0).sum(dim=1) + 1, 0)
    return first, total[:, -1] / r, found[:, -1].double() / r
