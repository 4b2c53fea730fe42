"""Columns for the pixels of a map, one anti-diagonal after the other."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Diagonals:
    """Where the pixels of a map lie so that each anti-diagonal is contiguous.

    Within a diagonal the rows rise. Column 0 and one column behind each diagonal stand for the
    outside of the map, hence the neighbours of a whole diagonal are slices of the next ones.
    """

    steps: list[tuple[int, int, int, int]]
    """Per diagonal: its first column, number of columns, first column above, first below."""
    column: Tensor
    """``(H, W)``: column of each pixel."""
    size: int
    """Number of columns, those outside included."""

    def table(self, values: Tensor, columns: Tensor) -> Tensor:
        """``(size,)`` with ``values`` at ``columns``, 0 elsewhere."""
        return columns.new_zeros(self.size).index_copy_(0, columns.flatten(), values.flatten())

    def to_columns(self, maps: Tensor) -> Tensor:
        """``(B, F, H, W)`` to ``(F, size * B)``; outside columns repeat the first pixel."""
        pixel = torch.arange(self.column.numel(), device=maps.device)
        order = self.table(pixel, self.column)
        return maps.flatten(2).permute(1, 2, 0).index_select(1, order).flatten(1)

    def to_maps(self, values: Tensor) -> Tensor:
        """``(F, size * B)`` to ``(B, F, H, W)``."""
        maps = self._split(values).index_select(1, self.column.flatten())
        return maps.permute(2, 0, 1).reshape(maps.shape[2], len(maps), *self.column.shape)

    def neighbours(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """What each column of ``(F, size * B)`` has above and on its left; column 0 outside."""
        above = self.table(self.column[:-1], self.column[1:])
        left = self.table(self.column[:, :-1], self.column[:, 1:])
        split = self._split(values)
        return split.index_select(1, above).flatten(1), split.index_select(1, left).flatten(1)

    def clear_outside(self, values: Tensor) -> None:
        """Set the outside columns of ``(F, size * B)`` to 0, in place."""
        outside = torch.ones(self.size, dtype=torch.bool, device=values.device)
        outside[self.column.flatten()] = False
        self._split(values).index_fill_(1, outside.nonzero().flatten(), 0.0)

    def _split(self, values: Tensor) -> Tensor:
        return values.view(len(values), self.size, values.shape[1] // self.size)


def diagonals_of(height: int, width: int, device: torch.device) -> Diagonals:
    """The columns of a map's pixels by diagonals: equal i + j, the top left corner first.

    Args:
        height: H, at least 1.
        width: W, at least 1.
        device: of ``column``.

    Returns:
        H + W - 1 steps over H W + H + W columns.
    """
    low = [max(0, d - width + 1) for d in range(height + width - 1)]  # first row of a diagonal
    count = [min(d, height - 1) + 1 - a for d, a in enumerate(low)]
    first = [1]
    for n in count:
        first.append(first[-1] + n + 1)
    base = [f - a for f, a in zip(first, low, strict=False)]  # row i lies in column base + i
    steps = []
    for d, (a, n) in enumerate(zip(low, count, strict=True)):
        above = base[d - 1] + a - 1 if d else 0
        below = base[d + 1] + a + 1 if d + 1 < len(low) else 0
        steps.append((first[d], n, above, below))
    row = torch.arange(height, device=device)[:, None]
    diagonal = row + torch.arange(width, device=device)
    column = torch.tensor(base, device=device)[diagonal] + row
    return Diagonals(steps, column, first[-1])
