"""Pairs and triplets: checked, and one made from the other."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import torch
from torch import Tensor

from simlearn.losses.base import Pairs, Triplets

MANY = 10_000_000
"""Triplets above which joining pairs warns."""


def as_triplets(tuples: Sequence[Tensor], z: Tensor) -> Triplets:
    """Triplets as they are; pairs joined on equal anchors, every (a, p) with every (a, n).

    Args:
        tuples: ``(a, p, n)`` or ``(a1, p, a2, n)``, int64 positions.
        z: ``(B, d)``, the batch that they name positions in; they are brought to its device.

    Raises:
        ValueError: neither three nor four tensors, not int64 of one length, or a position that is
            not in the batch.
    """
    kind = _checked(tuples, z)
    if isinstance(kind, Triplets):
        return kind
    order = torch.argsort(kind.a2, stable=True)
    anchors = kind.a2[order].contiguous()
    first = torch.searchsorted(anchors, kind.a1.contiguous())
    number = torch.searchsorted(anchors, kind.a1.contiguous(), right=True) - first
    if int(number.sum()) > MANY:
        warnings.warn(
            f"these pairs are joined to {int(number.sum()):,} triplets; a loss over pairs, or "
            "loss.mining=all with miner: none, lists none of them",
            stacklevel=4,
        )
    pair = torch.repeat_interleave(torch.arange(len(number), device=number.device), number)
    place = torch.arange(len(pair), device=pair.device) - (number.cumsum(0) - number)[pair]
    negative = kind.n[order[first[pair] + place]]
    return Triplets(kind.a1[pair], kind.p[pair], negative)


def as_pairs(tuples: Sequence[Tensor], z: Tensor) -> Pairs:
    """Pairs as they are; of every triplet its (a, p) and its (a, n), repeated ones kept.

    Args:
        tuples: ``(a1, p, a2, n)`` or ``(a, p, n)``, int64 positions.
        z: ``(B, d)``, the batch that they name positions in; they are brought to its device.

    Raises:
        ValueError: neither three nor four tensors, not int64 of one length, or a position that is
            not in the batch.
    """
    kind = _checked(tuples, z)
    return kind if isinstance(kind, Pairs) else Pairs(kind.a, kind.p, kind.a, kind.n)


def _checked(tuples: Sequence[Tensor], z: Tensor) -> Pairs | Triplets:
    if len(tuples) not in (3, 4):
        raise ValueError(
            f"tuples are (a, p, n) or (a1, p, a2, n), found {len(tuples)} tensors instead of 3 or 4"
        )
    rows = len(z)
    for part in tuples:
        if part.ndim != 1 or part.dtype != torch.int64:
            raise ValueError(
                f"tuples hold (T,) int64 positions, found {tuple(part.shape)} {part.dtype}"
            )
        outside = (part < 0) | (part >= rows)
        if outside.any():
            raise ValueError(
                f"tuples name position {int(part[outside][0])} of a batch of {rows} rows"
            )
    tuples = [part.to(z.device) for part in tuples]
    kind = Triplets(*tuples) if len(tuples) == 3 else Pairs(*tuples)
    groups = [tuples] if len(tuples) == 3 else [tuples[:2], tuples[2:]]
    for group in groups:
        if len({len(part) for part in group}) != 1:
            raise ValueError(f"tuples of different lengths: {[len(part) for part in tuples]}")
    return kind
