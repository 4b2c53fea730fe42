"""Losses of a lesson in its logs, written before the step is."""

from __future__ import annotations

from collections.abc import Mapping

import pytorch_lightning as pl
from torch import Tensor


def log_step(learner: pl.LightningModule, values: Mapping[str, Tensor]) -> None:
    """Write losses of the step that is being taken, every ``trainer.log_every`` steps.

    Steps count from 1, and the row is there before a checkpoint of the step can be: a run that is
    stopped or killed and resumed has every row once. Lightning's own ``log`` counts from 0 and
    writes after the checkpoint.

    Args:
        learner: in its ``training_step``.
        values: name -> loss.
    """
    if not learner.loggers:
        return
    step = learner.global_step + 1
    if step % learner.trainer.log_every_n_steps == 0:  # type: ignore[attr-defined]
        figures = {f"train/{name}": float(value.detach()) for name, value in values.items()}
        for logger in learner.loggers:
            logger.log_metrics(figures, step=step)
