"""One factory for every fit: devices, precision, checkpoints, progress and logs."""

from simlearn.trainer.factory import TrainerSettings, make_trainer
from simlearn.trainer.logs import Logs

__all__ = ["Logs", "TrainerSettings", "make_trainer"]
