"""Where the log of an experience's training lies."""

from __future__ import annotations

from pathlib import Path

from simlearn.trainer import Logs
from simlearn.trainer.csv_log import read_csv_log
from simlearn.trainer.log_folder import log_folder


def test_folders_are_counted_from_one():
    found = [log_folder(Path("outputs/run"), number) for number in range(3)]
    wanted = ["outputs/run/logs/experience_1", "outputs/run/logs/experience_2"]
    assert [str(folder) for folder in found[:2]] == wanted
    assert len(set(found)) == 3


def test_nothing_is_made_before_a_log_is_written(tmp_path):
    folder = log_folder(tmp_path, 11)
    assert folder == tmp_path / "logs" / "experience_12" and not folder.exists()
    (logger,) = Logs(tensorboard=False).build(folder)
    logger.log_metrics({"train/loss": 0.5}, step=1)
    logger.finalize("success")
    assert read_csv_log(folder / "metrics.csv") == [(1, "train/loss", 0.5)]
