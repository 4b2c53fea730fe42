"""Validation inside a fit: when it happens, what it logs, and that it leaves training alone."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from simlearn.evaluation import VideoRetrieval
from simlearn.tasks.validation import ValidateRetrieval
from simlearn.tasks.video_ranking import rank_videos

PROTOCOL = VideoRetrieval(clips_per_video=1)


class Rows:
    def __init__(self):
        self.rows = []

    def log_metrics(self, metrics, step):
        self.rows.append((step, metrics))


def trainer_at(epoch, total=20):
    """A trainer at the end of an epoch of four steps."""
    return SimpleNamespace(
        current_epoch=epoch,
        global_step=4 * (epoch + 1),
        estimated_stepping_batches=float(total),
        callback_metrics={},
        loggers=[Rows()],
    )


@pytest.mark.parametrize(
    ("every", "epochs"), [(1, [0, 1, 2, 3, 4]), (2, [1, 3, 4]), (3, [2, 4]), (5, [4]), (9, [4])]
)
def test_every_few_epochs_and_after_the_last(data, parts, every, epochs):
    callback = ValidateRetrieval(data, PROTOCOL, every=every)
    learner, validated = parts.learner(0), []
    for epoch in range(5):
        trainer = trainer_at(epoch)
        callback.on_train_epoch_end(trainer, learner)
        if trainer.loggers[0].rows:
            validated.append(epoch)
        assert bool(trainer.loggers[0].rows) == ("val/map_at_r" in trainer.callback_metrics)
    assert validated == epochs


def test_figures_are_those_of_the_validation_videos(data, parts):
    learner, trainer = parts.learner(0).train(), trainer_at(0)
    trainer.loggers.append(Rows())
    ValidateRetrieval(data, PROTOCOL, every=1).on_train_epoch_end(trainer, learner)
    values = rank_videos(learner, data, "val", PROTOCOL, device="cpu").results.values((1,))
    wanted = {f"val/{k}": float(values[k].mean()) for k in ("map_at_r", "recall_at_1")}
    assert [logger.rows for logger in trainer.loggers] == [[(4, wanted)]] * 2
    assert trainer.callback_metrics["val/map_at_r"] == torch.tensor(wanted["val/map_at_r"])
    assert learner.training


def test_an_old_figure_does_not_choose_a_new_epoch(data, parts):
    """Else the checkpoint of an epoch that was not validated could become the best."""
    trainer = trainer_at(0)
    trainer.callback_metrics["val/map_at_r"] = torch.tensor(0.9)
    ValidateRetrieval(data, PROTOCOL, every=2).on_train_epoch_end(trainer, parts.learner(0))
    assert trainer.callback_metrics == {}


def test_validation_identities_with_one_video_are_said(data, parts, monkeypatch):
    firsts = list({v.identity: v for v in data.data.splits["val"]}.values())
    assert len(firsts) == 2
    monkeypatch.setitem(data.data.splits, "val", firsts)
    trainer = trainer_at(0)
    with pytest.warns(UserWarning, match="no identity of the val split has two videos"):
        ValidateRetrieval(data, PROTOCOL, every=1).on_train_epoch_end(trainer, parts.learner(0))
    assert torch.isnan(trainer.callback_metrics["val/map_at_r"])
