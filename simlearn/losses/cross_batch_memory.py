"""Cross-batch memory: embeddings of earlier batches as further positives and negatives."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from simlearn.losses.angular import AngularLoss
from simlearn.losses.base import LossOutput, full_precision, labels_of_batch
from simlearn.losses.contrastive import ContrastiveLoss
from simlearn.losses.triplet import TripletLoss

BatchLoss = TripletLoss | ContrastiveLoss | AngularLoss


class CrossBatchMemory(nn.Module):
    """A similarity loss between a batch and a queue of the embeddings before it (Wang et al. 2020).

    The anchors are the rows of the batch; their positives and negatives the batch and the queue.
    No gradient flows into the queue. In training mode the batch enters it after its loss was
    computed and pushes out the oldest. Queue, labels, pointer and counts are in the state_dict: a
    resumed training goes on with the same memory.

    Args:
        loss: TripletLoss, ContrastiveLoss or AngularLoss.
        dim: d of the embeddings.
        size: rows of the queue.
        warmup: calls in training mode that only fill the queue.

    Raises:
        ValueError: another loss, or a size below 1, or a negative warmup.
    """

    queue: Tensor
    labels: Tensor
    pointer: Tensor
    filled: Tensor
    calls: Tensor

    def __init__(self, loss: BatchLoss, dim: int, size: int = 1024, warmup: int = 0) -> None:
        super().__init__()
        if not isinstance(loss, BatchLoss):
            raise ValueError(
                f"a cross-batch memory takes TripletLoss, ContrastiveLoss or AngularLoss, found "
                f"{type(loss).__name__}"
            )
        if size < 1 or dim < 1 or warmup < 0:
            raise ValueError(
                f"size is {size}, dim {dim} and warmup {warmup}: the first two must be at least 1, "
                "warmup not negative"
            )
        self.loss, self.size, self.warmup = loss, size, warmup
        self.register_buffer("queue", torch.zeros(size, dim))
        self.register_buffer("labels", torch.zeros(size, dtype=torch.int64))
        for name in ("pointer", "filled", "calls"):
            self.register_buffer(name, torch.zeros((), dtype=torch.int64))

    def forward(self, z: Tensor, y: Tensor, tuples: Sequence[Tensor] | None = None) -> LossOutput:
        """Loss of ``z (B, d)`` with labels ``y (B,)`` against itself and the queue.

        Raises:
            ValueError: tuples are given (they can only name rows of the batch), or z has another d.
        """
        y = labels_of_batch(z, y)
        if tuples is not None:
            raise ValueError("a cross-batch memory finds its own tuples: leave tuples out")
        if z.shape[1] != self.queue.shape[1]:
            raise ValueError(f"z has {z.shape[1]} values a row, the memory {self.queue.shape[1]}")
        z = full_precision(z)
        count = int(self.filled) if int(self.calls) >= self.warmup else 0
        known = self.queue[:count].to(z.dtype)
        labels = torch.cat([y, self.labels[:count]])
        output: LossOutput = self.loss(torch.cat([z, known]), labels, anchors=len(z))
        if self.training:
            self._enqueue(z.detach(), y)
        return output

    @torch.no_grad()
    def _enqueue(self, z: Tensor, y: Tensor) -> None:
        z, y = z[-self.size :], y[-self.size :]
        place = (self.pointer + torch.arange(len(z), device=z.device)) % self.size
        self.queue[place] = z.to(self.queue.dtype)
        self.labels[place] = y
        self.pointer.copy_((self.pointer + len(z)) % self.size)
        self.filled.copy_((self.filled + len(z)).clamp_max(self.size))
        self.calls += 1
