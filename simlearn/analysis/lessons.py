"""Both lessons of a small multimodal model, one after the other, resumable at any step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from simlearn.analysis.answer_learner import AnswerLearner
from simlearn.analysis.answer_tensors import answer_tensors
from simlearn.analysis.encoder_learner import EncoderLearner, attribute_labels
from simlearn.analysis.media_tensors import MediaTensors, media_tensors
from simlearn.analysis.step_loader import step_loader
from simlearn.analysis.tiny_models import TinyModel
from simlearn.data.question_batches import QuestionBatches, QuestionSampler
from simlearn.data.questions import Question
from simlearn.data.randomness import derive_seed
from simlearn.trainer.checkpoint import (
    FORMAT_VERSION,
    KEY,
    AtomicCheckpointIO,
    check_fingerprint,
    model_fingerprint,
    read_checkpoint,
)
from simlearn.trainer.factory import TrainerSettings
from simlearn.trainer.interrupt import StopFlag
from simlearn.trainer.logs import Logs
from simlearn.trainer.progress import ProgressLine
from simlearn.trainer.stage_fit import Stage, fit_stage

LESSONS = ("encoder", "answers")


@dataclass(frozen=True, kw_only=True)
class Lessons:
    """How a small model is taught.

    Attributes:
        settings: the model's own.
        trainer: ``max_steps`` are those of the second lesson.
        batches: sizes and shares of a step.
        optimizer: of the second lesson; the first has the same with a learning rate of its own.
        logs: where figures go.
        folder: of the run.
        facts: what a resumed run must have in common.
        seed: of the run.
        stop: asked after every step.
        line: where progress is shown.
    """

    settings: TinyModel
    trainer: TrainerSettings
    batches: QuestionBatches
    optimizer: Any
    logs: Logs
    folder: Path
    facts: Mapping[str, Any]
    seed: int
    stop: StopFlag
    line: ProgressLine

    def stage(self, number: int, steps: int) -> Stage:
        """What the trainer is told of a lesson."""
        name = LESSONS[number]
        return Stage(
            kind="lesson",
            number=number,
            label=f"lesson {number + 1}/2 ({name})",
            folder=self.folder,
            log_folder=self.folder / "logs" / name,
            logs=self.logs,
            trainer=replace(self.trainer, max_steps=steps, max_epochs=None),
            facts=self.facts,
            stop=self.stop,
            line=self.line,
        )


def teach(
    model: Any, processor: Any, questions: Sequence[Question], lessons: Lessons
) -> dict[str, int]:
    """Teach the encoder, then everything; the model holds the last weights afterwards.

    A lesson that is complete is read from ``checkpoints/lessons.ckpt``, one that was begun goes on
    from ``checkpoints/lesson.ckpt``.

    Args:
        model: untrained, changed in place.
        processor: its processor.
        questions: training questions with one-word answers.
        lessons: how.

    Returns:
        Steps by lesson.

    Raises:
        AnalysisError, CheckpointError, DataError, Interrupted: with the way out in their text.
    """
    settings, device = lessons.settings, lessons.trainer.device
    family = model.config.model_type
    media = media_tensors(family, processor, questions, report=lessons.line)
    state = lessons.folder / "checkpoints" / "lessons.ckpt"
    done = _restore(model, state, lessons.facts)
    steps = {"encoder_steps": 0, "steps": int(lessons.trainer.max_steps or 0)}
    if len(media.values) and steps["steps"]:
        steps["encoder_steps"] = settings.encoder_steps
    model.to("cuda" if device == "gpu" else "cpu").train()
    if done == len(LESSONS) or not steps["steps"]:
        model.eval().requires_grad_(False)
        return steps
    # made first: what the second lesson refuses is told before the first begins
    second = _answer_learner(model, processor, questions, media, lessons)
    if done < 1 and steps["encoder_steps"]:
        seed = derive_seed(lessons.seed, "lesson", 0)
        first = EncoderLearner(
            model,
            media,
            attribute_labels(questions, media.rows, len(media.values)),
            replace(lessons.optimizer, lr=settings.encoder_lr),
            width=settings.encoder_hidden,
            turns=lessons.batches.turns,
            seed=seed,
        )
        _fit(first, lessons.stage(0, steps["encoder_steps"]))
        _save(model, state, lessons.facts, 1)
    _fit(second, lessons.stage(1, steps["steps"]))
    _save(model, state, lessons.facts, 2)
    model.eval().requires_grad_(False)
    return steps


def _answer_learner(
    model: Any,
    processor: Any,
    questions: Sequence[Question],
    media: MediaTensors,
    lessons: Lessons,
) -> AnswerLearner:
    """The second lesson; questions that cannot be learnt are refused here."""
    seed, settings, batches = (
        derive_seed(lessons.seed, "lesson", 1),
        lessons.settings,
        lessons.batches,
    )
    return AnswerLearner(
        model,
        media,
        answer_tensors(processor, questions, place=settings.place, tokens=settings.tokens),
        QuestionSampler(questions, batches, seed=seed),
        lessons.optimizer,
        encoder_factor=settings.encoder_factor,
        text_weight=batches.text_weight,
        turns=batches.turns,
        seed=seed,
    )


def _fit(learner: EncoderLearner | AnswerLearner, stage: Stage) -> None:
    """Train one lesson; its checkpoint is not needed once it is complete."""
    steps = int(stage.trainer.max_steps or 0)
    fit_stage(learner, lambda start: step_loader(learner.rows, steps, start=start[1]), stage)


def _save(model: Any, path: Path, facts: Mapping[str, Any], done: int) -> None:
    """Write the weights after ``done`` lessons; the checkpoint inside one is superseded."""
    weights = {name: value.cpu() for name, value in model.state_dict().items()}
    header = {
        "format_version": FORMAT_VERSION,
        "epoch": 0,
        "batch": 0,
        "step": done,
        "facts": {**facts, "model": model_fingerprint(weights)},
    }
    AtomicCheckpointIO().save_checkpoint({"state_dict": weights, KEY: header}, path)
    for old in (path.parent / "lesson.ckpt", *path.parent.glob(".lesson.ckpt.*.tmp")):
        old.unlink(missing_ok=True)  # the second where a run was killed as it wrote


def _restore(model: Any, path: Path, facts: Mapping[str, Any]) -> int:
    """Read what :func:`_save` wrote; gives the number of complete lessons."""
    if not path.exists():
        return 0
    content = read_checkpoint(path)
    wanted = {**facts, "model": model_fingerprint(model.state_dict())}
    check_fingerprint(content[KEY]["facts"], wanted, path)
    with torch.no_grad():
        model.load_state_dict(content["state_dict"])
    return int(content[KEY]["step"])
