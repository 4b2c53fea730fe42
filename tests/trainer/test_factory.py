"""The one factory: devices, precision, lengths, and the mistakes it names."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
import torch
from pytorch_lightning.callbacks import Checkpoint

import simlearn
from simlearn.trainer import TrainerSettings, make_trainer
from simlearn.trainer.checkpoint import AtomicCheckpointIO, Checkpointer
from simlearn.trainer.csv_log import CSVLog
from simlearn.trainer.factory import check_machine, choose_device, choose_precision


def test_a_trainer_is_made_in_one_place():
    package = Path(simlearn.__file__).parent
    files = sorted(package.rglob("*.py"))
    found = [
        (str(f.relative_to(package)), text)
        for f in files
        for text in re.findall(r"\bTrainer\(", f.read_text())
    ]
    assert len(files) > 80
    assert found == [("trainer/factory.py", "Trainer(")]


@pytest.mark.parametrize(
    ("precision", "device", "bf16", "name"),
    [
        ("auto", "cpu", True, "32-true"),
        ("auto", "gpu", True, "bf16-mixed"),
        ("auto", "gpu", False, "32-true"),
        ("fp32", "gpu", True, "32-true"),
        ("bf16", "cpu", False, "bf16-mixed"),
        ("fp16", "gpu", False, "16-mixed"),
    ],
)
def test_precision(monkeypatch, precision, device, bf16, name):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (8 if bf16 else 7, 5))
    assert choose_precision(precision, device) == name


@pytest.mark.parametrize(
    ("accelerator", "there", "device"),
    [
        ("auto", False, "cpu"),
        ("auto", True, "gpu"),
        ("cpu", True, "cpu"),
        ("cpu", False, "cpu"),
        ("gpu", True, "gpu"),
    ],
)
def test_device(monkeypatch, accelerator, there, device):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert choose_device(accelerator) == device
    assert TrainerSettings(accelerator=accelerator, max_steps=1).device == device


def test_no_gpu_says_what_to_do(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="sees no CUDA device. Use trainer=cpu") as error:
        choose_device("gpu")
    assert "python -m simlearn doctor" in str(error.value)


@pytest.mark.parametrize(
    ("accelerator", "devices", "there", "message"),
    [
        ("gpu", 3, 2, r"trainer\.devices is 3 and PyTorch sees 2 CUDA devices\. Use trainer\.de"),
        ("auto", 2, 1, r"PyTorch sees 1 CUDA device\. Use trainer\.devices=1, or trainer=cpu, wh"),
        ("gpu", 1, 0, "sees no CUDA device"),
        ("gpu", 2, 2, None),
        ("auto", 9, 0, None),
        ("cpu", 9, 1, None),
    ],
)
def test_devices_that_are_not_there(monkeypatch, accelerator, devices, there, message):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: there)
    settings = TrainerSettings(accelerator=accelerator, devices=devices, max_steps=1)
    if message is None:
        check_machine(settings)
    else:
        with pytest.raises(ValueError, match=message):
            check_machine(settings)


def test_torchrun_is_refused(monkeypatch):
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    with pytest.raises(
        ValueError, match=r"started by torchrun.*with trainer\.devices=N; it starts"
    ):
        check_machine(TrainerSettings(accelerator="cpu", max_steps=1))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, r"give trainer\.max_epochs or trainer\.max_steps"),
        ({"max_epochs": -1}, r"trainer\.max_epochs is -1, must not be negative"),
        ({"max_steps": -1}, r"trainer\.max_steps is -1"),
        ({"max_steps": 1, "workers": -2}, r"trainer\.workers is -2"),
        ({"max_steps": 1, "checkpoint_steps": -2}, r"trainer\.checkpoint_steps is -2"),
        ({"max_steps": 1, "threads": -1}, r"trainer\.threads is -1"),
        ({"max_steps": 1, "validate_every": 0}, r"trainer\.validate_every is 0, must be at least"),
        ({"max_steps": 1, "log_every": 0}, r"trainer\.log_every is 0, must be at least 1"),
        ({"max_steps": 1, "devices": 0}, r"trainer\.devices is 0, must be at least 1"),
        ({"max_steps": 1, "gradient_clip": -1.0}, r"trainer\.gradient_clip is -1\.0"),
        ({"max_steps": 1, "gradient_clip": math.nan}, r"trainer\.gradient_clip is nan"),
        ({"max_steps": 1, "checkpoint_minutes": -1.0}, r"trainer\.checkpoint_minutes is -1\.0"),
    ],
)
def test_mistakes_are_named(values, message):
    with pytest.raises(ValueError, match=message):
        TrainerSettings(**values)


def test_whether_there_is_a_step_to_take():
    assert TrainerSettings(max_epochs=1).trains
    assert TrainerSettings(max_steps=1).trains
    assert not TrainerSettings(max_epochs=0).trains
    assert not TrainerSettings(max_steps=0).trains
    assert not TrainerSettings(max_epochs=0, max_steps=5).trains


def made(folder, **values):
    settings = TrainerSettings(accelerator="cpu", **values)
    checkpointer, log = Checkpointer(folder, facts={}), CSVLog(folder)
    trainer = make_trainer(settings, run_dir=folder, callbacks=[checkpointer], loggers=[log])
    return trainer, checkpointer, log


def test_settings_reach_the_trainer(tmp_path):
    trainer, checkpointer, log = made(tmp_path, max_epochs=3, log_every=7, gradient_clip=0.5)
    assert (trainer.max_epochs, trainer.max_steps) == (3, -1)
    assert trainer.gradient_clip_val == 0.5
    assert trainer.log_every_n_steps == 7
    assert trainer.precision == "32-true"
    assert trainer.num_devices == 1
    assert trainer.loggers == [log]
    assert isinstance(trainer.strategy.checkpoint_io, AtomicCheckpointIO)
    assert [c for c in trainer.callbacks if isinstance(c, Checkpoint)] == [checkpointer]


def test_steps_without_epochs_and_no_clipping(tmp_path):
    trainer, _, _ = made(tmp_path, max_steps=11, precision="bf16")
    assert (trainer.max_epochs, trainer.max_steps) == (-1, 11)
    assert trainer.gradient_clip_val is None
    assert trainer.precision == "bf16-mixed"
    assert made(tmp_path, max_epochs=2, max_steps=11)[0].max_epochs == 2


def test_a_fast_run_takes_two_steps(tmp_path):
    trainer, _, _ = made(tmp_path, max_epochs=30, max_steps=1000, fast_dev_run=True)
    assert trainer.max_steps == 2
