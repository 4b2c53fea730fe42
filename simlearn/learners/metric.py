"""One network, one similarity loss, one training step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler
from torch.optim.optimizer import Optimizer

from simlearn.backbones.base import Backbone
from simlearn.data.batch import Batch
from simlearn.data.randomness import derive_seed
from simlearn.losses.base import Loss
from simlearn.losses.gather import gather_embeddings
from simlearn.miners.base import Miner


class OptimizerSettings(Protocol):
    """Builds an optimiser and its schedule for a number of steps."""

    def build(self, parameters: Any, total: int) -> tuple[Optimizer, LRScheduler]:
        """Optimiser and schedule."""
        ...


class MetricLearner(pl.LightningModule):
    """Trains ``head(backbone(x))`` with a similarity loss over the batch.

    Args:
        backbone: gives ``(B, dim)`` features.
        head: brings them to ``(B, d)`` embeddings.
        loss: ``(z, y, tuples) -> LossOutput``.
        optimizer: optimiser and schedule; ``None`` for a network that is only used.
        seed: what layers draw (dropout) is a function of (seed, step, rank), what the miner and the
            loss draw of (seed, step).
        miner: chooses the tuples of the loss, whatever the batch brings; without it they are the
            batch's own or the loss's.

    Of several processes each embeds its part of the batch; the miner and the loss look at the
    embeddings of all of them.
    """

    def __init__(
        self,
        backbone: Backbone,
        head: nn.Module,
        loss: Loss | None = None,
        optimizer: OptimizerSettings | None = None,
        *,
        seed: int = 0,
        miner: Miner | None = None,
    ) -> None:
        super().__init__()
        self.backbone, self.head = backbone, head
        self.loss, self.optimizer, self.seed, self.miner = loss, optimizer, seed, miner

    def forward(self, x: Tensor) -> Tensor:
        """``(B, d)`` embeddings of images ``(B, C, H, W)`` or clips ``(B, C, T, H, W)``."""
        z: Tensor = self.head(self.backbone(x))
        return z

    def distance(self, x1: Tensor, x2: Tensor) -> Tensor:
        """``(B,)`` Euclidean distances between the embeddings of two batches, row by row."""
        return (self(x1) - self(x2)).norm(dim=1)

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Seed what layers draw, so that a resumed run draws the same; each process its own."""
        rank = (self.global_rank,) if self.global_rank else ()
        torch.manual_seed(derive_seed(self.seed, "step", self.global_step, *rank))

    def training_step(self, batch: Batch, batch_idx: int) -> dict[str, Any]:
        """Loss of one batch, and what the callbacks look at: z (B, d), y (B,), LossOutput."""
        if self.loss is None:
            raise ValueError("this learner has no loss and can only embed")
        own = self(batch.x)
        z, y = gather_embeddings(own, batch.y)
        if len(z) != len(own) and batch.tuples is not None:
            raise ValueError(
                "batches with given tuples are trained by one process: trainer.devices=1"
            )
        tuples = self._tuples(batch, z, y)
        torch.manual_seed(derive_seed(self.seed, "loss", self.global_step))  # in all ranks the same
        output = self.loss(z, y, tuples)
        return {"loss": output.value, "z": z.detach(), "y": y, "output": output}

    def _tuples(self, batch: Batch, z: Tensor, y: Tensor) -> Sequence[Tensor] | None:
        if self.miner is None:
            return batch.tuples
        generator = torch.Generator(device=z.device)
        generator.manual_seed(derive_seed(self.seed, "miner", self.global_step))
        return self.miner(z.detach(), y, generator=generator)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Optimiser and schedule over all steps of the training."""
        if self.optimizer is None:
            raise ValueError("this learner has no optimizer and can only embed")
        total = int(self.trainer.estimated_stepping_batches)
        optimizer, scheduler = self.optimizer.build(self.parameters(), total)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "interval": "step"},
        }
