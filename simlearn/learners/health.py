"""Is a batch worth learning from? What says that embeddings collapse or that no tuple is left."""

from __future__ import annotations

import logging
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

log = logging.getLogger(__name__)

COLLAPSE_DISTANCE = 0.01
COLLAPSE_STEPS = 50
EMPTY_LIMIT = 20


class TrainingStopped(RuntimeError):
    """Training was stopped because it could not lead anywhere; the text says why."""


def effective_rank(z: Tensor) -> float:
    """Exponential of the entropy of the normalised singular values of ``z (B, d)``, centred.

    1 where all embeddings lie on one line, at most min(B - 1, d); 0 where they are all equal.
    Source: Roy and Vetterli 2007, "The effective rank".
    """
    s = torch.linalg.svdvals((z - z.mean(dim=0)).float())
    total = s.sum()
    if total <= 1e-12:
        return 0.0
    p = s / total
    return float(torch.exp(-(p * p.clamp_min(1e-12).log()).sum()))


def batch_health(z: Tensor, y: Tensor, active: int, total: int) -> dict[str, float]:
    """Figures about one batch.

    Args:
        z: ``(B, d)`` embeddings.
        y: ``(B,)`` labels.
        active: tuples with a loss above 0.
        total: tuples considered.

    Returns:
        ``effective_rank``; ``active_share`` in [0, 1] (0 without tuples);
        ``positives_per_anchor``, mean number of others of the own class.
    """
    same = (y[:, None] == y[None, :]).sum(dim=1) - 1
    return {
        "effective_rank": effective_rank(z),
        "active_share": active / total if total else 0.0,
        "positives_per_anchor": float(same.float().mean()) if len(y) else 0.0,
    }


class BatchHealth(pl.Callback):
    """Logs :func:`batch_health` and says in plain words when training goes nowhere.

    Its counters are kept in checkpoints.

    Args:
        every: log every so many steps.

    Raises:
        TrainingStopped: after 20 batches in a row without a valid tuple, and as soon as an
            embedding is not finite.
    """

    def __init__(self, every: int = 10) -> None:
        self.every = every
        self.counts = {"empty": 0, "empty_in_row": 0, "collapsed_in_row": 0, "collapses": 0}

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Count, and log every ``every`` steps."""
        output, z = outputs["output"], outputs["z"]
        self.count(z, output.total)
        if trainer.global_step % self.every == 0 or trainer.global_step == 1:
            health = batch_health(z, outputs["y"], output.active, output.total)
            figures = {"loss": float(output.value.detach()), **health}
            figures |= {f"loss_{name}": float(part) for name, part in output.parts.items()}
            figures["empty_batches"] = float(self.counts["empty"])
            figures["lr"] = trainer.optimizers[0].param_groups[0]["lr"]
            for logger in trainer.loggers:
                logger.log_metrics(
                    {f"train/{k}": v for k, v in figures.items()}, step=trainer.global_step
                )

    def count(self, z: Tensor, total: int) -> None:
        """Count one batch: empty or not, collapsed or not.

        Raises:
            TrainingStopped: after 20 empty batches in a row, or for embeddings that are not finite.
        """
        if not torch.isfinite(z).all():
            raise TrainingStopped(
                "embeddings are not finite: training diverged. Lower optimizer.lr or set "
                "trainer.gradient_clip=1"
            )
        counts = self.counts
        counts["empty"] += total == 0
        counts["empty_in_row"] = counts["empty_in_row"] + 1 if total == 0 else 0
        if counts["empty_in_row"] >= EMPTY_LIMIT:
            raise TrainingStopped(
                f"{EMPTY_LIMIT} batches in a row held no pair or triplet that the loss could use. "
                "Raise sampler.classes_per_batch or sampler.samples_per_class, or use "
                "loss.mining=all with miner=none"
            )
        spread = float(torch.pdist(z.float()).max()) if len(z) > 1 else 1.0
        collapsed = spread < COLLAPSE_DISTANCE
        counts["collapsed_in_row"] = counts["collapsed_in_row"] + 1 if collapsed else 0
        if counts["collapsed_in_row"] == COLLAPSE_STEPS:
            counts["collapses"] += 1
            log.warning(
                "all distances below %s for %d steps: lower optimizer.lr or use "
                "loss.mining=semihard",
                COLLAPSE_DISTANCE,
                COLLAPSE_STEPS,
            )

    def state_dict(self) -> dict[str, Any]:
        """The counters."""
        return dict(self.counts)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the counters."""
        self.counts = {k: int(state_dict[k]) for k in self.counts}
