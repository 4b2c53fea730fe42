"""The embeddings of all processes as one batch, with the gradient that the whole batch gives.

A similarity loss is a function of the batch, so the mean of the losses of two half batches is not
the loss of the batch. Each process therefore computes the loss of the whole batch from gathered
embeddings. Let ``L`` be that loss, ``W`` the number of processes and ``J_r`` the derivative of rank
``r``'s embeddings by the weights. The backward pass sums the gradients of all ranks, which gives
``W dL/dz``, and keeps the own rows; DistributedDataParallel takes the mean over the ranks of
``J_r^T (W dL/dz_r)``, and that is ``dL/dw`` of the whole batch, exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.autograd.function import once_differentiable

from simlearn.losses.base import check_batch, full_precision

DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
"""What embeddings may be; a process tells the others the position in this tuple."""


@torch.compiler.disable
def gather_embeddings(z: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Embeddings and labels of all processes, in the order of their ranks.

    Every process of the default group must call it, and must call ``backward`` on something that
    depends on the gathered embeddings if their gradient is wanted. The gradient of a process's own
    rows is the sum over the processes of what each of them computes. Cannot be differentiated
    twice.

    Args:
        z: ``(B, d)`` float16, bfloat16, float32 or float64; B may differ between the processes and
            may be 0.
        y: ``(B,)`` integer labels, on the device of ``z``.

    Returns:
        ``(sum of B, d)`` embeddings and ``(sum of B,)`` labels, bit for bit as they were. Without
        an initialised process group, or in a group of one, the two tensors themselves.

    Raises:
        ValueError: in every process, when one of them has something other than ``z (B, d)`` and
            ``y (B,)``, or when d, the type, or whether a gradient is wanted differ between them.
    """
    if not (dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1):
        return z, y
    sizes = _sizes(z, y)
    z_all, y_all = _Gather.apply(z, y, sizes)
    return z_all, y_all.to(y.dtype)


class _Gather(torch.autograd.Function):
    """Concatenates over the ranks; backward adds the ranks' gradients and keeps the own rows."""

    @staticmethod
    def forward(ctx: Any, z: Tensor, y: Tensor, sizes: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Gather; remember which rows are this rank's."""
        low = sum(sizes[: dist.get_rank()])
        ctx.rows, ctx.dtype = slice(low, low + len(z)), z.dtype
        z_all, y_all = _exchange(z, y, sizes)
        ctx.mark_non_differentiable(y_all)
        return z_all, y_all

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, _: Tensor) -> tuple[Tensor, None, None]:
        """Add what every rank wants of all rows, keep the own ones."""
        total = full_precision(grad).clone(memory_format=torch.contiguous_format)
        if total.numel():
            dist.all_reduce(total)
        return total[ctx.rows].to(ctx.dtype), None, None


def _exchange(z: Tensor, y: Tensor, sizes: Sequence[int]) -> tuple[Tensor, Tensor]:
    """One exchange of bytes for embeddings and labels, padded to the largest batch."""
    if not sum(sizes):
        return z.new_empty(0, z.shape[1]), y.new_empty(0, dtype=torch.int64)
    labels = y.to(torch.int64)[:, None].contiguous().view(torch.uint8)
    rows = torch.cat([labels, z.contiguous().view(torch.uint8)], dim=1)
    padded = rows.new_zeros(max(sizes), rows.shape[1])
    padded[: len(rows)] = rows
    parts = [torch.empty_like(padded) for _ in sizes]
    dist.all_gather(parts, padded)
    whole = torch.cat([part[:size] for part, size in zip(parts, sizes, strict=True)])
    width = labels.shape[1]
    y_all = whole[:, :width].contiguous().view(torch.int64)[:, 0]
    return whole[:, width:].contiguous().view(z.dtype), y_all


def _sizes(z: Tensor, y: Tensor) -> list[int]:
    """B of every rank; what is wrong on one rank is an error on all of them."""
    fault = _fault(z, y)
    wanted = torch.is_grad_enabled() and z.requires_grad
    mine = (-1, 0, 0, 0) if fault else (len(z), z.shape[1], DTYPES.index(z.dtype), int(wanted))
    header = torch.tensor(mine, device=z.device)
    headers = [torch.empty_like(header) for _ in range(dist.get_world_size())]
    dist.all_gather(headers, header)
    sizes, *rest = zip(*torch.stack(headers).tolist(), strict=True)
    if fault:
        raise ValueError(fault)
    wrong = [rank for rank, size in enumerate(sizes) if size < 0]
    if wrong:
        raise ValueError(f"the batch of rank {wrong[0]} cannot be gathered; its own error says why")
    names = ("length d", "type", "wish for a gradient")
    for name, values in zip(names, rest, strict=True):
        if len(set(values)) > 1:
            shown = [DTYPES[v] for v in values] if name == "type" else list(values)
            raise ValueError(
                f"embeddings of different {name} on the ranks: {shown}. Every process must "
                "train the same network"
            )
    return list(sizes)


def _fault(z: Tensor, y: Tensor) -> str | None:
    """What is wrong with this rank's own batch, or None."""
    try:
        check_batch(z, y)
    except ValueError as error:
        return str(error)
    if z.dtype not in DTYPES:
        return f"z must hold real floating-point numbers, found {z.dtype}"
    if z.device != y.device:
        return f"z is on {z.device} and y on {y.device}, must be on the same device"
    return None
