"""Sums of one layer's activations over the tokens of each modality, without keeping a token."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

MAX_RUNS = 8
"""A modality in more pieces than this is gathered before its maximum is taken."""
CPU_BLOCK, GPU_BLOCK = 2**18, 2**25
"""Activations that are reduced at once: they stay in a core's cache, or fill a GPU."""


@dataclass(frozen=True, eq=False)
class LayerSums:
    """What is left of one layer's activations of one batch, by row and modality.

    Attributes:
        n: int64 ``(B, M)`` tokens.
        pos: int64 ``(B, M, N)`` tokens whose activation is above 0, exact.
        sum: float64 ``(B, M, N)``.
        max: ``(B, M, N)`` of the activations' type; -inf where ``n`` is 0.
        attn_k: float64 ``(B, M, N)``, sum weighted by the tokens' first attention weights.
        attn_q: the same by their second ones.
    """

    n: Tensor
    pos: Tensor
    sum: Tensor
    max: Tensor
    attn_k: Tensor | None = None
    attn_q: Tensor | None = None


@dataclass(frozen=True, eq=False)
class TokenPlan:
    """Where the tokens of each modality stand, worked out once per batch for all layers.

    Attributes:
        onehot: bool ``(B, M, T)``.
        n: int64 ``(B, M)``.
        runs: (row, modality, start, stop) of every contiguous piece.
        scattered: (row, modality, positions) where the pieces are many and small.
        extents: first and last + 1 position of each row that has a modality; (0, 0) for none.
        holes: whether a row has a token without a modality between those.
    """

    onehot: Tensor
    n: Tensor
    runs: tuple[tuple[int, int, int, int], ...]
    scattered: tuple[tuple[int, int, Tensor], ...]
    extents: tuple[tuple[int, int], ...]
    holes: tuple[bool, ...]


def plan_tokens(onehot: Tensor) -> TokenPlan:
    """Find the pieces. The one step that waits for a GPU: once per batch, not per layer.

    Args:
        onehot: bool ``(B, M, T)``.
    """
    host = onehot.cpu().numpy()
    runs: list[tuple[int, int, int, int]] = []
    scattered: list[tuple[int, int, Tensor]] = []
    for row, modality in np.argwhere(host.any(2)).tolist():
        where = np.flatnonzero(host[row, modality])
        pieces = np.split(where, np.flatnonzero(np.diff(where) > 1) + 1)
        if len(pieces) > MAX_RUNS:
            index = torch.as_tensor(where, device=onehot.device)
            scattered.append((row, modality, index))
        else:
            runs += [(row, modality, int(p[0]), int(p[-1]) + 1) for p in pieces]
    covered = [np.flatnonzero(row.any(0)) for row in host]
    extents = tuple((int(c[0]), int(c[-1]) + 1) if len(c) else (0, 0) for c in covered)
    return TokenPlan(
        onehot=onehot,
        n=onehot.sum(2),
        runs=tuple(runs),
        scattered=tuple(scattered),
        extents=extents,
        holes=tuple(len(c) < b - a for c, (a, b) in zip(covered, extents, strict=True)),
    )


def plan_whole(x: Tensor) -> TokenPlan:
    """The plan of ``(B, T, N)`` activations that are all of one modality."""
    rows, tokens = x.shape[:2]
    return TokenPlan(
        onehot=torch.ones((rows, 1, tokens), dtype=torch.bool, device=x.device),
        n=torch.full((rows, 1), tokens, device=x.device),
        runs=tuple((row, 0, 0, tokens) for row in range(rows)),
        scattered=(),
        extents=((0, tokens),) * rows,
        holes=(False,) * rows,
    )


def layer_sums(
    x: Tensor,
    onehot: Tensor | TokenPlan,
    weights_k: Tensor | None = None,
    weights_q: Tensor | None = None,
) -> LayerSums:
    """Count, sum, maximum and attention-weighted sums per row and modality.

    Sums come from one skinny product ``W (K, T) @ x (T, N)`` in blocks of tokens, each added up in
    float64; half precision is multiplied in float32. Counts are exact. On a GPU the products keep
    to the process's float32 matmul precision. Tokens of no modality, such as padding, have no
    influence, not even as NaN.

    Args:
        x: ``(B, T, N)`` activations of one layer.
        onehot: bool ``(B, M, T)`` tokens of each modality, or the plan of them.
        weights_k: ``(B, M, T)`` weights of the tokens, 0 outside the modality.
        weights_q: the same for the second weighted sum; given with ``weights_k`` or not at all.

    Raises:
        ValueError: shapes that do not fit, or only one of the two weights.
    """
    plan = onehot if isinstance(onehot, TokenPlan) else plan_tokens(onehot)
    rows, names, tokens = plan.onehot.shape
    if x.ndim != 3 or x.shape[:2] != (rows, tokens):
        raise ValueError(f"activations {tuple(x.shape)} must be ({rows}, {tokens}, N)")
    if (weights_k is None) != (weights_q is None):
        raise ValueError("give weights_k and weights_q, or none of them")
    x = x.detach()
    dtype = torch.float64 if x.dtype == torch.float64 else torch.float32
    with torch.autocast(x.device.type, enabled=False):
        member = plan.onehot.to(x.device, dtype)
        weights = [member]
        for extra in (weights_k, weights_q):
            if extra is not None:
                if extra.shape != plan.onehot.shape:
                    raise ValueError(f"weights {tuple(extra.shape)} must be (B, M, T)")
                weights.append(extra.to(x.device, dtype))
        pos, sums = _products(x, member, torch.cat(weights, 1), plan)
        top = _maxima(x, plan)
    total, *attention = sums.split(names, 1)
    return LayerSums(plan.n.to(x.device), pos.long(), total, top, *attention)


def _products(x: Tensor, member: Tensor, weights: Tensor, plan: TokenPlan) -> tuple[Tensor, Tensor]:
    """Counts ``(B, M, N)`` and weighted sums ``(B, K, N)`` in float64."""
    rows, width = len(x), x.shape[2]
    pos = torch.zeros((rows, member.shape[1], width), dtype=torch.float64, device=x.device)
    sums = torch.zeros((rows, weights.shape[1], width), dtype=torch.float64, device=x.device)
    for b, t, holes in _blocks(x, plan):
        block = x[b, t].to(member.dtype)
        if holes:
            outside = ~plan.onehot[b, :, t].any(1).to(x.device)
            block = block.masked_fill(outside.unsqueeze(-1), 0)
        above = block.sign().clamp_min_(0)  # a tenth of the time of a comparison on a CPU
        if b.stop - b.start > 1 or x.device.type != "cpu":
            sums[b] += torch.bmm(weights[b, :, t], block)
            pos[b] += torch.bmm(member[b, :, t], above)
            continue
        # most blocks hold one modality: the rows of the others are left out
        row, names = b.start, member.shape[1]
        kept = member[row, :, t].any(1).nonzero()[:, 0]
        pos[row].index_add_(0, kept, (member[row, kept, t] @ above[0]).double())
        for first in range(0, weights.shape[1], names):
            own = weights[row, first + kept, t]
            sums[row].index_add_(0, first + kept, (own @ block[0]).double())
    return pos, sums


def _blocks(x: Tensor, plan: TokenPlan) -> Iterator[tuple[slice, slice, bool]]:
    """Rows and tokens that are reduced together: row by row on a CPU, all rows on a GPU."""
    rows, tokens, width = x.shape
    if rows == 0 or tokens == 0:
        return
    if x.device.type == "cpu":
        ranges = [(slice(row, row + 1), *plan.extents[row], plan.holes[row]) for row in range(rows)]
        step = max(32, CPU_BLOCK // width)
    else:
        seen = [extent for extent in plan.extents if extent[1]] or [(0, 0)]
        first, last = min(a for a, _ in seen), max(b for _, b in seen)
        holes = any(plan.holes) or any(extent != (first, last) for extent in plan.extents)
        ranges = [(slice(0, rows), first, last, holes)]
        step = max(32, GPU_BLOCK // (rows * width))
    for row, first, last, holes in ranges:
        for start in range(first, last, step):
            yield row, slice(start, min(start + step, last)), holes


def _maxima(x: Tensor, plan: TokenPlan) -> Tensor:
    """``(B, M, N)`` from views of the contiguous pieces."""
    shape = (*plan.onehot.shape[:2], x.shape[2])
    top = torch.full(shape, -torch.inf, dtype=x.dtype, device=x.device)
    for row, modality, start, stop in plan.runs:
        here = top[row, modality]
        torch.maximum(here, x[row, start:stop].amax(0), out=here)
    for row, modality, index in plan.scattered:
        top[row, modality] = x[row].index_select(0, index.to(x.device)).amax(0)
    return top
