"""Validation inside a fit: retrieval among the validation identities after an epoch."""

from __future__ import annotations

from collections.abc import Callable

import pytorch_lightning as pl
import torch

from simlearn.data.datamodule import VideoDataModule
from simlearn.evaluation.protocol import VideoRetrieval
from simlearn.tasks.video_ranking import rank_videos


class ValidateRetrieval(pl.Callback):
    """Logs ``val/map_at_r`` and ``val/recall_at_1``; the first decides on ``best.ckpt``.

    Args:
        data: with videos in its validation split.
        protocol: how videos are compared.
        every: epochs between two validations; the last epoch is always validated.
        progress: called with (batches done, batches in all).
    """

    def __init__(
        self,
        data: VideoDataModule,
        protocol: VideoRetrieval,
        *,
        every: int,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self.data, self.protocol, self.every, self.progress = data, protocol, every, progress

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Validate if it is time."""
        trainer.callback_metrics.pop("val/map_at_r", None)
        if (trainer.current_epoch + 1) % self.every and not _last_epoch(trainer):
            return
        ranking = rank_videos(
            pl_module,
            self.data,
            "val",
            self.protocol,
            device=pl_module.device,
            progress=self.progress,
        )
        means = {k: float(v.mean()) for k, v in ranking.results.values((1,)).items()}
        figures = {f"val/{name}": means[name] for name in ("map_at_r", "recall_at_1")}
        for logger in trainer.loggers:
            logger.log_metrics(figures, step=trainer.global_step)
        trainer.callback_metrics["val/map_at_r"] = torch.tensor(figures["val/map_at_r"])


def _last_epoch(trainer: pl.Trainer) -> bool:
    return trainer.global_step >= int(trainer.estimated_stepping_batches)
