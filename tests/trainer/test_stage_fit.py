"""One stage of a run: resumed at any step it ends the same; another stage's state is not read."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch
from torch import nn
from torch.utils.data import DataLoader

from simlearn.trainer.checkpoint import KEY, CheckpointError, read_checkpoint
from simlearn.trainer.csv_log import read_csv_log
from simlearn.trainer.factory import TrainerSettings
from simlearn.trainer.interrupt import Interrupted, StopFlag
from simlearn.trainer.logs import Logs
from simlearn.trainer.progress import ProgressLine
from simlearn.trainer.stage_fit import Stage, fit_stage

STEPS = 12
PER_EPOCH = 4


class Line(ProgressLine):
    """Shows nothing; sets the stop flag after a step."""

    def __init__(self, stop=None, after=None):
        super().__init__()
        self.stop, self.after, self.labels = stop, after, set()

    def __call__(self, what, done, total, note=None):
        self.labels.add((what, total))
        if done == self.after:
            self.stop.signal = "SIGTERM"


class Regression(pl.LightningModule):
    """Noise on every step comes from the step's number."""

    def __init__(self, seed=0):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.net = nn.Linear(3, 1)
        self.seen = []

    def training_step(self, batch, batch_idx):
        self.seen.append((self.current_epoch, int(batch)))
        g = torch.Generator().manual_seed(1000 * self.current_epoch + int(batch))
        x = torch.randn(8, 3, generator=g)
        loss = (self.net(x) - x.sum(1, keepdim=True)).square().mean()
        for logger in self.loggers:
            logger.log_metrics({"train/loss": float(loss.detach())}, step=self.global_step + 1)
        return {"loss": loss}

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=0.05)


@dataclass
class Case:
    """A folder and how its stage is."""

    folder: Path
    number: int = 0
    facts: dict = field(default_factory=lambda: {"data": "d1"})
    after: int | None = None
    trainer: dict = field(default_factory=dict)

    def fit(self, module=None):
        logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
        stop, self.module = StopFlag(), module or Regression()
        self.line = Line(stop, self.after)
        values = {"accelerator": "cpu", "max_steps": STEPS, "log_every": 1, **self.trainer}
        stage = Stage(
            kind="lesson",
            number=self.number,
            label=f"lesson {self.number + 1}",
            folder=self.folder,
            log_folder=self.folder / "logs" / str(self.number),
            logs=Logs(tensorboard=False),
            trainer=TrainerSettings(**values),
            facts=self.facts,
            stop=stop,
            line=self.line,
        )
        self.checkpoint = stage.checkpoint
        return fit_stage(self.module, loader, stage)


def loader(position):
    """Four batches an epoch, from the place where the epoch was left."""
    return DataLoader(range(PER_EPOCH), sampler=Rest(position[1]), batch_size=None)


class Rest(torch.utils.data.Sampler):
    def __init__(self, start):
        self.start = start

    def __len__(self):
        return PER_EPOCH

    def __iter__(self):
        self.start, start = 0, self.start  # the epochs that follow are whole
        return iter(range(start, PER_EPOCH))


def weights(case):
    return torch.cat([p.detach().flatten() for p in case.module.parameters()])


def log(case):
    return read_csv_log(case.folder / "logs" / str(case.number) / "metrics.csv")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    case = Case(tmp_path_factory.mktemp("whole"))
    assert case.fit() == STEPS
    return case


def test_a_stage_from_begin_to_end(whole):
    assert whole.module.seen == [(e, b) for e in range(3) for b in range(PER_EPOCH)]
    assert whole.line.labels == {("lesson 1", STEPS)}
    assert [step for step, _, _ in log(whole)] == list(range(1, STEPS + 1))
    assert not whole.checkpoint.exists()  # epochs of a stage are not saved: they may be short
    assert whole.checkpoint == whole.folder / "checkpoints" / "lesson.ckpt"
    assert not torch.equal(
        weights(whole), torch.cat([p.flatten() for p in Regression().parameters()])
    )


@pytest.mark.parametrize("step", [1, 3, 4, 5, 8, 11])
def test_interrupted_after_any_step_and_resumed(whole, tmp_path, step):
    case = Case(tmp_path, after=step)
    with pytest.raises(Interrupted, match=f"stopped by SIGTERM after step {step}"):
        case.fit()
    header = read_checkpoint(case.checkpoint)[KEY]
    assert (header["step"], header["facts"]["lesson"]) == (step, 0)
    assert (header["epoch"], header["batch"]) == divmod(step, PER_EPOCH)
    case.after = None
    assert case.fit() == STEPS
    assert case.module.seen == whole.module.seen[step:]
    assert torch.equal(weights(case), weights(whole))
    assert log(case) == log(whole)


def test_asked_to_stop_in_its_last_step_it_is_complete(whole, tmp_path):
    case = Case(tmp_path, after=STEPS)
    assert case.fit() == STEPS
    assert torch.equal(weights(case), weights(whole))


@pytest.mark.parametrize("every", [1, 3, 4, 5])
def test_checkpoints_every_few_steps(whole, tmp_path, every):
    """Killed at the very end, when the last of them is there: what is left is done again."""
    case = Case(tmp_path, trainer={"checkpoint_steps": every})
    case.fit()
    assert torch.equal(weights(case), weights(whole))
    saved = read_checkpoint(case.checkpoint)[KEY]["step"]
    assert saved == STEPS // every * every
    again = Case(tmp_path)
    assert again.fit() == STEPS
    assert again.module.seen == whole.module.seen[saved:]
    assert torch.equal(weights(again), weights(whole)) and log(again) == log(whole)


def test_checkpoints_by_the_clock(tmp_path):
    case = Case(tmp_path, trainer={"checkpoint_minutes": 0.0})
    case.fit()
    assert read_checkpoint(case.checkpoint)[KEY]["step"] == STEPS


def test_epochs_may_end_a_stage(whole, tmp_path):
    case = Case(tmp_path, trainer={"max_steps": None, "max_epochs": 3}, after=6)
    with pytest.raises(Interrupted):
        case.fit()
    case.after = None
    assert case.fit() == STEPS and torch.equal(weights(case), weights(whole))


def test_the_checkpoint_of_another_stage_is_not_read(whole, tmp_path):
    first = Case(tmp_path, after=5)
    with pytest.raises(Interrupted):
        first.fit()
    second = Case(tmp_path, number=1)
    assert second.fit() == STEPS
    assert second.module.seen == whole.module.seen and torch.equal(weights(second), weights(whole))


def test_logs_of_a_stage_that_was_begun_without_a_checkpoint_are_begun_again(whole, tmp_path):
    case = Case(tmp_path, after=5)
    with pytest.raises(Interrupted):
        case.fit()
    case.checkpoint.unlink()
    case.after = None
    case.fit()
    assert log(case) == log(whole)


def test_other_facts_are_refused(tmp_path):
    case = Case(tmp_path, after=5)
    with pytest.raises(Interrupted):
        case.fit()
    before = case.checkpoint.read_bytes()
    other = Case(tmp_path, facts={"data": "d2"})
    with pytest.raises(
        CheckpointError, match=r"lesson\.ckpt: was written with another data \(d1 t"
    ):
        other.fit()

    class Wide(Regression):
        def __init__(self):
            super().__init__()
            self.net = nn.Linear(4, 1)

    with pytest.raises(
        CheckpointError, match=r"another model \(net\.weight: \(1, 3\) there, \(1, 4"
    ):
        Case(tmp_path).fit(Wide())
    assert case.checkpoint.read_bytes() == before and other.module.seen == []


@pytest.mark.parametrize("keep", [0, 100, -1])
def test_a_damaged_checkpoint(tmp_path, keep):
    case = Case(tmp_path, after=5)
    with pytest.raises(Interrupted):
        case.fit()
    case.checkpoint.write_bytes(case.checkpoint.read_bytes()[:keep])
    with pytest.raises(
        CheckpointError, match=r"delete lesson\.ckpt to go on from the last complete l"
    ):
        Case(tmp_path).fit()
    case.checkpoint.unlink()
    assert Case(tmp_path).fit() == STEPS
