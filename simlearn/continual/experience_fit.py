"""One experience's training: a fresh trainer, resumable at any step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simlearn.data.experiences import Experience
from simlearn.data.labelled_images import LabelledImages
from simlearn.data.randomness import derive_seed
from simlearn.data.sampler import PKBatches
from simlearn.data.tensor_set import tensor_loader, with_rotations
from simlearn.learners.health import BatchHealth
from simlearn.learners.metric import MetricLearner
from simlearn.trainer.checkpoint import (
    KEY,
    Checkpointer,
    CheckpointError,
    check_fingerprint,
    model_fingerprint,
    read_checkpoint,
)
from simlearn.trainer.factory import TrainerSettings, make_trainer
from simlearn.trainer.interrupt import StopFlag
from simlearn.trainer.log_folder import log_folder
from simlearn.trainer.logs import Logs
from simlearn.trainer.progress import ProgressLine, TrainingProgress


@dataclass(frozen=True, kw_only=True)
class ExperienceTraining:
    """How every experience of a run is trained.

    Attributes:
        trainer: epochs and steps count per experience.
        batches: P and K of the new classes.
        logs: the log of experience t goes to ``logs/experience_t`` of the folder.
        folder: of the run.
        facts: what a resumed run must have in common.
        seed: of the run.
        stop: asked after every step.
        line: where progress is shown.
        flip: mirror training images at random.
        shift: largest shift of training images, in pixels.
        rotations: in the first experience the four rotations of an image are different classes.
    """

    trainer: TrainerSettings
    batches: PKBatches
    logs: Logs
    folder: Path
    facts: Mapping[str, Any]
    seed: int
    stop: StopFlag
    line: ProgressLine
    flip: bool = False
    shift: int = 0
    rotations: bool = False

    @property
    def checkpoint(self) -> Path:
        """The checkpoint inside an experience."""
        return self.folder / "checkpoints" / "experience.ckpt"

    @property
    def augments(self) -> bool:
        """Whether an image is not the same in every epoch."""
        return self.flip or self.shift > 0


def fit_experience(
    learner: MetricLearner,
    exp: Experience,
    images: LabelledImages,
    training: ExperienceTraining,
) -> dict[str, float]:
    """Train one experience; the learner holds the last weights afterwards.

    A checkpoint is written every ``trainer.checkpoint_minutes`` and ``checkpoint_steps``; that of
    another experience is not read.

    Args:
        learner: already as large as the experience asks, with its strategy.
        exp: which experience.
        images: its training images, or their activations at ``learner.at``.
        training: how.

    Returns:
        Steps, empty batches and collapse warnings.

    Raises:
        Interrupted: a signal asked to stop; the state is saved.
        CheckpointError: the checkpoint belongs to another model, other data or another order.
        TrainingStopped: training could not lead anywhere.
    """
    learner.seed = derive_seed(training.seed, "experience", exp.number)
    facts = {**training.facts, "model": model_fingerprint(learner.state_dict())}
    start, position = None, (0, 0)
    logs = log_folder(training.folder, exp.number)
    after = 0 if logs.exists() else None
    found = _checkpoint_of(training.checkpoint, exp.number)
    if found is not None:
        check_fingerprint(found["facts"], facts, training.checkpoint)
        start, position = training.checkpoint, (found["epoch"], found["batch"])
        after = found["step"]
    health = BatchHealth(training.trainer.log_every)
    rotated = training.rotations and exp.number == 0
    loader = tensor_loader(
        with_rotations(images, len(exp.new)) if rotated else images,
        exp.scale,
        batches=training.batches,
        seed=learner.seed,
        start=position,
        flip=training.flip,
        shift=training.shift,
        alone=exp.number > 0,
    )
    checkpoints = _ExperienceCheckpoints(
        training.checkpoint.parent,
        facts={**facts, "experience": exp.number},
        stop=training.stop,
        minutes=training.trainer.checkpoint_minutes,
        every_steps=training.trainer.checkpoint_steps,
    )
    label = f"experience {exp.number + 1}/{exp.count}"
    trainer = make_trainer(
        training.trainer,
        run_dir=training.folder,
        callbacks=[health, TrainingProgress(training.line, label), checkpoints],
        loggers=training.logs.build(logs, after=after),
    )
    trainer.fit(learner, train_dataloaders=loader, ckpt_path=start, weights_only=True)
    return {
        "steps": trainer.global_step,
        "empty_batches": health.counts["empty"],
        "collapse_warnings": health.counts["collapses"],
    }


class _ExperienceCheckpoints(Checkpointer):
    """Writes ``experience.ckpt``, which the end of the experience supersedes.

    Epochs of an experience may be a few steps long: their ends are saved only when it is time.
    """

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Save if it is time or if a signal asks to stop."""
        self.position = (trainer.current_epoch + 1, 0)
        if self.due(trainer) or self.stop.signal:
            self._save(trainer, "last")
        self._leave_if(self.stop.signal is not None, trainer)

    def _save(self, trainer: Any, name: str) -> None:
        super()._save(trainer, "experience")


def _checkpoint_of(path: Path, number: int) -> dict[str, Any] | None:
    """The header of a checkpoint inside experience ``number``; none of an earlier one counts."""
    if not path.exists():
        return None
    try:
        header: dict[str, Any] = read_checkpoint(path)[KEY]
    except CheckpointError as error:
        raise CheckpointError(
            f"{error} (delete {path.name} to go on from the last complete experience)"
        ) from error
    return header if header["facts"].get("experience") == number else None
