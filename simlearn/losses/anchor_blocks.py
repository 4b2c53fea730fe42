"""A batch by blocks of anchors: their distances, and who is a positive or a negative of whom."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from simlearn.losses.base import Triplets, check_batch, count_anchors
from simlearn.losses.distances import euclidean_distances

CHUNK = 4_000_000
"""Entries of the largest temporary of one block of rows."""


def prepared(z: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """``z (B, d)`` as float64 without a graph and ``y (B,)`` as int64 on its device.

    Raises:
        ValueError: wrong shapes or float labels.
    """
    check_batch(z, y)
    return z.detach().double(), y.to(z.device, torch.int64)


def blocks(rows: int, width: int) -> Iterator[tuple[int, int]]:
    """``(low, high)`` of blocks of rows that hold about 4 million entries of ``width`` each."""
    step = max(1, CHUNK // max(1, width))
    return ((low, min(low + step, rows)) for low in range(0, rows, step))


def anchor_blocks(
    z: Tensor, y: Tensor, anchors: int | None = None
) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """A batch by blocks of anchors; none for B = 0.

    Args:
        z: ``(B, d)`` float64.
        y: ``(B,)`` int64.
        anchors: only the first so many rows are anchors; all if left out.

    Yields:
        ``rows (R,)`` int64 positions of the anchors, ``d (R, B)`` their distances,
        ``positive (R, B)`` bool without the anchor itself, ``negative (R, B)`` bool.
    """
    for low, high in blocks(count_anchors(z, anchors), len(z)):
        rows = torch.arange(low, high, device=z.device)
        yield rows, euclidean_distances(z[rows], z), *relations(y, rows)


def relations(y: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
    """``(R, B)`` bool twice: who is a positive and who a negative of ``rows (R,)`` of the batch."""
    same = y[rows][:, None] == y
    negative = ~same
    same[torch.arange(len(rows), device=y.device), rows] = False
    return same, negative


def nearest(d: Tensor, allowed: Tensor) -> Tensor:
    """``(R,)`` column of the smallest allowed entry of each row, the lower one of equals.

    Args:
        d: ``(R, B)`` distances, B > 0.
        allowed: ``(R, B)`` bool; a row without any gives column 0.
    """
    return _allowed(d.masked_fill(~allowed, torch.inf).argmin(dim=1), allowed)


def farthest(d: Tensor, allowed: Tensor) -> Tensor:
    """``(R,)`` column of the largest allowed entry of each row; see :func:`nearest`."""
    return _allowed(d.masked_fill(~allowed, -torch.inf).argmax(dim=1), allowed)


def _allowed(column: Tensor, allowed: Tensor) -> Tensor:
    """Where all allowed entries are infinite a forbidden one was found: the first allowed."""
    found = allowed.gather(1, column[:, None])[:, 0]
    return torch.where(found, column, allowed.to(torch.uint8).argmax(dim=1))


def join_triplets(found: list[tuple[Tensor, Tensor, Tensor]], device: torch.device) -> Triplets:
    """The blocks' ``(a, p, n)`` as one; ``found`` is emptied, column by column, to save memory."""
    columns = [[torch.empty(0, dtype=torch.int64, device=device)] for _ in range(3)]
    for block in found:
        for column, part in zip(columns, block, strict=True):
            column.append(part)
    found.clear()
    whole = []
    for column in columns:
        whole.append(torch.cat(column))
        column.clear()
    return Triplets(*whole)
