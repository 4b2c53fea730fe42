"""The loggers of a run: the CSV log always, TensorBoard where asked."""

from __future__ import annotations

from pytorch_lightning.loggers import TensorBoardLogger
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from simlearn.trainer import Logs
from simlearn.trainer.csv_log import CSVLog, read_csv_log


def write(loggers, values):
    for step, value in values:
        for logger in loggers:
            logger.log_metrics({"train/loss": value}, step=step)
    for logger in loggers:
        logger.finalize("success")


def scalars(folder):
    events = EventAccumulator(str(folder / "tensorboard"))
    events.Reload()
    return [(e.step, e.value) for e in events.Scalars("train/loss")]


def test_both(tmp_path):
    loggers = Logs().build(tmp_path)
    assert [type(logger) for logger in loggers] == [CSVLog, TensorBoardLogger]
    write(loggers, [(1, 0.5), (2, 0.25)])
    assert read_csv_log(tmp_path / "metrics.csv") == [
        (1, "train/loss", 0.5),
        (2, "train/loss", 0.25),
    ]
    assert scalars(tmp_path) == [(1, 0.5), (2, 0.25)]


def test_csv_alone(tmp_path):
    (only,) = Logs(tensorboard=False).build(tmp_path)
    assert isinstance(only, CSVLog)
    write([only], [(1, 0.5)])
    assert [p.name for p in tmp_path.iterdir()] == ["metrics.csv"]


def test_a_resumed_run_writes_the_later_steps_again_in_both(tmp_path):
    write(Logs().build(tmp_path), [(1, 0.5), (2, 0.25), (3, 0.125)])
    write(Logs().build(tmp_path, after=1), [(2, 2.0), (3, 3.0)])
    assert [(s, v) for s, _, v in read_csv_log(tmp_path / "metrics.csv")] == [
        (1, 0.5),
        (2, 2.0),
        (3, 3.0),
    ]
    assert scalars(tmp_path) == [(1, 0.5), (2, 2.0), (3, 3.0)]


def test_a_run_killed_before_its_first_checkpoint_starts_its_log_at_step_0(tmp_path):
    write(Logs().build(tmp_path), [(1, 0.5), (2, 0.25)])
    write(Logs().build(tmp_path, after=0), [(1, 4.0)])
    assert read_csv_log(tmp_path / "metrics.csv") == [(1, "train/loss", 4.0)]
    assert scalars(tmp_path) == [(1, 4.0)]
