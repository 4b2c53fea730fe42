"""Similarity losses slowly: loops over plain numbers, and dense tensors for the gradient."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

Result = tuple[float, int, int]
"""Value, active tuples, all tuples."""

Listed = Sequence[Tensor] | None


def distance(a: Sequence[float], b: Sequence[float], squared: bool = False) -> float:
    """Distance of two points, correctly rounded sums; squares below 1e-12 have the root 1e-6."""
    d2 = math.fsum((x - y) ** 2 for x, y in zip(a, b, strict=True))
    return d2 if squared else math.sqrt(max(d2, 1e-12))


def joined(tuples: Sequence[Tensor]) -> list[tuple[int, int, int]]:
    """Triplets as they are; of pairs every (a, p) with every (a, n) of the same anchor."""
    lists = [part.tolist() for part in tuples]
    if len(lists) == 3:
        return list(zip(*lists, strict=True))
    pulls, pushes = zip(lists[0], lists[1], strict=True), list(zip(*lists[2:], strict=True))
    return [(a, p, n) for a, p in pulls for b, n in pushes if a == b]


def all_triplets(y: Tensor, anchors: int | None = None) -> list[tuple[int, int, int]]:
    """Every (a, p, n) of labels ``y (B,)``, a among the first ``anchors`` rows."""
    names = y.tolist()
    places = range(len(names))
    return [
        (a, p, n)
        for a in (places if anchors is None else range(anchors))
        for p in places
        for n in places
        if a != p and names[a] == names[p] and names[a] != names[n]
    ]


def triplet_loop(
    z: Tensor,
    y: Tensor,
    tuples: Listed = None,
    *,
    margin: float = 0.2,
    mining: str = "all",
    squared: bool = False,
    soft: bool = False,
    reduction: str = "active",
    anchors: int | None = None,
) -> Result:
    """The triplet loss, one triplet after the other."""
    rows = z.tolist()
    gaps: list[float] = []
    hardest: dict[int, tuple[float, float]] = {}
    for a, p, n in all_triplets(y, anchors) if tuples is None else joined(tuples):
        near, far = distance(rows[a], rows[p], squared), distance(rows[a], rows[n], squared)
        if mining == "hard":
            before = hardest.get(a, (-math.inf, math.inf))
            hardest[a] = (max(before[0], near), min(before[1], far))
        elif mining == "all" or near < far < near + margin:
            gaps.append(near - far)
    gaps += [near - far for near, far in hardest.values()]
    losses = [soft_plus(gap) if soft else max(0.0, gap + margin) for gap in gaps]
    active = sum(loss > 0 for loss in losses)
    count = len(losses) if soft or reduction == "all" else active
    return (math.fsum(losses) / count if count else 0.0), active, len(losses)


def contrastive_loop(
    z: Tensor,
    y: Tensor,
    tuples: Listed = None,
    *,
    margin: float = 1.0,
    reduction: str = "pairs",
    anchors: int | None = None,
) -> Result:
    """The contrastive loss, one pair after the other."""
    rows, names = z.tolist(), y.tolist()
    last = len(names) if anchors is None else anchors
    alike: list[tuple[int, int]] = []
    other: list[tuple[int, int]] = []
    if tuples is None:
        for i in range(last):
            for j in range(i + 1, len(names)):
                (alike if names[i] == names[j] else other).append((i, j))
    else:
        lists = [part.tolist() for part in tuples]
        a1, p, a2, n = lists if len(lists) == 4 else (lists[0], lists[1], lists[0], lists[2])
        alike, other = list(zip(a1, p, strict=True)), list(zip(a2, n, strict=True))
    pull = [distance(rows[i], rows[j], True) / 2 for i, j in alike]
    push = [max(0.0, margin - distance(rows[i], rows[j])) ** 2 / 2 for i, j in other]
    active = sum(loss > 0 for loss in pull + push)
    sides = [pull + push] if reduction == "pairs" else [pull, push]
    value = sum(math.fsum(side) / len(side) for side in sides if side)
    return value, active, len(pull) + len(push)


def angular_loop(
    z: Tensor,
    y: Tensor,
    tuples: Listed = None,
    *,
    alpha: float = 45.0,
    npair: float = 0.0,
    pairs: str = "all",
    anchors: int | None = None,
) -> Result:
    """The angular loss by its triangle: sides a - p and n - c, c the middle of a and p.

    ``|a-p|^2 - 4 t^2 |n-c|^2`` is the exponent of the paper but for ``|a|^2``, ``|p|^2`` and
    ``|n|^2``, which it drops because they are constant on the unit sphere.
    """
    rows, names = z.tolist(), y.tolist()
    t2 = math.tan(math.radians(alpha)) ** 2
    listed = all_triplets(y, anchors) if tuples is None else joined(tuples)
    negatives: dict[tuple[int, int], list[int]] = {}
    for a, p, n in listed:
        first = [i for i in range(len(names)) if names[i] == names[a]][:2]
        if pairs == "all" or [a, p] == first:
            negatives.setdefault((a, p), []).append(n)
    angular, others = [], []
    for (a, p), ns in negatives.items():
        middle = [(u + v) / 2 for u, v in zip(rows[a], rows[p], strict=True)]
        own = distance(rows[a], rows[p], True) - (1 - t2) * (square(rows[a]) + square(rows[p]))
        exponents = [
            own - 4 * t2 * distance(rows[n], middle, True) + 4 * t2 * square(rows[n]) for n in ns
        ]
        angular.append(log_one_plus(exponents))
        others.append(log_one_plus([dot(rows[a], rows[n]) - dot(rows[a], rows[p]) for n in ns]))
    count = len(angular)
    active = sum(u > 0 or (npair > 0 and v > 0) for u, v in zip(angular, others, strict=True))
    total = math.fsum(angular) + npair * math.fsum(others)
    return (total / count if count else 0.0), active, count


def soft_plus(x: float) -> float:
    """``log(1 + exp(x))``."""
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def log_one_plus(exponents: list[float]) -> float:
    """``log(1 + sum(exp(x)))``."""
    top = max([0.0, *exponents])
    if top == 0:
        return math.log1p(math.fsum(math.exp(x) for x in exponents))
    return top + math.log(math.exp(-top) + math.fsum(math.exp(x - top) for x in exponents))


def dot(a: Sequence[float], b: Sequence[float]) -> float:
    """Inner product."""
    return math.fsum(x * y for x, y in zip(a, b, strict=True))


def square(a: Sequence[float]) -> float:
    """Squared length."""
    return dot(a, a)


def triplet_dense(
    z: Tensor,
    y: Tensor,
    tuples: Listed = None,
    *,
    margin: float = 0.2,
    mining: str = "all",
    squared: bool = False,
    soft: bool = False,
    reduction: str = "active",
    anchors: int | None = None,
) -> Tensor:
    """The triplet loss as a ``(B, B, B)`` tensor with autograd."""
    d2 = (z[:, None] - z[None]).square().sum(dim=2)
    d = d2 if squared else d2.clamp_min(1e-12).sqrt()
    same = y[:, None] == y
    positive = same & ~torch.eye(len(z), dtype=torch.bool, device=z.device)
    if tuples is not None:
        a, p, n = torch.tensor(joined(tuples), device=z.device).reshape(-1, 3).T
        gap = d[a, p] - d[a, n]
    elif mining == "hard":
        keep = positive.any(dim=1) & ~same.all(dim=1)
        keep[anchors:] = keep[anchors:] & (anchors is None)
        near = d.masked_fill(~positive, -torch.inf).amax(dim=1)
        gap = near[keep] - d.masked_fill(same, torch.inf).amin(dim=1)[keep]
    else:
        cube = d[:, :, None] - d[:, None, :]
        valid = positive[:, :, None] & ~same[:, None, :]
        if anchors is not None:
            valid[anchors:] = False
        if mining == "semihard":
            valid = valid & (cube < 0) & (cube + margin > 0)
        gap = cube[valid]
    losses = torch.logaddexp(gap, torch.zeros_like(gap)) if soft else (gap + margin).clamp_min(0)
    count = len(losses) if soft or reduction == "all" else int((losses > 0).sum())
    return losses.sum() / max(1, count) + 0.0 * z.sum()


def contrastive_dense(
    z: Tensor,
    y: Tensor,
    *,
    margin: float = 1.0,
    reduction: str = "pairs",
    anchors: int | None = None,
) -> Tensor:
    """The contrastive loss over the upper triangle, with autograd."""
    i, j = torch.triu_indices(len(z), len(z), 1, device=z.device)
    i, j = (v[i < (len(z) if anchors is None else anchors)] for v in (i, j))
    d2 = (z[i] - z[j]).square().sum(dim=1)
    alike = y[i] == y[j]
    losses = torch.where(alike, d2, (margin - d2.clamp_min(1e-12).sqrt()).clamp_min(0).square()) / 2
    if reduction == "pairs":
        return losses.sum() / max(1, len(losses))
    return sum((losses[k].mean() for k in (alike, ~alike) if k.any()), start=0.0 * z.sum())


def angular_dense(
    z: Tensor,
    y: Tensor,
    *,
    alpha: float = 45.0,
    npair: float = 0.0,
    anchors: int | None = None,
) -> Tensor:
    """The angular loss over a ``(B, B, B)`` tensor of exponents, with autograd."""
    t2 = math.tan(math.radians(alpha)) ** 2
    product = z @ z.T
    same = y[:, None] == y
    pair = same & ~torch.eye(len(z), dtype=torch.bool, device=z.device) & ~same.all(dim=1)
    pair[len(z) if anchors is None else anchors :] = False
    a, p = torch.nonzero(pair, as_tuple=True)
    own = product[a, p][:, None]
    value = 0.0 * z.sum()
    for weight, exponent in (
        (1.0, 4 * t2 * (product[a] + product[p]) - 2 * (1 + t2) * own),
        (npair, product[a] - own),
    ):
        inner = torch.cat([exponent.masked_fill(same[a], -torch.inf), 0.0 * own], dim=1)
        value = value + weight * inner.logsumexp(dim=1).sum() / max(1, len(a))
    return value
