"""Train a small multimodal language model, and measure what it answers and what it sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from simlearn.analysis.adapter import ModelAdapter
from simlearn.analysis.answers import AnswerScores, answer_scores
from simlearn.analysis.lessons import Lessons, teach
from simlearn.analysis.question_baselines import blank_images, question_only_answers
from simlearn.analysis.tiny import save_model
from simlearn.data.errors import DataError
from simlearn.data.questions import Question
from simlearn.report import Report, write_report
from simlearn.tasks.language_parts import LanguageParts
from simlearn.tasks.language_report import Answers, language_report, made_by
from simlearn.tasks.run_context import RunContext
from simlearn.trainer.interrupt import stop_signals
from simlearn.trainer.progress import ProgressLine
from simlearn.trainer.stopwatch import Stopwatch

QUICK_STEPS = 2


def train_language_model(parts: LanguageParts, run: RunContext) -> Report:
    """Read the questions, teach the encoder, then everything; ask, with and without the pictures.

    The model is left in ``model/`` of the run's folder as transformers' ``from_pretrained`` reads
    it.

    Args:
        parts: what the configuration describes.
        run: the run's folder, seed and recipe. With ``resume`` training goes on from the last
            checkpoint of the lesson that was begun.

    Returns:
        The report, already written into ``run.run_dir``.

    Raises:
        AnalysisError, DataError, CheckpointError, Interrupted: with the way out in their text.
    """
    watch, line = Stopwatch(), ProgressLine()
    check(parts)
    if parts.trainer.threads:
        torch.set_num_threads(parts.trainer.threads)
    if parts.trainer.fast_dev_run:
        few = min(QUICK_STEPS, parts.trainer.max_steps or 0)
        trainer = replace(parts.trainer, max_steps=few, fast_dev_run=False)
        parts = replace(parts.small(), trainer=trainer)
    with watch("data"):
        data = parts.source.open(report=line)
        train, asked = data.splits["train"], data.splits[parts.protocol.split]
        if not train or not asked:
            raise DataError(
                f"{type(parts.source).__name__} gave {len(train)} training questions and "
                f"{len(asked)} to be asked: both are needed"
            )
    device = "cuda" if parts.trainer.device == "gpu" else "cpu"

    def ask(model: Any, processor: Any, questions: Sequence[Question], what: str) -> AnswerScores:
        return answer_scores(
            ModelAdapter(model.to(device), processor),
            questions,
            batch_size=parts.protocol.batch_size,
            method=parts.protocol.method,
            max_new_tokens=parts.protocol.max_new_tokens,
            progress=lambda _, done, total: line(what, done, total),
        )

    model, processor = parts.build(data, run.seed)
    with watch("baselines"):
        lookup: Tensor = question_only_answers(train, asked)
        untrained = ask(model, processor, asked, "untrained network")
    with watch("training"), stop_signals() as stop:
        steps = teach(
            model,
            processor,
            train,
            Lessons(
                settings=parts.model,
                trainer=parts.trainer,
                batches=parts.batches,
                optimizer=parts.optimizer,
                logs=parts.logs,
                folder=run.run_dir,
                facts={"data": data.fingerprint},
                seed=run.seed,
                stop=stop,
                line=line,
            ),
        )
    with watch("evaluation"):
        seen = ask(model, processor, asked, "test questions")
        blanked = ask(model, processor, blank_images(asked), "without pictures")
    answers = Answers(asked, seen, blanked, untrained, lookup)
    report = language_report(parts, run, data, model, answers, steps, watch.seconds)
    save_model(model, processor, run.run_dir / "model", made_by(report, data))
    write_report(report)
    return report


def check(parts: LanguageParts) -> None:
    """Refuse settings that this task cannot follow.

    Raises:
        ValueError: several processes, no number of steps, or a number of epochs.
    """
    if parts.trainer.devices > 1:
        raise ValueError(
            f"trainer.devices is {parts.trainer.devices}: a small model is taught by one process. "
            "Use trainer.devices=1"
        )
    if parts.trainer.max_steps is None:
        raise ValueError("trainer.max_steps is not given: a lesson is measured in steps")
    if parts.trainer.max_epochs is not None:
        raise ValueError(
            f"trainer.max_epochs is {parts.trainer.max_epochs}: a lesson is measured in steps. Use "
            "trainer.max_epochs=null and trainer.max_steps=N"
        )
