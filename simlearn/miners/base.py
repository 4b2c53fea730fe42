"""What all miners share: the contract, labels in order, blocks of anchors, and a warning."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor

from simlearn.losses.anchor_blocks import blocks, join_triplets
from simlearn.losses.base import Pairs, Triplets
from simlearn.losses.class_rows import arrange_by_class

MANY = 10_000_000
"""Tuples above which a miner that enumerates warns."""

WAY_OUT = "use loss.mining=all with miner: none, which is exact without enumerating"


class Miner(ABC):
    """``(z (B, d), y (B,)) -> Pairs | Triplets``: the tuples of a batch that a loss looks at.

    The tuples are int64 positions on z's device, possibly none, without a graph. Those of the
    miners here are in lexicographic order, which is that of pytorch-metric-learning.
    """

    @abstractmethod
    def __call__(
        self, z: Tensor, y: Tensor, *, generator: torch.Generator | None = None
    ) -> Pairs | Triplets:
        """Mine one batch.

        Args:
            z: ``(B, d)`` embeddings of any float type, used as given (not normalised here).
            y: ``(B,)`` integer labels.
            generator: where a miner draws, the same state gives the same tuples; the others
                leave it untouched.

        Raises:
            ValueError: wrong shapes or float labels.
        """


def positive_pairs(y: Tensor) -> tuple[Tensor, Tensor]:
    """All ordered (a, p) of one class, a != p, in lexicographic order.

    Each anchor is joined with its class's run in the labels' stable order: time and memory are
    those of the result, not of B^2.

    Args:
        y: ``(B,)`` int64 labels.

    Returns:
        ``a (P,)`` and ``p (P,)`` int64; P = 0 without two samples of a class.
    """
    order, start, size = _label_order(y)
    a = torch.repeat_interleave(torch.arange(len(y), device=y.device), size)
    step = torch.arange(len(a), device=y.device) - (size.cumsum(0) - size)[a]
    p = order[start[a] + step]
    other = a != p
    return a[other], p[other]


def count_triplets(y: Tensor) -> int:
    """How many (a, p, n) there are: the sum over anchors of (k - 1)(B - k), k its class's size."""
    size = _label_order(y)[2]
    return int(((size - 1) * (len(y) - size)).sum())


def count_pairs(y: Tensor) -> int:
    """How many ordered pairs there are, of one class and of two together: B(B - 1)."""
    return len(y) * (len(y) - 1)


def _label_order(y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Positions sorted by label, and for each position where its class begins there and its size.

    Equal labels keep the order of the batch. All ``(B,)`` int64.
    """
    rows = arrange_by_class(y)
    start, size = torch.empty_like(rows.order), torch.empty_like(rows.order)
    start[rows.order], size[rows.order] = rows.start, rows.count
    return rows.order, start, size


def warn_if_many(count: int, *, columns: int = 3, way_out: str = WAY_OUT) -> None:
    """Warn before more than 10,000,000 tuples are enumerated.

    Args:
        count: how many tuples there will be.
        columns: int64 positions that a tuple holds.
        way_out: what to do instead.
    """
    if count > MANY:
        warnings.warn(
            f"this batch has {count:,} tuples to enumerate, whose positions take "
            f"{count * columns * 8 / 2**30:,.1f} GiB; {way_out}",
            stacklevel=3,
        )


def select_triplets(
    y: Tensor, keep: Callable[[Tensor, Tensor], Tensor], *, way_out: str | None = WAY_OUT
) -> Triplets:
    """Those (a, p, n) of a batch that ``keep`` wants, in lexicographic order.

    Works by blocks of (a, p), each against all n. Beyond the triplets found nothing larger than
    a block and the (a, p) is held. Batches of more than 10,000,000 triplets are counted first,
    which takes ``keep`` a second time, so that the warning comes before the memory is taken.

    Args:
        y: ``(B,)`` int64 labels.
        keep: ``(a (R,), p (R,)) -> (R, B)`` bool, a new tensor: which n to take. Those of the
            anchor's own class are left out in any case.
        way_out: of the warning; None for a caller that has warned.
    """
    a, p = positive_pairs(y)
    parts = list(blocks(len(a), len(y)))

    def wanted(low: int, high: int) -> Tensor:
        return keep(a[low:high], p[low:high]).logical_and_(y[a[low:high]][:, None] != y)

    if way_out is not None and count_triplets(y) > MANY:
        counts = (int(wanted(*part).sum()) for part in parts)
        warn_if_many(sum(counts), way_out=way_out)
    found = []
    for low, high in parts:
        row, n = torch.nonzero(wanted(low, high), as_tuple=True)
        found.append((a[low:high][row], p[low:high][row], n.contiguous()))
    return join_triplets(found, y.device)
