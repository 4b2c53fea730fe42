"""What each of two processes does for the tests of ``gather_embeddings``; it writes what it saw."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from simlearn.losses import angular_loss, contrastive_loss, triplet_loss
from simlearn.losses.gather import DTYPES, gather_embeddings

WORLD = 2
SIZES = ((3, 3), (4, 1), (1, 5), (0, 3), (2, 0), (0, 0))
SPLITS = {"even": 6, "uneven": 9, "empty": 12}
"""Rows of the first rank of a batch of twelve."""
LOSSES = {"contrastive": contrastive_loss, "triplet": triplet_loss, "angular": angular_loss}


def rows(case, rank, size, dtype):
    """Embeddings, labels that a float cannot hold, and the gradient that this rank gives back."""
    g = torch.Generator().manual_seed(100 * case + rank)
    z = torch.randn(size, 5, generator=g).to(dtype)
    y = torch.randint(2**62, (size,), generator=g) + 1
    return z, y


def weights(case, rank, total, dtype):
    """``(total, 5)`` small integers: their sums are exact in every type."""
    g = torch.Generator().manual_seed(10_000 + 100 * case + rank)
    return torch.randint(-9, 10, (total, 5), generator=g).to(dtype)


def gathered(rank):
    """Everything that is gathered, and the gradient of the own rows, for sizes and types."""
    seen = {}
    for case, sizes in enumerate(SIZES):
        for dtype in DTYPES:
            z, y = rows(case, rank, sizes[rank], dtype)
            z.requires_grad_()
            z_all, y_all = gather_embeddings(z, y)
            (z_all * weights(case, rank, len(z_all), dtype)).sum().backward()
            seen[case, dtype] = (z_all.detach(), y_all, z.grad)
    return seen


def other_layouts(rank):
    """Embeddings that are not contiguous, int32 labels, no gradient."""
    z = torch.arange(12.0).reshape(4, 3).t()[:, rank : rank + 2]
    return gather_embeddings(z, torch.arange(3, dtype=torch.int32) + 10 * rank)


def network():
    """A small net, the same in every process."""
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(7, 9), nn.Tanh(), nn.Linear(9, 4))


def batch(step):
    """Twelve rows of four classes."""
    g = torch.Generator().manual_seed(1000 + step)
    return torch.randn(12, 7, generator=g), torch.arange(12) % 4


def train(model, loss, own, steps):
    """Gradients of the first step and weights after each."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    first, states = {}, []
    for step in range(steps):
        x, y = batch(step)
        optimizer.zero_grad()
        loss(*gather_embeddings(model(x[own]), y[own])).value.backward()
        if not step:
            first = {k: p.grad.clone() for k, p in model.named_parameters()}
        optimizer.step()
        states.append({k: v.clone() for k, v in model.state_dict().items()})
    return first, states


def trained(rank):
    """Training by both losses, with the batch split in several ways."""
    seen = {}
    for name, loss in LOSSES.items():
        for split, cut in SPLITS.items():
            own = slice(0, cut) if rank == 0 else slice(cut, 12)
            model = DistributedDataParallel(network())
            seen[name, split] = train(model, loss, own, 20)
    return seen


def refused(rank):
    """The text of every error; a hang would show as a test that does not end."""
    z, y = torch.ones(3, 4), torch.arange(3)
    cases = {
        "length": (torch.ones(3, 4 + rank), y),
        "type": (z.to((torch.float32, torch.bfloat16)[rank]), y),
        "gradient": (z.clone().requires_grad_(rank == 1), y),
        "shape": (z, y[: 3 - rank]),
        "axes": (z[0] if rank else z, y),
        "labels": (z, y.float() if rank == 0 else y),
        "integers": (z.long() if rank == 0 else z, y),
    }
    texts = {}
    for name, case in cases.items():
        try:
            gather_embeddings(*case)
        except ValueError as error:
            texts[name] = str(error)
    return texts


def work(rank, folder):
    """One process: all of the above, written to ``folder``."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", f"file://{folder}/meet", rank=rank, world_size=WORLD)
    try:
        seen = [gathered(rank), other_layouts(rank), trained(rank), refused(rank)]
        torch.save(seen, Path(folder) / f"rank{rank}.pt")
    finally:
        dist.destroy_process_group()
