"""Accuracies of answers by data set and kind of question."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor

from simlearn.analysis.answers import AnswerScores
from simlearn.data.questions import Question
from simlearn.data.randomness import torch_generator
from simlearn.evaluation.intervals import bootstrap_interval
from simlearn.report import Metric


def question_groups(questions: Sequence[Question]) -> Iterator[tuple[str, Tensor]]:
    """(name, ``(Q,)`` bool) of every data set, and of every kind within it where there are two."""
    for dataset in dict.fromkeys(q.dataset for q in questions):
        own = torch.tensor([q.dataset == dataset for q in questions])
        yield dataset, own
        kinds = dict.fromkeys(q.kind for q in questions if q.dataset == dataset)
        for kind in kinds if len(kinds) > 1 else ():
            yield f"{dataset}_{kind}", own & torch.tensor([q.kind == kind for q in questions])


def media_clusters(questions: Sequence[Question]) -> Tensor:
    """``(Q,)`` int64: questions about one picture or sound share a number; others have their own.

    They are not independent, so the bootstrap draws them together.
    """
    numbers: dict[object, int] = {}
    found = []
    for row, q in enumerate(questions):
        medium = q.image if q.image is not None else q.audio
        key = row if medium is None else str(medium) if isinstance(medium, Path) else id(medium)
        found.append(numbers.setdefault((medium is None, key), len(numbers)))
    return torch.tensor(found, dtype=torch.int64)


def share_metric(values: Tensor, clusters: Tensor, *, draws: int, seed: int, name: str) -> Metric:
    """Mean of per-question values in [0, 1] with its bootstrap interval; nan values are left out.

    Args:
        values: ``(Q,)``; none left gives nan.
        clusters: ``(Q,)`` what is drawn together.
        draws: resamples.
        seed: of the resamples.
        name: of the metric, so that each has draws of its own.
    """
    there = ~values.double().isnan()
    kept = values.double()[there]
    if not len(kept):
        return Metric(float("nan"), 0, None, higher_is_better=True)
    interval = bootstrap_interval(
        kept, clusters[there], draws=draws, generator=torch_generator(seed, "answers", name)
    )
    return Metric(float(kept.mean()), len(kept), interval, higher_is_better=True)


def answer_metrics(
    questions: Sequence[Question], right: Tensor, *, draws: int, seed: int
) -> dict[str, Metric]:
    """``<data set>_accuracy`` and ``<data set>_<kind>_accuracy``.

    Args:
        questions: Q questions.
        right: ``(Q,)`` bool, or a score in [0, 1].
        draws: resamples of the questions.
        seed: of the resamples.
    """
    clusters = media_clusters(questions)
    return {
        f"{name}_accuracy": share_metric(
            right[rows], clusters[rows], draws=draws, seed=seed, name=name
        )
        for name, rows in question_groups(questions)
    }


def mean_metrics(questions: Sequence[Question], scores: AnswerScores) -> dict[str, Metric]:
    """``<data set>_loss`` in nats and ``<data set>_margin`` in logits."""
    found = {}
    for dataset in dict.fromkeys(q.dataset for q in questions):
        rows = torch.tensor([q.dataset == dataset for q in questions])
        for name, values, better in (("loss", scores.loss, False), ("margin", scores.margin, True)):
            kept = values[rows][~values[rows].isnan()]
            mean = float(kept.mean()) if len(kept) else float("nan")
            found[f"{dataset}_{name}"] = Metric(mean, len(kept), None, higher_is_better=better)
    return found
