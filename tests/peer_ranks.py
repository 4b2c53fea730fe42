"""What each of two processes does for the tests against PML's wrapper for several processes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from simlearn.losses import PMLLoss, gather_embeddings

WORLD = 2


def network():
    """A small net, the same everywhere, and a batch of twelve rows."""
    g = torch.Generator().manual_seed(3)
    net = nn.Sequential(nn.Linear(7, 9), nn.Tanh(), nn.Linear(9, 4))
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(torch.randn(p.shape, generator=g) / 3)
    return net, torch.randn(12, 7, generator=g), torch.arange(12) % 4


def gradient(net):
    """All gradients as one vector."""
    return torch.cat([p.grad.flatten() for p in net.parameters()])


def mean_contrastive():
    """PML's contrastive loss whose mean over all pairs does not depend on how they are split."""
    from pytorch_metric_learning.losses import ContrastiveLoss
    from pytorch_metric_learning.reducers import MeanReducer

    return ContrastiveLoss(reducer=MeanReducer())


def by_peer(rank, cut, efficient):
    """Gradient with PML's wrapper; rank 0 has the first ``cut`` rows."""
    from pytorch_metric_learning.utils.distributed import DistributedLossWrapper

    net, x, y = network()
    own = slice(0, cut) if rank == 0 else slice(cut, 12)
    loss = DistributedLossWrapper(mean_contrastive(), efficient=efficient)
    model = DistributedDataParallel(net)
    loss(model(x[own]), y[own]).backward()
    return gradient(net)


def by_us(rank, cut):
    """Gradient of the same loss on gathered embeddings."""
    net, x, y = network()
    own = slice(0, cut) if rank == 0 else slice(cut, 12)
    loss = PMLLoss("ContrastiveLoss", reducer="MeanReducer")
    model = DistributedDataParallel(net)
    loss(*gather_embeddings(model(x[own]), y[own])).value.backward()
    return gradient(net)


def start(rank, folder):
    """Join the other process."""
    torch.set_num_threads(1)
    meet = f"file://{folder}/meet"
    patience = timedelta(seconds=20)
    dist.init_process_group("gloo", meet, rank=rank, world_size=WORLD, timeout=patience)


def compare(rank, folder):
    """Everything that ends well, written to ``folder``."""
    start(rank, folder)
    seen = {
        "ours even": by_us(rank, 6),
        "ours uneven": by_us(rank, 9),
        "plain": by_peer(rank, 6, False),
        "efficient": by_peer(rank, 6, True),
    }
    torch.save(seen, Path(folder) / f"rank{rank}.pt")
    dist.destroy_process_group()


def uneven_by_peer(rank, folder):
    """PML's wrapper with 9 and 3 rows."""
    start(rank, folder)
    (Path(folder) / f"met{rank}").touch()
    by_peer(rank, 9, False)
