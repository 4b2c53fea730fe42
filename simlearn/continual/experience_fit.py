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
from simlearn.trainer.factory import TrainerSettings
from simlearn.trainer.interrupt import StopFlag
from simlearn.trainer.log_folder import log_folder
from simlearn.trainer.logs import Logs
from simlearn.trainer.progress import ProgressLine
from simlearn.trainer.stage_fit import Stage, fit_stage


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
    health = BatchHealth(training.trainer.log_every)
    rotated = training.rotations and exp.number == 0
    stage = Stage(
        kind="experience",
        number=exp.number,
        label=f"experience {exp.number + 1}/{exp.count}",
        folder=training.folder,
        log_folder=log_folder(training.folder, exp.number),
        logs=training.logs,
        trainer=training.trainer,
        facts=training.facts,
        stop=training.stop,
        line=training.line,
    )
    steps = fit_stage(
        learner,
        lambda start: tensor_loader(
            with_rotations(images, len(exp.new)) if rotated else images,
            exp.scale,
            batches=training.batches,
            seed=learner.seed,
            start=start,
            flip=training.flip,
            shift=training.shift,
            alone=exp.number > 0,
        ),
        stage,
        callbacks=[health],
    )
    return {
        "steps": steps,
        "empty_batches": health.counts["empty"],
        "collapse_warnings": health.counts["collapses"],
    }
