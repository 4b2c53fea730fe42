"""Embeddings of a data set, and of whole videos from those of their clips."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import nn
from torch.nn import functional as F

from simlearn.data.batch import Batch
from simlearn.data.embeddings import Embeddings


@torch.no_grad()
def embed(
    model: nn.Module,
    batches: Iterable[Batch],
    *,
    device: torch.device | str = "cpu",
    progress: Callable[[int, int], None] | None = None,
    total: int = 0,
) -> Embeddings:
    """Embeddings of every sample, in the loader's order, with the model in eval mode.

    Args:
        model: ``x -> z (B, d)``; the training mode of each of its parts is restored afterwards.
        batches: what to embed.
        device: where to compute.
        progress: called with (batches done, ``total``).
        total: number of batches, for the progress.

    Raises:
        ValueError: no batch, or an embedding that is not finite.
    """
    training, parts = [part for part in model.modules() if part.training], []
    model.eval()
    try:
        for done, batch in enumerate(batches, start=1):
            z = model(batch.x.to(device, non_blocking=True)).float().cpu()
            parts.append((z, batch.y, batch.group, batch.index))
            if progress is not None:
                progress(done, total)
    finally:
        for part in training:
            part.training = True
    if not parts:
        raise ValueError("nothing to embed: the split is empty")
    z, y, group, index = (torch.cat(column) for column in zip(*parts, strict=True))
    if not torch.isfinite(z).all():
        bad = int((~torch.isfinite(z)).any(dim=1).sum())
        raise ValueError(
            f"{bad} of {len(z)} embeddings are not finite: training diverged. Lower optimizer.lr "
            "or set trainer.gradient_clip=1"
        )
    return Embeddings(z=z, y=y, group=group, index=index)


def pool_groups(clips: Embeddings) -> Embeddings:
    """One embedding per video: the mean of its L2-normalised clips, normalised again.

    Rows come in ascending order of the video; ``index`` is the video too.

    Raises:
        ValueError: a clip of no video (group -1), or a video with two labels.
    """
    if (clips.group < 0).any():
        raise ValueError(f"{int((clips.group < 0).sum())} of {len(clips)} clips have no video")
    groups, inverse = torch.unique(clips.group, return_inverse=True)
    total = clips.z.new_zeros(len(groups), clips.z.shape[1])
    total.index_add_(0, inverse, F.normalize(clips.z, dim=1))
    y = clips.y.new_zeros(len(groups))
    y[inverse] = clips.y
    mixed = groups[inverse[y[inverse] != clips.y]]
    if len(mixed):
        raise ValueError(f"clips of video {int(mixed[0])} have different labels")
    return Embeddings(z=F.normalize(total, dim=1), y=y, group=groups, index=groups)
