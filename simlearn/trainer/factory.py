"""The one place where a Lightning Trainer is made."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers import Logger

from simlearn.trainer.checkpoint import AtomicCheckpointIO
from simlearn.trainer.member import ALONE, Member, RunningProcesses

Accelerator = Literal["cpu", "gpu", "auto"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]


def choose_precision(precision: Precision, device: str) -> str:
    """Lightning's name of a precision; "auto" is bf16 where a GPU has it and 32 bits elsewhere."""
    if precision == "auto":
        return "bf16-mixed" if device == "gpu" and _native_bf16() else "32-true"
    return {"fp32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}[precision]


def _native_bf16() -> bool:
    """Cards before Ampere only emulate bf16, slower than float32."""
    return torch.cuda.get_device_capability()[0] >= 8


def choose_device(accelerator: Accelerator) -> str:
    """``"cpu"`` or ``"gpu"``.

    Raises:
        ValueError: a GPU is asked for and PyTorch sees none.
    """
    available = torch.cuda.is_available()
    if accelerator == "gpu" and not available:
        raise ValueError(
            "trainer.accelerator is gpu and PyTorch sees no CUDA device. Use trainer=cpu, or look "
            "at `python -m simlearn doctor`"
        )
    return "gpu" if available and accelerator != "cpu" else "cpu"


def check_machine(settings: TrainerSettings) -> None:
    """Look whether there are the devices that are asked for.

    Raises:
        ValueError: a GPU is asked for and PyTorch sees none, or more GPUs than it sees; or
            ``torchrun`` started the process, each of which would be a run of its own.
    """
    if "TORCHELASTIC_RUN_ID" in os.environ:
        raise ValueError(
            "started by torchrun, so that every process would do the whole run: start one process, "
            "python -m simlearn.train, with trainer.devices=N; it starts the others"
        )
    device, there = choose_device(settings.accelerator), torch.cuda.device_count()
    if device == "gpu" and settings.devices > there:
        raise ValueError(
            f"trainer.devices is {settings.devices} and PyTorch sees {there} CUDA "
            f"device{'s' * (there > 1)}. Use trainer.devices={there}, or trainer=cpu, where "
            "devices are processes"
        )


@dataclass(frozen=True, kw_only=True)
class TrainerSettings:
    """How long and on what to train.

    Args:
        accelerator: "cpu", "gpu" or "auto".
        devices: processes that train the one model, each on a GPU of its own or, on the CPU, with
            its share of the threads. They split every batch; the whole batch's loss is the same.
        precision: "auto", "fp32", "bf16" or "fp16" (both mixed).
        max_epochs: epochs; 0 evaluates the untrained network; ``None`` leaves it to max_steps.
        max_steps: optimiser steps; ``None`` leaves it to max_epochs.
        workers: loading processes.
        validate_every: epochs between two validations.
        log_every: steps between two logged rows.
        checkpoint_minutes: longest time between two checkpoints.
        checkpoint_steps: also a checkpoint after every so many steps; 0 for never.
        gradient_clip: largest norm of the gradient; 0 for none.
        threads: threads of PyTorch on the CPU, of all processes together; 0 leaves PyTorch's
            choice.
        fast_dev_run: two steps and an evaluation of a few identities, to see that all works.
    """

    accelerator: Accelerator = "auto"
    devices: int = 1
    precision: Precision = "auto"
    max_epochs: int | None = None
    max_steps: int | None = None
    workers: int = 0
    validate_every: int = 1
    log_every: int = 10
    checkpoint_minutes: float = 10.0
    checkpoint_steps: int = 0
    gradient_clip: float = 0.0
    threads: int = 0
    fast_dev_run: bool = False

    def __post_init__(self) -> None:
        if self.max_epochs is None and self.max_steps is None:
            raise ValueError("give trainer.max_epochs or trainer.max_steps")
        for name in ("max_epochs", "max_steps", "workers", "checkpoint_steps", "threads"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise ValueError(f"trainer.{name} is {value}, must not be negative")
        for name in ("gradient_clip", "checkpoint_minutes"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"trainer.{name} is {getattr(self, name)}, must not be negative")
        for name in ("devices", "validate_every", "log_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"trainer.{name} is {getattr(self, name)}, must be at least 1")

    @property
    def device(self) -> str:
        """``"cpu"`` or ``"gpu"``."""
        return choose_device(self.accelerator)

    @property
    def trains(self) -> bool:
        """Whether there is a step to take."""
        return self.max_epochs != 0 and self.max_steps != 0


def make_trainer(
    settings: TrainerSettings,
    *,
    run_dir: Path,
    callbacks: Sequence[pl.Callback],
    loggers: Sequence[Logger],
    member: Member = ALONE,
    some_unused: bool = False,
) -> pl.Trainer:
    """A Lightning Trainer for one fit.

    Args:
        settings: what the configuration says.
        run_dir: folder of the run.
        callbacks: in order; a checkpoint callback is run last by Lightning.
        loggers: where metrics go.
        member: which of the processes of the fit this is; all of them make a trainer.
        some_unused: a step may leave parameters without a gradient, as an empty batch does those
            of a loss; several processes must know.

    Raises:
        ValueError: the settings ask for several devices and the fit has one process.
    """
    if settings.devices != member.world:
        raise ValueError(
            f"trainer.devices is {settings.devices} and this fit has {member.world} process: only "
            "metric learning trains in several. Use trainer.devices=1"
        )
    gpu = settings.device == "gpu"
    steps = settings.max_steps
    if settings.fast_dev_run:
        steps = 2 if steps is None else min(2, steps)
    several = RunningProcesses(member, some_unused=some_unused) if member.world > 1 else None
    return pl.Trainer(
        accelerator="cuda" if gpu else "cpu",
        devices=member.world,
        strategy=several or "auto",
        sync_batchnorm=gpu and member.world > 1,
        precision=choose_precision(settings.precision, settings.device),  # type: ignore[arg-type]
        max_epochs=-1 if settings.max_epochs is None else settings.max_epochs,
        max_steps=-1 if steps is None else steps,
        gradient_clip_val=settings.gradient_clip or None,
        default_root_dir=run_dir,
        callbacks=list(callbacks),
        logger=list(loggers),
        plugins=[AtomicCheckpointIO()],
        log_every_n_steps=settings.log_every,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        num_sanity_val_steps=0,
        enable_checkpointing=True,
    )
