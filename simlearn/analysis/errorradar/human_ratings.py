"""How well people do, and how far a model is from them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from simlearn.analysis.errorradar.rater_agreement import Agreement, rater_agreement_of
from simlearn.analysis.errorradar.rating_file import Rating, read_ratings
from simlearn.analysis.errorradar.resampling import mean_interval
from simlearn.data.errors import DataError
from simlearn.data.exclusions import closest

__all__ = [
    "Accuracy",
    "Gap",
    "HumanGap",
    "HumanScores",
    "Rating",
    "TaskScores",
    "human_gap",
    "human_scores",
    "read_ratings",
]

Gold: TypeAlias = Mapping[str, tuple[int, str | None]]
"""Id of a problem -> (first wrong step, category or ``None`` where it is not known)."""

_TASKS: Final = ("step", "category")


class Accuracy(NamedTuple):
    """A mean over problems.

    Attributes:
        value: nan without a problem.
        interval: 95 % bootstrap over problems; (nan, nan) without any.
        n: problems.
    """

    value: float
    interval: tuple[float, float]
    n: int


@dataclass(frozen=True)
class TaskScores:
    """One sub-task, steps or categories.

    Attributes:
        accuracy: mean over rated problems of the share of their raters that are right; the mean of
            the raters' accuracies where all have rated the same problems.
        raters: accuracy of each on the problems that they answered, in order of their first rating.
        agreement: among raters, whatever is right.
        coverage: share of the data's problems (of those with a known category, for categories) that
            somebody answered; nan without any.
    """

    accuracy: Accuracy
    raters: Mapping[str, Accuracy]
    agreement: Agreement
    coverage: float


@dataclass(frozen=True)
class HumanScores:
    """What people score.

    Attributes:
        n: problems that somebody rated.
        step: finding the first wrong step.
        category: naming the kind of error.
    """

    n: int
    step: TaskScores
    category: TaskScores


class Gap(NamedTuple):
    """A model beside people on the problems that both answered.

    Attributes:
        n: those problems; without any all else is nan.
        model: share that the model has right.
        human: mean share of raters that are right.
        difference: model less human; negative where people are better.
        interval: 95 % of the difference, paired bootstrap over problems.
    """

    n: int
    model: float
    human: float
    difference: float
    interval: tuple[float, float]


class HumanGap(NamedTuple):
    """The gap of both sub-tasks."""

    step: Gap
    category: Gap


def human_scores(
    ratings: Iterable[Rating], gold: Gold, *, draws: int = 10_000, seed: int = 0
) -> HumanScores:
    """Accuracy of people by sub-task and person, and how far they agree.

    Args:
        ratings: of any number of people; not all need to rate every problem.
        gold: the whole data.
        draws: resamples of the intervals, at least 1.
        seed: of the resamples.

    Raises:
        DataError: a rating's id is not in the data.
        ValueError: no draw.
    """
    given = _answers(ratings, gold)
    ids = {key for task in _TASKS for key in given[task]}
    step, category = (_task_scores(task, given[task], gold, draws, seed) for task in _TASKS)
    return HumanScores(len(ids), step, category)


def human_gap(
    model_right: Mapping[str, tuple[bool | None, bool | None]],
    ratings: Iterable[Rating],
    gold: Gold,
    *,
    draws: int = 10_000,
    seed: int = 0,
) -> HumanGap:
    """How far a model is from people on the same problems.

    Args:
        model_right: id -> whether (step, category) is right; ``None`` for not asked. Problems that
            only one side answered are left out.
        ratings: as for :func:`human_scores`.
        gold: as there.
        draws: resamples, at least 1.
        seed: of the resamples.

    Raises:
        DataError: a rating's id is not in the data.
        ValueError: no draw.
    """
    given = _answers(ratings, gold)
    found = []
    for place, task in enumerate(_TASKS):
        human = _right(given[task], gold, place)
        rights = {key: right[place] for key, right in model_right.items()}
        both = [key for key in human if rights.get(key) is not None]
        model = np.array([bool(rights[key]) for key in both], dtype=np.float64)
        people = np.array([_share(human[key]) for key in both], dtype=np.float64)
        interval = mean_interval(
            model - people, draws=draws, seed=seed, purpose=f"human gap, {task}"
        )
        means = (_mean(model), _mean(people), _mean(model - people))
        found.append(Gap(len(both), *means, interval))
    return HumanGap(*found)


def _answers(ratings: Iterable[Rating], gold: Gold) -> dict[str, dict[str, dict[str, int | str]]]:
    """Sub-task -> id -> rater -> answer, of what was answered."""
    given: dict[str, dict[str, dict[str, int | str]]] = {task: {} for task in _TASKS}
    for rating in ratings:
        if rating.id not in gold:
            near = closest(rating.id[:60], [key[:60] for key in gold])
            hint = f"; did you mean {near!r}?" if near else "."
            raise DataError(
                f"{rating.where or 'ratings'}: the id {repr(rating.id)[:60]} is not in the data"
                f"{hint} Delete the row, or give the data that was rated"
            )
        for task, answer in zip(_TASKS, (rating.step, rating.category), strict=True):
            if answer is not None:
                given[task].setdefault(rating.id, {})[rating.rater] = answer
    return given


def _right(
    given: Mapping[str, Mapping[str, int | str]], gold: Gold, place: int
) -> dict[str, dict[str, bool]]:
    """Id -> rater -> whether the answer is right, where that is known."""
    return {
        key: {rater: answer == gold[key][place] for rater, answer in answers.items()}
        for key, answers in given.items()
        if gold[key][place] is not None
    }


def _task_scores(
    task: str, given: Mapping[str, Mapping[str, int | str]], gold: Gold, draws: int, seed: int
) -> TaskScores:
    """Scores of one sub-task."""
    place = _TASKS.index(task)
    right = _right(given, gold, place)
    raters: dict[str, list[float]] = {}
    for answers in right.values():
        for rater, hit in answers.items():
            raters.setdefault(rater, []).append(float(hit))
    known = sum(labels[place] is not None for labels in gold.values())

    def accuracy(values: list[float], who: str) -> Accuracy:
        """The mean and its interval."""
        array = np.array(values, dtype=np.float64)
        interval = mean_interval(array, draws=draws, seed=seed, purpose=f"human {task}, {who}")
        return Accuracy(_mean(array), interval, len(values))

    return TaskScores(
        accuracy([_share(answers) for answers in right.values()], ""),
        {rater: accuracy(values, rater) for rater, values in raters.items()},
        rater_agreement_of([list(answers.values()) for answers in given.values()]),
        len(right) / known if known else math.nan,
    )


def _share(hits: Mapping[str, bool]) -> float:
    """Share of raters that are right."""
    return sum(hits.values()) / len(hits)


def _mean(values: np.ndarray) -> float:
    """Mean; nan without a value."""
    return math.fsum(values) / len(values) if len(values) else math.nan
