"""Losses in the logs: every so many steps, counted from 1, before the step is taken."""

from __future__ import annotations

import pytest
import pytorch_lightning as pl
import torch
from torch import nn

from simlearn.analysis.step_loader import step_loader
from simlearn.analysis.step_log import log_step
from simlearn.trainer.csv_log import CSVLog, read_csv_log


class Learner(pl.LightningModule):
    """Its loss is the number of the step, from 1."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.zeros(1))

    def training_step(self, batch, batch_idx):
        loss = self.w.sum() * 0 + batch + 1
        log_step(self, {"loss": loss, "twice": 2 * loss})
        return {"loss": loss}

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


@pytest.mark.parametrize(("every", "steps"), [(1, [1, 2, 3, 4, 5, 6, 7]), (3, [3, 6]), (10, [])])
def test_rows(tmp_path, every, steps):
    pl.Trainer(
        accelerator="cpu",
        max_steps=7,
        log_every_n_steps=every,
        logger=[CSVLog(tmp_path)],
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    ).fit(Learner(), step_loader(lambda step: step, 7))
    assert read_csv_log(tmp_path / "metrics.csv") == [
        row for s in steps for row in ((s, "train/loss", float(s)), (s, "train/twice", 2.0 * s))
    ]


def test_without_a_trainer_nothing_is_written():
    assert float(Learner().training_step(4, 0)["loss"]) == 5.0
