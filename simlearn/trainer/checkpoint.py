"""Checkpoints: tensors and plain containers, written whole or not at all."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from lightning_fabric.plugins import TorchCheckpointIO
from pytorch_lightning.callbacks import Checkpoint

from simlearn.trainer.interrupt import Interrupted, StopFlag
from simlearn.trainer.member import ALONE, Member

FORMAT_VERSION = 1
KEY = "simlearn"


class CheckpointError(ValueError):
    """A checkpoint that cannot be used; the text names the file and what to do."""


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes to a temporary name, syncs and renames: a full disk leaves the last good file."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | os.PathLike[str], storage_options: Any = None
    ) -> None:
        """Write ``checkpoint`` to ``path``.

        Raises:
            OSError: the disk is full or the folder cannot be written; what was there is untouched.
        """
        final = Path(path)
        final.parent.mkdir(parents=True, exist_ok=True)
        for left in final.parent.glob(f".{final.name}.*.tmp"):  # of a run that was killed
            left.unlink(missing_ok=True)
        temporary = final.with_name(f".{final.name}.{os.getpid()}.tmp")
        try:
            with temporary.open("wb") as file:
                torch.save(checkpoint, file)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(final)
        except (OSError, RuntimeError) as error:
            # torch.save answers a full disk by a RuntimeError about positions in its archive
            cause = error if isinstance(error, OSError) else error.__context__
            if not isinstance(cause, OSError):
                raise
            raise OSError(
                f"{final}: cannot be written ({cause.strerror}); the checkpoint before it is "
                "untouched. Free disk space and go on with resume=RUN_DIR"
            ) from error
        finally:
            temporary.unlink(missing_ok=True)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Load a checkpoint of this package without running any code of the file.

    Raises:
        CheckpointError: missing, damaged, foreign, or written by a newer version.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise CheckpointError(
            f"{path}: no checkpoint there; the run stopped before its first one. Start it anew"
        ) from error
    except Exception as error:
        raise CheckpointError(
            f"{path}: damaged, or not a checkpoint of plain tensors ({type(error).__name__}). "
            "Go on from another checkpoint of the run, or start it anew"
        ) from error
    if not isinstance(content, dict) or KEY not in content:
        raise CheckpointError(f"{path}: not a checkpoint of simlearn (no {KEY!r} entry)")
    header = content[KEY]
    version = header.get("format_version") if isinstance(header, dict) else None
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise CheckpointError(
            f"{path}: format {version}, this version of simlearn reads up to {FORMAT_VERSION}. "
            "Install a newer simlearn"
        )
    fault = _fault(header, content.get("state_dict"))
    if fault:
        raise CheckpointError(
            f"{path}: damaged ({fault}). Go on from another checkpoint of the run, or start it anew"
        )
    return content


def _fault(header: object, state: object) -> str | None:
    """What is missing in a checkpoint, or None."""
    if not isinstance(header, dict):
        return f"{KEY!r} is no mapping"
    for name in ("format_version", "epoch", "batch", "step"):
        value = header.get(name)
        if type(value) is not int or value < 0:
            return f"{name} is {value!r}, must be a number from 0 upward"
    if not isinstance(header.get("facts"), dict):
        return "facts is no mapping"
    if not isinstance(state, dict) or not all(
        isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in state.items()
    ):
        return "state_dict is no mapping of names to tensors"
    return None


def model_fingerprint(state: Mapping[str, torch.Tensor]) -> dict[str, str]:
    """Name -> shape of every tensor of a model."""
    return {name: str(tuple(value.shape)) for name, value in state.items()}


def check_fingerprint(saved: Mapping[str, Any], facts: Mapping[str, Any], path: Path) -> None:
    """Compare what a checkpoint says of its model and data with what is there.

    Args:
        saved: the ``facts`` in the checkpoint's header.
        facts: those of the model and data that are there, all of them or some.
        path: the checkpoint, for the message.

    Raises:
        CheckpointError: naming the first entry that differs.
    """
    for name, value in facts.items():
        if saved.get(name) != value:
            raise CheckpointError(
                f"{path}: was written with another {name} "
                f"({_first_difference(saved.get(name), value)}). Resume with the same data and "
                "configuration, or start a new run"
            )


def _first_difference(saved: object, wanted: object) -> str:
    if isinstance(saved, dict) and isinstance(wanted, dict):
        for key in sorted(saved.keys() | wanted.keys()):
            if saved.get(key) != wanted.get(key):
                return f"{key}: {saved.get(key)} there, {wanted.get(key)} here"
    return f"{saved} there, {wanted} here"


def rewind_to_epoch_start(loops: dict[str, Any], epoch: int) -> None:
    """Let the loop state of a checkpoint say "before the first batch of ``epoch``".

    As Lightning 2.6 saves it, an epoch's end is resumed by one more batch in the old epoch where
    there is no validation loader.

    Args:
        loops: ``checkpoint["loops"]``, changed in place.
        epoch: number of epochs that are complete.
    """
    state = loops["fit_loop"]
    for progress in state["epoch_progress"].values():
        progress.update(dict.fromkeys(progress, epoch))
    batches = state["epoch_loop.batch_progress"]
    batches["current"] = dict.fromkeys(batches["current"], 0)
    batches["total"]["completed"] = batches["total"]["processed"]
    batches["is_last_batch"] = False


class Checkpointer(Checkpoint):
    """Writes ``last.ckpt`` at every epoch's end, every few minutes and when asked to stop.

    ``best.ckpt`` holds the epoch with the highest monitored value, the earlier one on a tie.
    Each checkpoint says with which epoch and batch training goes on. Of several processes the
    first decides when to save and when to stop, and writes; the others take part.

    Args:
        folder: where they are written.
        facts: what a resumed run must have in common (names and shapes of the model, classes).
        stop: asked after each step.
        minutes: longest time between two checkpoints.
        every_steps: also after every so many steps; 0 for never.
        monitor: name in ``trainer.callback_metrics``; without it ``best.ckpt`` is not written.
        member: which of the processes of the fit this is.
    """

    def __init__(
        self,
        folder: Path,
        *,
        facts: Mapping[str, Any],
        stop: StopFlag | None = None,
        minutes: float = 10.0,
        every_steps: int = 0,
        monitor: str | None = None,
        member: Member = ALONE,
    ) -> None:
        self.folder, self.facts = folder, dict(facts)
        self._asked = stop is not None
        self.stop = stop or StopFlag()
        self.minutes, self.every_steps, self.monitor = minutes, every_steps, monitor
        self.member = member
        self.best: dict[str, float] = {}
        self.position = (0, 0)
        self._saved_at = time.monotonic()

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Hear signals alone: Lightning's own handler of SIGTERM, put before ours, leaves at once.

        It would do so in the middle of a checkpoint, or of what processes say to each other.
        """
        if self.member.world > 1 or self._asked:
            self.stop.listen()

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Save if it is time; at an epoch's last batch the epoch's end does it."""
        if batch_idx + 1 >= trainer.num_training_batches:
            return
        wish = self.member.agree(2 if self.stop.signal else int(self.due(trainer)))
        if wish:
            self.position = (trainer.current_epoch, batch_idx + 1)
            self._save(trainer, "last")
        self._leave_if(wish == 2, trainer)

    def due(self, trainer: pl.Trainer) -> bool:
        """Whether it is time for a checkpoint inside an epoch."""
        late = time.monotonic() - self._saved_at > self.minutes * 60
        return late or (self.every_steps > 0 and trainer.global_step % self.every_steps == 0)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Save the epoch, and the best one if it is."""
        self.position = (trainer.current_epoch + 1, 0)
        if self.member.agree(self._is_best(trainer)):  # first: killed in between, it is done again
            self._save(trainer, "best")
        self._save(trainer, "last")
        self._leave_if(bool(self.member.agree(self.stop.signal is not None)), trainer)

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Add the format, the position and the facts."""
        if self.position[1] == 0:
            rewind_to_epoch_start(checkpoint["loops"], self.position[0])
        checkpoint[KEY] = {
            "format_version": FORMAT_VERSION,
            "epoch": self.position[0],
            "batch": self.position[1],
            "step": trainer.global_step,
            "best": dict(self.best),
            "facts": self.facts,
        }

    def state_dict(self) -> dict[str, Any]:
        """Best value so far and its epoch."""
        return {"best": dict(self.best)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore them."""
        self.best = dict(state_dict["best"])

    def _is_best(self, trainer: pl.Trainer) -> bool:
        value = trainer.callback_metrics.get(self.monitor) if self.monitor else None
        if value is None or not float(value) > self.best.get("value", float("-inf")):
            return False
        self.best = {"value": float(value), "epoch": float(trainer.current_epoch)}
        return True

    def _save(self, trainer: pl.Trainer, name: str) -> None:
        trainer.save_checkpoint(self.folder / f"{name}.ckpt")
        self._saved_at = time.monotonic()

    def _leave_if(self, asked: bool, trainer: pl.Trainer) -> None:
        if asked and not self._finished(trainer):
            raise Interrupted(f"stopped by {self.stop.signal} after step {trainer.global_step}")

    def _finished(self, trainer: pl.Trainer) -> bool:
        epochs = trainer.max_epochs if trainer.max_epochs not in (None, -1) else float("inf")
        steps = trainer.max_steps if trainer.max_steps != -1 else float("inf")
        return self.position[0] >= (epochs or 0) or trainer.global_step >= steps
