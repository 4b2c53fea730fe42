"""One fit that can be killed and resumed at any step."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from simlearn.data.datamodule import VideoDataModule
from simlearn.data.video_source import data_fingerprint
from simlearn.learners.health import BatchHealth
from simlearn.learners.metric import MetricLearner
from simlearn.losses.base import grows
from simlearn.tasks.metric_parts import MetricParts
from simlearn.tasks.run_context import RunContext
from simlearn.tasks.validation import ValidateRetrieval
from simlearn.trainer.checkpoint import (
    FORMAT_VERSION,
    KEY,
    AtomicCheckpointIO,
    Checkpointer,
    CheckpointError,
    check_fingerprint,
    model_fingerprint,
    read_checkpoint,
)
from simlearn.trainer.factory import TrainerSettings, make_trainer
from simlearn.trainer.interrupt import StopFlag, stop_signals
from simlearn.trainer.member import ALONE, Member
from simlearn.trainer.processes import Job, follow, lead
from simlearn.trainer.progress import ProgressLine, TrainingProgress

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StartingPoint:
    """Where training begins.

    Attributes:
        path: checkpoint to go on from, ``None`` for the beginning.
        epoch: first epoch.
        batch: number of that epoch's batches that were already used.
        step: optimiser steps already taken.
        facts: what the checkpoint says of its model and data.
    """

    path: Path | None = None
    epoch: int = 0
    batch: int = 0
    step: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict, compare=False)


def starting_point(run: RunContext) -> StartingPoint:
    """The last checkpoint of a resumed run; the beginning where there is none yet.

    Raises:
        CheckpointError: the checkpoint is damaged or from a newer version.
    """
    path = run.checkpoints / "last.ckpt"
    if not run.resume or not path.exists():
        return StartingPoint()
    state = read_checkpoint(path)[KEY]
    return StartingPoint(path, state["epoch"], state["batch"], state["step"], state["facts"])


def checkpoint_facts(learner: MetricLearner, data: VideoDataModule) -> dict[str, Any]:
    """What a checkpoint and the run that goes on from it must have in common."""
    return {
        "model": model_fingerprint(learner.state_dict()),
        "data": data.data.fingerprint,
        "training identities": data_fingerprint(data.data.splits["train"]),
    }


def check_start(learner: MetricLearner, data: VideoDataModule, start: StartingPoint) -> None:
    """Compare the checkpoint that a run goes on from with the model and the data that are there.

    Raises:
        CheckpointError: they differ; says in what.
    """
    if start.path is not None:
        check_fingerprint(start.facts, checkpoint_facts(learner, data), start.path)


def fit(
    learner: MetricLearner,
    data: VideoDataModule,
    parts: MetricParts,
    run: RunContext,
    start: StartingPoint,
    line: ProgressLine,
    *,
    callbacks: Sequence[pl.Callback] = (),
    job: Job | None = None,
) -> dict[str, float | int | str]:
    """Train; the learner holds the last weights afterwards.

    Args:
        learner: what is trained.
        data: its batches, beginning where ``start`` says.
        parts: settings of trainer, validation and logs.
        run: folder and seed.
        start: see :func:`starting_point`.
        line: where progress is shown.
        callbacks: further callbacks of the trainer.
        job: given in a process that rank 0 started: it takes part and writes nothing. Without
            it this is rank 0, which starts the others for ``trainer.devices`` above 1.

    Returns:
        Facts about the training by name.

    Raises:
        Interrupted: a signal asked to stop; the state is saved.
        CheckpointError: the checkpoint belongs to another model or other data.
        ChildProcessError: one of several processes failed.
    """
    check_start(learner, data, start)
    health = BatchHealth(parts.trainer.log_every)
    parts_of_fit: list[pl.Callback] = [health, TrainingProgress(line), *callbacks]
    validated = bool(data.data.splits["val"])
    if job is not None:
        parts_of_fit = []
    elif validated:
        again = ProgressLine(line.stream, final=False)
        parts_of_fit.append(
            ValidateRetrieval(
                data,
                parts.protocol,
                every=parts.trainer.validate_every,
                progress=lambda done, total: again("validation", done, total),
            )
        )
    with stop_signals() as stop, _processes(parts, run, stop, job) as member:
        if job is None:
            tell_of_batch_norm(learner, parts.trainer)
        checkpoints = Checkpointer(
            run.checkpoints,
            facts=checkpoint_facts(learner, data),
            stop=stop,
            minutes=parts.trainer.checkpoint_minutes,
            every_steps=parts.trainer.checkpoint_steps,
            monitor="val/map_at_r" if validated else None,
            member=member,
        )
        after = start.step if run.resume else None
        trainer = make_trainer(
            parts.trainer,
            run_dir=run.run_dir,
            callbacks=[*parts_of_fit, checkpoints],
            loggers=parts.logs.build(run.run_dir, after=after) if job is None else [],
            member=member,
            some_unused=_learns(learner.loss),
        )
        trainer.fit(learner, datamodule=data, ckpt_path=start.path, weights_only=True)
    return {
        "steps": trainer.global_step,
        "batches_per_epoch": len(data.sampler),
        "empty_batches": health.counts["empty"],
        "collapse_warnings": health.counts["collapses"],
        "identities_with_fewer_clips_than_K": data.sampler.short_classes,
        "training_clips": len(data.train_set),
    }


def _processes(
    parts: MetricParts, run: RunContext, stop: StopFlag, job: Job | None
) -> AbstractContextManager[Member]:
    """The processes of a fit: this one alone, or as the first of several, or as another one."""
    if job is not None:
        return follow(job)
    if parts.trainer.devices == 1:
        return nullcontext(ALONE)
    return lead(
        world=parts.trainer.devices,
        device=parts.trainer.device,
        config=run.config,
        run_dir=run.run_dir,
        resume=run.resume,
        stop=stop,
    )


def _learns(loss: object) -> bool:
    """Whether a loss has parameters of its own, which a batch without a tuple does not reach."""
    return isinstance(loss, nn.Module) and any(p.requires_grad for p in loss.parameters())


def tell_of_batch_norm(learner: nn.Module, settings: TrainerSettings) -> None:
    """Say whose statistics the batch norms of a network see where several processes train it."""
    if settings.devices == 1 or not any(isinstance(m, _BatchNorm) for m in learner.modules()):
        return
    if settings.device == "gpu":
        log.warning("batch norm: statistics of the whole batch, over all %d GPUs", settings.devices)
    else:
        log.warning(
            "batch norm: each of the %d processes uses the statistics of its own part of the "
            "batch, so the result differs from one process's. On GPUs the whole batch's are used",
            settings.devices,
        )


def save_untrained(learner: MetricLearner, data: VideoDataModule, run: RunContext) -> None:
    """Write the weights of a run that takes no step as ``untrained.ckpt``, to be loaded."""
    header = {
        "format_version": FORMAT_VERSION,
        "epoch": 0,
        "batch": 0,
        "step": 0,
        "best": {},
        "facts": checkpoint_facts(learner, data),
    }
    content = {"state_dict": learner.state_dict(), KEY: header}
    AtomicCheckpointIO().save_checkpoint(content, run.checkpoints / "untrained.ckpt")


def load_best(learner: MetricLearner, run_dir: Path) -> str:
    """Load ``best.ckpt``, or ``last.ckpt`` where no validation chose one; returns its name.

    A run that took no step has ``untrained.ckpt``.

    Raises:
        CheckpointError: none is there, or it is of another model.
    """
    folder = run_dir / "checkpoints"
    names = ("best.ckpt", "last.ckpt", "untrained.ckpt")
    path = next((folder / n for n in names if (folder / n).exists()), folder / "last.ckpt")
    content = read_checkpoint(path)
    _take_classes(learner, content["state_dict"])
    model = {"model": model_fingerprint(learner.state_dict())}
    check_fingerprint(content[KEY]["facts"], model, path)
    state: dict[str, torch.Tensor] = content["state_dict"]
    try:
        learner.load_state_dict(state)
    except (RuntimeError, ValueError) as error:
        raise CheckpointError(f"{path}: {error}") from error
    return path.name


def _take_classes(learner: MetricLearner, state: Mapping[str, torch.Tensor]) -> None:
    """Give a loss that keeps something per class as many classes as the checkpoint has."""
    if not grows(learner.loss) or not isinstance(learner.loss, nn.Module):
        return
    own = {k.removeprefix("loss."): v for k, v in state.items() if k.startswith("loss.")}
    with suppress(RuntimeError, ValueError):  # another loss altogether: the fingerprint tells
        learner.loss.load_state_dict(own)
