"""Pictures of a small multimodal model's training: what it answers, by kind and by example."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from simlearn.analysis.answers import AnswerScores
from simlearn.data.media import load_audio, load_image
from simlearn.data.questions import Question
from simlearn.data.randomness import numpy_generator
from simlearn.report import FigureImage, Metric
from simlearn.report.answer_bars import MOST, AnswerShares, answer_bars_figure
from simlearn.report.answer_example import AnswerExample, Reply
from simlearn.report.answer_examples import answer_examples_figure
from simlearn.tasks.answer_measures import question_groups

if TYPE_CHECKING:
    from simlearn.tasks.language_report import Answers

EXAMPLES, SEEN = 12, 8
"""Questions that are shown, and how many of them have a picture or sound where there are both."""
RATE = 8000
"""Samples a second of a drawn sound."""


def example_rows(questions: Sequence[Question], *, seed: int) -> list[int]:
    """Questions to be shown, drawn by the seed and never by what was answered.

    Two thirds have a picture or sound where there are enough of both; the data sets take turns.

    Args:
        questions: that were asked.
        seed: of the draw.

    Returns:
        Up to 12 rows of ``questions`` in ascending order; all of them where there are fewer.
    """
    turn = np.zeros(len(questions), dtype=np.int64)
    for dataset in dict.fromkeys(q.dataset for q in questions):
        own = [i for i, q in enumerate(questions) if q.dataset == dataset]
        drawn = numpy_generator(seed, "examples", dataset).permutation(own)
        turn[drawn] = np.arange(len(own))
    order = sorted(range(len(questions)), key=lambda i: (turn[i], i))
    seen = [i for i in order if has_medium(questions[i])]
    plain = [i for i in order if not has_medium(questions[i])]
    first = [*seen[:SEEN], *plain[: EXAMPLES - SEEN]]
    others = [*seen[SEEN:], *plain[EXAMPLES - SEEN :]]
    return sorted([*first, *others[: EXAMPLES - len(first)]])


def language_figures(
    answers: Answers,
    rows: Sequence[int],
    trained: Mapping[str, Metric],
    baselines: Mapping[str, Mapping[str, Metric]],
) -> tuple[FigureImage, ...]:
    """Accuracy by kind of question, and a few answers.

    Args:
        answers: of all models.
        rows: questions to be shown.
        trained: accuracies of the trained model by name, those of a data set before its kinds'.
        baselines: the same of "question alone", "medium blanked" and "untrained".
    """
    bars = bars_picture(answers.questions, trained, baselines)
    return (*bars, examples_picture(answers, rows))


def bars_picture(
    questions: Sequence[Question],
    trained: Mapping[str, Metric],
    baselines: Mapping[str, Mapping[str, Metric]],
) -> tuple[FigureImage, ...]:
    """Bars of the data sets, then of the kinds with most questions; nothing where none is judged.

    Nothing is blanked where no question has a picture or sound.
    """
    known = [name for name, metric in trained.items() if math.isfinite(metric.value)]
    if not known:
        return ()
    datasets = {f"{q.dataset}_accuracy" for q in questions}
    first = sorted(known, key=lambda name: (name not in datasets, -trained[name].n))
    kept = [name for name in known if name in first[:MOST]]
    cut = f" ({MOST} of {len(known)}, the largest)" if len(known) > MOST else ""
    seen = {
        f"{name}_accuracy"
        for name, rows in question_groups(questions)
        if any(has_medium(questions[i]) for i in rows.nonzero().flatten().tolist())
    }
    shares = [
        AnswerShares(
            shown_name(name),
            trained[name].n,
            trained[name].value,
            *(trained[name].interval or (math.nan, math.nan)),
            question_alone=baselines["question alone"][name].value,
            blanked=baselines["medium blanked"][name].value if name in seen else math.nan,
            untrained=baselines["untrained"][name].value,
        )
        for name in kept
    ]
    return (answer_bars_figure(shares, title=f"Right answers by kind of question{cut}"),)


def shown_name(metric: str) -> str:
    """Data set and kind in words, such as "easy vqa colour"."""
    return metric.removesuffix("_accuracy").replace("_", " ")


def examples_picture(answers: Answers, rows: Sequence[int]) -> FigureImage:
    """Pictures or sounds, questions and answers of some rows."""
    examples = [
        AnswerExample(
            question=q.text,
            right=", ".join(q.answers[:3]),
            reply=_reply(answers.trained, i),
            blanked=_reply(answers.blanked, i) if has_medium(q) else None,
            image=None if q.image is None else np.asarray(load_image(q)),
            sound=None if q.audio is None else load_audio(q, RATE),
        )
        for i, q in ((i, answers.questions[i]) for i in rows)
    ]
    return answer_examples_figure(examples, title="Answers to questions drawn at random")


def has_medium(question: Question) -> bool:
    """Whether there is something beside the words."""
    return question.image is not None or question.audio is not None


def _reply(scores: AnswerScores, row: int) -> Reply:
    """What a model said to one question."""
    return Reply(scores.texts[row], float(scores.score[row]))
