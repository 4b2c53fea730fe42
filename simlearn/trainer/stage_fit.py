"""One stage of a run that trains several times: a fresh trainer, resumable at any step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytorch_lightning as pl

from simlearn.trainer.checkpoint import (
    KEY,
    Checkpointer,
    CheckpointError,
    check_fingerprint,
    model_fingerprint,
    read_checkpoint,
)
from simlearn.trainer.factory import TrainerSettings, make_trainer
from simlearn.trainer.interrupt import StopFlag
from simlearn.trainer.logs import Logs
from simlearn.trainer.progress import ProgressLine, TrainingProgress


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What a stage is called and where it leaves its traces.

    Attributes:
        kind: "experience", say: its checkpoint is ``checkpoints/<kind>.ckpt``.
        number: from 0; a checkpoint of another stage is not read.
        label: its name in the progress line.
        folder: of the run.
        log_folder: gets the logs of this stage.
        logs: which.
        trainer: epochs and steps count per stage.
        facts: what a resumed run must have in common, beside the model.
        stop: asked after every step.
        line: where progress is shown.
    """

    kind: str
    number: int
    label: str
    folder: Path
    log_folder: Path
    logs: Logs
    trainer: TrainerSettings
    facts: Mapping[str, Any]
    stop: StopFlag
    line: ProgressLine

    @property
    def checkpoint(self) -> Path:
        """The checkpoint inside a stage."""
        return self.folder / "checkpoints" / f"{self.kind}.ckpt"


def fit_stage(
    module: pl.LightningModule,
    loader: Callable[[tuple[int, int]], Any],
    stage: Stage,
    *,
    callbacks: Sequence[pl.Callback] = (),
) -> int:
    """Train one stage; the module holds the last weights afterwards.

    A checkpoint is written every ``trainer.checkpoint_minutes`` and ``checkpoint_steps``; that of
    another stage is not read.

    Args:
        module: what is trained.
        loader: gives the batches that follow (epoch, batches of it already used).
        stage: see :class:`Stage`.
        callbacks: run before those for progress and checkpoints.

    Returns:
        Optimiser steps taken, those before an interruption included.

    Raises:
        Interrupted: a signal asked to stop; the state is saved.
        CheckpointError: the checkpoint belongs to another model or other data.
    """
    facts = {**stage.facts, "model": model_fingerprint(module.state_dict())}
    start, position = None, (0, 0)
    after = 0 if stage.log_folder.exists() else None
    found = _checkpoint_of(stage)
    if found is not None:
        check_fingerprint(found["facts"], facts, stage.checkpoint)
        start, position = stage.checkpoint, (found["epoch"], found["batch"])
        after = found["step"]
    checkpoints = _StageCheckpoints(
        stage.checkpoint.parent,
        facts={**facts, stage.kind: stage.number},
        stop=stage.stop,
        minutes=stage.trainer.checkpoint_minutes,
        every_steps=stage.trainer.checkpoint_steps,
    )
    checkpoints.name = stage.kind
    trainer = make_trainer(
        stage.trainer,
        run_dir=stage.folder,
        callbacks=[*callbacks, TrainingProgress(stage.line, stage.label), checkpoints],
        loggers=stage.logs.build(stage.log_folder, after=after),
    )
    batches = loader(position)
    trainer.fit(module, train_dataloaders=batches, ckpt_path=start, weights_only=True)
    return int(trainer.global_step)


class _StageCheckpoints(Checkpointer):
    """Writes ``<kind>.ckpt``, which the end of the stage supersedes.

    Epochs of a stage may be a few steps long: their ends are saved only when it is time.
    """

    name = "stage"

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Save if it is time or if a signal asks to stop."""
        self.position = (trainer.current_epoch + 1, 0)
        if self.due(trainer) or self.stop.signal:
            self._save(trainer, "last")
        self._leave_if(self.stop.signal is not None, trainer)

    def _save(self, trainer: Any, name: str) -> None:
        super()._save(trainer, self.name)


def _checkpoint_of(stage: Stage) -> dict[str, Any] | None:
    """The header of a checkpoint inside this stage; none of an earlier one counts."""
    if not stage.checkpoint.exists():
        return None
    try:
        header: dict[str, Any] = read_checkpoint(stage.checkpoint)[KEY]
    except CheckpointError as error:
        raise CheckpointError(
            f"{error} (delete {stage.checkpoint.name} to go on from the last complete {stage.kind})"
        ) from error
    return header if header["facts"].get(stage.kind) == stage.number else None
