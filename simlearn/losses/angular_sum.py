"""The angular loss over all (a, p, n) of a batch, with its gradient, class by class."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from simlearn.losses.class_rows import arrange_by_class
from simlearn.losses.distances import first_derivative_only
from simlearn.losses.pairwise import BLOCK

SAFE = 600.0
"""Products of two exponentials whose exponents stay above -600 do not underflow in float64."""


Shares = Callable[[Tensor], Tensor]
"""Weights of the pairs ``(g, K, K)`` -> for each row the weighted shares of its negatives."""


@dataclass(frozen=True)
class AngularSettings:
    """``t2``: tan^2 of the angle; ``npair``: weight of the N-pair term; one pair per class."""

    t2: float
    npair: float = 0.0
    one_pair: bool = False


@torch.compiler.disable
def angular_sum(
    z: Tensor, y: Tensor, settings: AngularSettings, anchors: int
) -> tuple[tuple[Tensor, Tensor], Tensor]:
    """Sums over the pairs (a, p), a among the first ``anchors`` rows, of both terms.

    Args:
        z: ``(B, d)``.
        y: ``(B,)`` integer labels.
        settings: the angle and the choice of pairs.
        anchors: number of rows that are anchors.

    Returns:
        Float64 sums of the angular and of the N-pair terms (0 where that has no weight), with a
        gradient, and the counts (active, total) of pairs, ``(2,)`` int64.
    """
    wanted = z.requires_grad and torch.is_grad_enabled()
    sums, counts = _AngularSum.apply(z, y, settings, anchors, wanted)
    return (sums[0], sums[1]), counts


class _AngularSum(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, z: Tensor, y: Tensor, settings: AngularSettings, anchors: int, wanted: bool
    ) -> tuple[Tensor, Tensor]:
        """Sums, counts, and both terms' gradients where they are wanted."""
        z64 = z.double()
        sums = z64.new_zeros(2)
        counts = torch.zeros(2, dtype=torch.int64, device=z.device)
        gradients = torch.zeros(2, *z64.shape, dtype=z64.dtype, device=z.device) if wanted else None
        for members in _classes(y):
            members = members[:, :2] if settings.one_pair else members
            amounts, found, slopes = _block(z64, y, members, settings, anchors)
            sums += amounts
            counts += found
            if gradients is None:
                continue
            rows = members.flatten()
            for gradient, slope in zip(gradients[: len(slopes)], slopes, strict=True):
                gradient.index_add_(0, rows, slope @ z64)
                gradient += slope.T @ z64[rows]
        ctx.save_for_backward(gradients)
        ctx.dtype = z.dtype
        ctx.mark_non_differentiable(counts)
        return sums, counts

    @staticmethod
    def backward(ctx: Any, grad: Tensor, _: Any) -> tuple[Tensor, None, None, None, None]:
        """The gradients found on the way."""
        first_derivative_only()
        (gradients,) = ctx.saved_tensors
        total = grad[0] * gradients[0] + grad[1] * gradients[1]
        return total.to(ctx.dtype), None, None, None, None


def _classes(y: Tensor) -> Iterator[Tensor]:
    """Rows ``(g, K)`` of g classes with K rows each; classes of one row have no pair."""
    rows = arrange_by_class(y)
    for size in torch.unique(rows.count).tolist():
        if 2 <= size < len(y):
            members = rows.order[rows.count == size].view(-1, size)
            yield from members.split(max(1, BLOCK // (size * len(y))))


def _block(
    z: Tensor, y: Tensor, members: Tensor, settings: AngularSettings, anchors: int
) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Sums, counts and the derivatives by the inner products ``(g*K, B)`` for a few classes."""
    g, k = members.shape
    rows = members.flatten()
    product = z[rows] @ z.T
    own = y[rows][:, None] == y[None, :]
    local = product.gather(1, members.repeat_interleave(k, dim=0)).view(g, k, k)
    pair = (members < anchors)[:, :, None] & ~torch.eye(k, dtype=torch.bool, device=z.device)
    if settings.one_pair:
        pair = pair & torch.tensor([[False, True], [False, False]], device=z.device)
    negative = product.masked_fill(own, -torch.inf).view(g, k, -1)
    t2 = settings.t2
    total, shares = _joint_logsumexp(negative, own.view(g, k, -1), 4 * t2, pair)
    exponent = (total - 2 * (1 + t2) * local).masked_fill(~pair, -torch.inf)
    losses = [F.softplus(exponent, threshold=40.0)]
    weight = torch.sigmoid(exponent)
    slopes = [_slope(4 * t2 * shares(weight), -2 * (1 + t2) * weight, members, product)]
    if settings.npair:
        top = negative.logsumexp(dim=2, keepdim=True)
        exponent = (top - local).masked_fill(~pair, -torch.inf)
        losses.append(F.softplus(exponent, threshold=40.0))
        weight = torch.sigmoid(exponent)
        outer = (negative - top).exp() * weight.sum(dim=2, keepdim=True)
        slopes.append(_slope(outer, -weight, members, product))
    active = torch.stack(losses).gt(0).any(dim=0).sum()
    sums = torch.stack([part.sum() for part in losses] + [z.new_zeros(())] * (2 - len(losses)))
    return sums, torch.stack([active, pair.sum()]), slopes


def _slope(outer: Tensor, inner: Tensor, members: Tensor, like: Tensor) -> Tensor:
    """``(g*K, B)``: derivatives by products with other classes, and those within the class."""
    g, k = members.shape
    place = members.repeat_interleave(k, dim=0)
    return outer.view_as(like).scatter_add(1, place, inner.reshape(g * k, k))


def _joint_logsumexp(s: Tensor, own: Tensor, scale: float, pair: Tensor) -> tuple[Tensor, Shares]:
    """``log sum_n exp(scale (s_an + s_pn))`` for the pairs of a class, by one matrix product.

    Args:
        s: ``(g, K, B)`` inner products, -inf within the class.
        own: ``(g, K, B)`` bool, True within the class.
        scale: above 0.
        pair: ``(g, K, K)`` bool, the pairs that are wanted.

    Returns:
        ``(g, K, K)``, and what turns weights of the pairs ``(g, K, K)`` into the sums ``(g, K, B)``
        of weight times share of each negative.
    """
    top = s.amax(dim=2, keepdim=True)
    spread = scale * (top - s.masked_fill(own, torch.inf).amin(dim=2, keepdim=True))
    if float(2 * spread.max()) < SAFE:
        e = (scale * (s - top)).exp()
        joint = e @ e.transpose(1, 2)
        total = scale * (top + top.transpose(1, 2)) + joint.log()

        def shares(weight: Tensor) -> Tensor:
            v = weight / joint
            return e * ((v + v.transpose(1, 2)) @ e)

        return total, shares
    return _joint_by_pairs(s, scale, pair)


def _joint_by_pairs(s: Tensor, scale: float, pair: Tensor) -> tuple[Tensor, Shares]:
    """The same by log-sum-exp over the negatives of every single pair, a few pairs at a time."""
    size = max(1, BLOCK // s.shape[2])
    which = torch.nonzero(pair).split(size)

    def exponents(part: Tensor) -> Tensor:
        i, a, p = part.unbind(1)
        return scale * (s[i, a] + s[i, p])

    total = s.new_zeros(pair.shape)
    total[pair] = torch.cat([exponents(part).logsumexp(dim=1) for part in which])

    def shares(weight: Tensor) -> Tensor:
        outer = torch.zeros_like(s)
        for part in which:
            i, a, p = part.unbind(1)
            share = weight[i, a, p][:, None] * exponents(part).softmax(dim=1)
            outer.index_put_((i, a), share, accumulate=True)
            outer.index_put_((i, p), share, accumulate=True)
        return outer

    return total, shares
