"""Rows of a batch arranged by class: where the positives of a row stand."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class ClassRows:
    """A batch of N rows, arranged so that the rows of one class are neighbours.

    Attributes:
        order: ``(N,)`` int64; place i of the arrangement holds row ``order[i]`` of the batch. Rows
            of one class keep their order.
        start: ``(N,)`` int64; first place of the class that place i belongs to.
        count: ``(N,)`` int64; rows of that class.
    """

    order: Tensor
    start: Tensor
    count: Tensor

    def places(self, rows: int) -> Tensor:
        """Places, in ascending order, that hold one of the first ``rows`` rows of the batch."""
        return torch.nonzero(self.order < rows).squeeze(1)

    def positives(self, places: Tensor) -> tuple[Tensor, Tensor]:
        """Places of the rows of the same class.

        Args:
            places: ``(c,)`` int64.

        Returns:
            ``(c, K)`` int64 places, K the rows of the largest class among them, and ``(c, K)``
            bool, False for the row itself and where the class has fewer; there the place given is
            the row's own.
        """
        size = int(self.count[places].max()) if len(places) else 0
        slot = torch.arange(size, device=places.device)
        place = self.start[places][:, None] + slot
        valid = (slot < self.count[places][:, None]) & (place != places[:, None])
        return torch.where(valid, place, places[:, None]), valid


def arrange_by_class(y: Tensor) -> ClassRows:
    """Arrange a batch by its labels ``y (N,)``, any integers."""
    order = torch.argsort(y, stable=True)
    _, inverse, counts = torch.unique_consecutive(y[order], return_inverse=True, return_counts=True)
    first = counts.cumsum(0) - counts
    return ClassRows(order=order, start=first[inverse], count=counts[inverse])
