"""When checkpoints are written: epochs, steps, minutes, the best one, and on a wish to stop."""

from __future__ import annotations

import signal
from types import SimpleNamespace

import pytest
import pytorch_lightning as pl
import torch

from simlearn.learners import AdamW, TripletNetwork
from simlearn.trainer import TrainerSettings, checkpoint, make_trainer
from simlearn.trainer.checkpoint import (
    FORMAT_VERSION,
    KEY,
    AtomicCheckpointIO,
    Checkpointer,
    read_checkpoint,
)
from simlearn.trainer.interrupt import Interrupted, StopFlag, stop_signals
from simlearn.trainer.member import Member
from tests.learners.test_metric import batches, network

FACTS = {"model": {"a": "(4, 3)"}, "data": "abc", "number of classes": 4}


class Each(pl.Callback):
    """Calls functions after a batch and at an epoch's end, before the checkpoint is thought of."""

    def __init__(self, batch=lambda trainer: None, epoch=lambda trainer: None):
        self.batch, self.epoch = batch, epoch

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        self.batch(trainer)

    def on_train_epoch_end(self, trainer, pl_module):
        self.epoch(trainer)


@pytest.fixture
def saves(monkeypatch):
    """(name, step, epoch, batch) of every checkpoint that is written."""
    made, write_ = [], AtomicCheckpointIO.save_checkpoint

    def keep(self, what, path, storage_options=None):
        header = what[KEY]
        made.append((path.name[:4], header["step"], header["epoch"], header["batch"]))
        write_(self, what, path, storage_options)

    monkeypatch.setattr(AtomicCheckpointIO, "save_checkpoint", keep)
    return made


def fit(folder, each=None, *, epochs=2, count=5, **how):
    """Epochs of ``count`` steps with a checkpointer."""
    learner = TripletNetwork(*network(), optimizer=AdamW())
    checkpointer = Checkpointer(folder, facts=FACTS, **how)
    trainer = make_trainer(
        TrainerSettings(accelerator="cpu", max_epochs=epochs),
        run_dir=folder,
        callbacks=[each or Each(), checkpointer],
        loggers=[],
    )
    trainer.fit(learner, torch.utils.data.DataLoader(batches(count), batch_size=None))
    return learner, checkpointer


def test_one_at_every_epochs_end(tmp_path, saves):
    learner, _ = fit(tmp_path)
    assert saves == [("last", 5, 1, 0), ("last", 10, 2, 0)]
    found = read_checkpoint(tmp_path / "last.ckpt")
    assert found[KEY]["facts"] == FACTS
    assert found[KEY]["format_version"] == FORMAT_VERSION
    assert len(found["state_dict"]) == 6
    for name, value in learner.state_dict().items():
        assert torch.equal(value, found["state_dict"][name])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["last.ckpt"]


def test_one_every_few_steps(tmp_path, saves):
    fit(tmp_path, every_steps=2)
    steps = [("last", 2, 0, 2), ("last", 4, 0, 4), ("last", 5, 1, 0)]
    assert saves == [*steps, ("last", 6, 1, 1), ("last", 8, 1, 3), ("last", 10, 2, 0)]


def test_one_every_few_minutes(tmp_path, saves, monkeypatch):
    """40 seconds a step, a minute at most: after the second step and two steps after each."""
    now = [0.0]
    monkeypatch.setattr(checkpoint, "time", SimpleNamespace(monotonic=lambda: now[0]))

    def tick(trainer):
        now[0] += 40

    fit(tmp_path, Each(batch=tick), count=8, epochs=1, minutes=1.0)
    assert [step for _, step, _, _ in saves] == [2, 4, 6, 8]


def scored(values):
    def score(trainer):
        metrics = trainer.callback_metrics
        metrics.pop("val/map_at_r", None)
        value = values[trainer.current_epoch]
        if value is not None:
            metrics["val/map_at_r"] = torch.tensor(value)

    return Each(epoch=score)


@pytest.mark.parametrize(
    ("values", "best"),
    [
        ([0.25, 0.5, 0.5, 0.375], 1),  # the earlier one on a tie
        ([0.5, 0.25, 0.75, float("nan")], 2),
        ([float("nan"), 0.0, None, 0.0], 1),
        ([None, None, 0.25, None], 2),
    ],
)
def test_the_best_epoch_and_the_earlier_one_on_a_tie(tmp_path, saves, values, best):
    _, checkpointer = fit(tmp_path, scored(values), epochs=4, count=2, monitor="val/map_at_r")
    header = read_checkpoint(tmp_path / "best.ckpt")[KEY]
    assert (header["epoch"], header["step"]) == (best + 1, 2 * (best + 1))
    assert header["best"] == checkpointer.best == {"value": values[best], "epoch": float(best)}
    assert read_checkpoint(tmp_path / "last.ckpt")[KEY]["best"] == checkpointer.best


def test_killed_between_best_and_last_the_epoch_is_done_again(tmp_path, saves):
    """Written the other way round, a resumed run would believe in a best that is not there."""
    fit(tmp_path, scored([0.5, 0.75]), count=2, monitor="val/map_at_r")
    assert [name for name, *_ in saves] == ["best", "last"] * 2


def test_without_a_monitor_or_a_value_there_is_no_best(tmp_path):
    fit(tmp_path, scored([0.5, 0.75]), count=2)
    fit(tmp_path, scored([float("nan"), None]), count=2, monitor="val/map_at_r")
    assert [p.name for p in tmp_path.iterdir()] == ["last.ckpt"]


def stopped_at(step, flag):
    def stop(trainer):
        if trainer.global_step == step:
            flag.signal = "SIGTERM"

    return Each(batch=stop)


@pytest.mark.parametrize(("step", "place"), [(3, (0, 3)), (5, (1, 0)), (7, (1, 2))])
def test_asked_to_stop_it_saves_and_leaves(tmp_path, saves, step, place):
    flag = StopFlag()
    with pytest.raises(Interrupted, match=f"stopped by SIGTERM after step {step}"):
        fit(tmp_path, stopped_at(step, flag), stop=flag)
    assert saves[-1] == ("last", step, *place)


def test_asked_to_stop_at_the_last_step_there_is_nothing_to_go_on_with(tmp_path, saves):
    flag = StopFlag()
    fit(tmp_path, stopped_at(10, flag), stop=flag)
    assert saves[-1] == ("last", 10, 2, 0)


class Told(Member):
    """A process that is told by another one: it hears ``answers`` whatever it says."""

    def __init__(self, answers):
        super().__init__()
        object.__setattr__(self, "answers", iter(answers))

    def agree(self, value):
        assert value == 0
        return next(self.answers)


def test_rank_0_decides_when_to_save_and_what_is_best(tmp_path, saves):
    """Two epochs of three steps: a save after the second step, the second epoch is the best."""
    member = Told([0, 1, 0, 0, 0, 0, 1, 0])
    fit(tmp_path, count=3, member=member)
    wanted = [("last", 2, 0, 2), ("last", 3, 1, 0), ("best", 6, 2, 0), ("last", 6, 2, 0)]
    assert saves == wanted
    assert list(member.answers) == []


@pytest.mark.parametrize(("answers", "step"), [([0, 2], 2), ([0, 0, 0, 1], 3)])
def test_rank_0_decides_when_to_stop(tmp_path, saves, answers, step):
    with pytest.raises(Interrupted, match=f"after step {step}"):
        fit(tmp_path, count=3, member=Told(answers))
    assert saves[-1][:2] == ("last", step)


def test_several_processes_hear_signals_alone(tmp_path):
    """Lightning puts its own handler before ours; it is gone when the first step is taken."""
    flag, seen = StopFlag(), []
    member = SimpleNamespace(world=2, agree=lambda value: value)
    checkpointer = Checkpointer(tmp_path, facts={}, stop=flag, member=member)
    with stop_signals():
        checkpointer.on_train_start(None, None)
        seen = [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)]
    assert seen == [flag.handle, flag.handle]


def test_state_goes_round(tmp_path):
    one, two = (Checkpointer(tmp_path, facts={}) for _ in range(2))
    one.best = {"value": 0.5, "epoch": 3.0}
    two.load_state_dict(one.state_dict())
    assert two.best == one.best and two.best is not one.best
    assert two.state_dict() == {"best": {"value": 0.5, "epoch": 3.0}}
