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
from simlearn.data.randomness import derive_seed, seed_layers, torch_generator
from simlearn.learners.contract import Replay, Step, Strategy
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
    embeddings of all of them. Each replays samples of its own, and its penalty sees its own rows.

    Attributes:
        strategy: what is done against forgetting: it replays samples and adds a penalty.
        at: cut at which ``batch.x`` lies; "input" for images, another one where the activations of
            frozen layers were computed beforehand.
    """

    strategy: Strategy | None = None
    at: str = "input"

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
        seed_layers(derive_seed(self.seed, "step", self.global_step, *rank))

    def training_step(self, batch: Batch, batch_idx: int) -> dict[str, Any]:
        """Loss of one batch, and what the callbacks look at: z (B, d), y (B,), LossOutput."""
        if self.loss is None:
            raise ValueError("this learner has no loss and can only embed")
        h, own_y, cut, n_new = self._with_replay(batch)
        f = self.backbone.high(h, cut)
        own = self.head(f)
        z, y = gather_embeddings(own, own_y)
        if len(z) != len(own) and batch.tuples is not None:
            raise ValueError(
                "batches with given tuples are trained by one process: trainer.devices=1"
            )
        tuples = self._tuples(batch, z, y)
        seed_layers(derive_seed(self.seed, "loss", self.global_step))  # in all ranks the same
        output = self.loss(z, y, tuples)
        value = output.value
        if self.strategy is not None:
            value = value + self.strategy.penalty(Step(h, f, own_y, own, cut, n_new))
        return {"loss": value, "z": z.detach(), "y": y, "output": output}

    def _with_replay(self, batch: Batch) -> tuple[Tensor, Tensor, str, int]:
        """Activations, labels, their cut, and how many rows are the batch's own (these first)."""
        drawn = self._replay(batch)
        if drawn is not None and batch.tuples is not None and self.miner is None:
            raise ValueError(
                "the batch names its tuples and replayed samples would be in none: give a miner"
            )
        cut = self.at if drawn is None else drawn.cut
        if drawn is not None and drawn.replace:
            return drawn.h.to(batch.x.device), drawn.y.to(batch.y.device), cut, 0
        h = self._activations(batch.x, cut)
        if drawn is None:
            return h, batch.y, cut, len(h)
        joined = torch.cat([h, drawn.h.to(h.device)])
        return joined, torch.cat([batch.y, drawn.y.to(batch.y.device)]), cut, len(h)

    def _activations(self, x: Tensor, cut: str) -> Tensor:
        if self.at == cut:
            return self.backbone.low(x, "input") if cut == "input" else x
        if self.at != "input":
            raise ValueError(f"the batch holds activations at {self.at!r}, replayed ones {cut!r}")
        return self.backbone.low(x, cut)

    def _replay(self, batch: Batch) -> Replay | None:
        """Draw about as many samples as there are new ones, at least two of each drawn class."""
        classes = self.strategy.replayable() if self.strategy is not None else ()
        if self.strategy is None or not classes:
            return None
        rank = (self.global_rank,) if self.global_rank else ()
        generator = torch_generator(self.seed, "replay", self.global_step, *rank)
        per_class = self.strategy.per_class or max(2, round(len(batch) / len(classes)))
        if self.strategy.per_class is None and per_class * len(classes) > len(batch):
            few = torch.randperm(len(classes), generator=generator)[: max(1, len(batch) // 2)]
            classes = tuple(classes[i] for i in sorted(few.tolist()))
        return self.strategy.replay(classes, per_class, generator=generator)

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
