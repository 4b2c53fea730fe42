"""The report of a small multimodal model's training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from simlearn.analysis.answers import AnswerScores
from simlearn.analysis.lessons import LESSONS
from simlearn.data.questions import Question, QuestionData
from simlearn.report import FigureImage, Metric, Report, Table, environment, training_curves
from simlearn.tasks.answer_measures import answer_metrics, mean_metrics
from simlearn.tasks.language_parts import LanguageParts
from simlearn.tasks.language_pictures import example_rows, language_figures, shown_name
from simlearn.tasks.run_context import RunContext
from simlearn.trainer.csv_log import read_csv_log


@dataclass(frozen=True, eq=False)
class Answers:
    """What was asked and what came back.

    Attributes:
        questions: Q questions.
        trained: of the trained model.
        blanked: of the trained model with grey pictures and silence.
        untrained: of the model before its first step.
        lookup: ``(Q,)`` bool: the most frequent training answer to the same words is right.
    """

    questions: Sequence[Question]
    trained: AnswerScores
    blanked: AnswerScores
    untrained: AnswerScores
    lookup: Tensor


def made_by(report: Report, data: QuestionData) -> dict[str, Any]:
    """How a model was made and what it answers, for ``made.json`` beside its weights."""
    return {
        "command": f"python -m simlearn.train recipe={report.recipe} seed={report.seed}",
        "recipe": report.recipe,
        "seed": report.seed,
        "data": {**data.facts, "fingerprint": data.fingerprint},
        "test": {name: metric.value for name, metric in report.metrics.items()},
        "config": "".join(
            line for line in report.config.splitlines(True) if not line.startswith("run_dir:")
        ),
        "packages": report.environment["packages"],
        "git": report.environment["git"],
    }


def language_report(
    parts: LanguageParts,
    run: RunContext,
    data: QuestionData,
    model: Any,
    answers: Answers,
    steps: Mapping[str, int],
    seconds: Mapping[str, float],
) -> Report:
    """All that a run says about itself.

    Args:
        parts: what the configuration describes.
        run: recipe, seed, folder.
        data: the questions.
        model: trained.
        answers: of all models.
        steps: by lesson.
        seconds: durations by phase.
    """
    questions, draws = answers.questions, parts.protocol.bootstrap

    def shares(right: Tensor) -> dict[str, Metric]:
        return answer_metrics(questions, right, draws=draws, seed=run.seed)

    trained = shares(answers.trained.score)
    baselines = {
        "untrained": shares(answers.untrained.score),
        "question alone": shares(answers.lookup),
        "medium blanked": shares(answers.blanked.score),
    }
    shown = example_rows(questions, seed=run.seed)
    return Report(
        recipe=run.recipe,
        seed=run.seed,
        card=run.card,
        metrics={**trained, **mean_metrics(questions, answers.trained)},
        baselines=baselines,
        train={"parameters": sum(p.numel() for p in model.parameters()), **steps},
        protocol={
            **data.facts,
            "data_fingerprint": data.fingerprint,
            "asked": parts.protocol.split,
            "answers": parts.protocol.method,
        },
        seconds=seconds,
        tables=(kind_table(trained, baselines), example_table(answers, shown)),
        figures=(
            *language_figures(answers, shown, trained, baselines),
            *curves(run.run_dir),
        ),
        config=run.config,
        environment=environment(),
        run_dir=run.run_dir,
        notes=(
            "The question alone: the most frequent training answer to the same words. Where the "
            "trained model is no better, it does not use the picture or sound.",
        ),
    )


def kind_table(
    trained: Mapping[str, Metric], baselines: Mapping[str, Mapping[str, Metric]]
) -> Table:
    """Accuracy by data set and kind beside what the question alone gives."""
    rows: tuple[tuple[str | float | int | None, ...], ...] = tuple(
        (
            shown_name(name),
            metric.n,
            metric.value,
            *(found[name].value for found in baselines.values()),
        )
        for name, metric in trained.items()
    )
    columns = ("questions", "n", "accuracy", *(f"{name} accuracy" for name in baselines))
    return Table(
        title="Accuracy by kind of question",
        columns=tuple(c.replace(" ", "_") if "accuracy" in c else c for c in columns),
        rows=rows,
        note="Medium blanked: the trained model with grey pictures and silence.",
    )


def example_table(answers: Answers, rows: Sequence[int]) -> Table:
    """A few answers in words, the same as in the picture of examples.

    Args:
        answers: of all models.
        rows: questions to be shown.
    """
    return Table(
        title="Answers",
        columns=("question", "right answer", "answer", "medium blanked"),
        rows=tuple(
            (
                answers.questions[i].text,
                ", ".join(answers.questions[i].answers[:3]),
                answers.trained.texts[i],
                answers.blanked.texts[i],
            )
            for i in rows
        ),
        note="Questions drawn by the run's seed, never by what was answered.",
    )


def curves(run_dir: Path) -> tuple[FigureImage, ...]:
    """Losses of the second lesson; nothing where none was logged."""
    rows = read_csv_log(run_dir / "logs" / LESSONS[1] / "metrics.csv")
    return (training_curves(rows, title="Training"),) if rows else ()
