"""A process alone, and what Lightning is told of several; more in test_processes.py."""

from __future__ import annotations

import pytest
import torch

from simlearn.trainer import TrainerSettings, make_trainer
from simlearn.trainer.checkpoint import AtomicCheckpointIO
from simlearn.trainer.member import ALONE, Member, RunningProcesses


def test_alone_one_agrees_with_oneself():
    assert Member(rank=0, world=1) == ALONE
    assert [ALONE.agree(v) for v in (0, 5)] == [0, 5]


def test_a_trainer_for_processes_that_run_already(tmp_path):
    settings = TrainerSettings(accelerator="cpu", devices=2, max_steps=1)
    options = {"run_dir": tmp_path, "callbacks": [], "loggers": []}
    trainer = make_trainer(settings, **options, member=Member(rank=0, world=2))
    assert isinstance(trainer.strategy, RunningProcesses)
    assert trainer.strategy.launcher is None
    assert not trainer.strategy._ddp_kwargs["find_unused_parameters"]
    with_loss = make_trainer(settings, **options, member=Member(0, 2), some_unused=True)
    assert with_loss.strategy._ddp_kwargs["find_unused_parameters"]
    assert (trainer.world_size, trainer.global_rank, trainer.num_devices) == (2, 0, 2)
    assert isinstance(trainer.strategy.checkpoint_io, AtomicCheckpointIO)
    assert not torch.distributed.is_initialized()
    text = r"trainer\.devices is 2 and this fit has 1 process: only metric learning trains in"
    with pytest.raises(ValueError, match=text):
        make_trainer(settings, **options)
