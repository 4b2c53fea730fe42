"""Questions about pictures, sounds and texts, and a data set of them as a configuration says."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from simlearn.data.errors import DataError
from simlearn.data.randomness import numpy_generator

if TYPE_CHECKING:
    from simlearn.data.video_source import Report

SPLITS = ("train", "val", "test")


@dataclass(frozen=True, eq=False)
class Question:
    """One question.

    Attributes:
        id: unique within its data.
        text: what is asked, as it is put to the model.
        answers: right answers, the one to be learnt first; empty where none is known.
        kind: for tables by kind (``"colour"``); may be empty.
        dataset: where it comes from (``"easy_vqa"``).
        metric: how an answer is judged, see :mod:`simlearn.analysis.answer_metrics`.
        image: a file, or uint8 ``(H, W, 3)``.
        audio: a file, or float32 ``(S,)`` in [-1, 1], one channel.
        rate: samples a second of an ``audio`` array.
    """

    id: str
    text: str
    answers: tuple[str, ...]
    kind: str = ""
    dataset: str = ""
    metric: str = "exact"
    image: Path | np.ndarray | None = None
    audio: Path | np.ndarray | None = None
    rate: int | None = None


@dataclass(frozen=True)
class QuestionData:
    """Opened questions.

    Attributes:
        splits: questions of "train" (to learn or to mine from), "val" and "test" (to be asked).
        fingerprint: hash of ids, texts and answers.
        facts: what makes numbers comparable.
    """

    splits: Mapping[str, Sequence[Question]]
    fingerprint: str
    facts: Mapping[str, object]


def question_fingerprint(splits: Mapping[str, Sequence[Question]]) -> str:
    """16 hex digits that depend on the ids, texts, answers and split of the questions."""
    digest = hashlib.blake2b(digest_size=8)
    for split, questions in splits.items():
        for q in questions:
            digest.update(json.dumps([split, q.dataset, q.id, q.text, q.answers]).encode())
    return digest.hexdigest()


def draw_questions(
    questions: Sequence[Question], count: int | None, *, seed: int, split: str
) -> list[Question]:
    """``count`` of each data set's questions, drawn by (seed, split, data set), in their order.

    Args:
        questions: of one split.
        count: how many of each data set; ``None``, or more than there are, for all.
        seed: of the draw.
        split: name of the split.
    """
    if count is None:
        return list(questions)
    kept: list[int] = []
    for name in dict.fromkeys(q.dataset for q in questions):
        rows = [i for i, q in enumerate(questions) if q.dataset == name]
        order = numpy_generator(seed, "questions", split, name).permutation(len(rows))
        kept += [rows[i] for i in order[:count]]
    return [questions[i] for i in sorted(kept)]


@dataclass(frozen=True, kw_only=True)
class QuestionSource(ABC):
    """What all data options of questions have in common.

    Args:
        train: questions of each data set to learn or to mine from; ``None`` for all.
        test: questions of each data set to be asked; ``None`` for all.
        draw_seed: draws them, whatever the run's seed is.

    Raises:
        ValueError: a number below 1.
    """

    train: int | None = None
    test: int | None = None
    draw_seed: int = 0

    def __post_init__(self) -> None:
        for name in ("train", "test"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"data.{name} is {value}, must be at least 1")

    @abstractmethod
    def read(self, report: Report | None = None) -> dict[str, list[Question]]:
        """All questions by split.

        Args:
            report: called with the progress of what takes long.

        Raises:
            DataError: naming the file, row and the way out.
        """

    def open(self, *, report: Report | None = None) -> QuestionData:
        """Read the questions and draw those that are used.

        Raises:
            DataError: as for :meth:`read`; or no question is left; or two have the same id.
        """
        found = self.read(report)
        counts = {"train": self.train, "val": self.test, "test": self.test}
        splits = {
            split: draw_questions(
                found.get(split, []), counts[split], seed=self.draw_seed, split=split
            )
            for split in SPLITS
        }
        name = type(self).__name__
        for split, questions in splits.items():
            keys = [(q.dataset, q.id) for q in questions]
            if len(set(keys)) < len(keys):
                double = next(key for key in keys if keys.count(key) > 1)
                raise DataError(f"{name}: two {split} questions of {double[0]!r} are {double[1]!r}")
        if not splits["train"] and not splits["test"]:
            raise DataError(f"{name}: no question was found")
        return QuestionData(
            splits=splits,
            fingerprint=question_fingerprint(splits),
            facts={
                "data": name,
                "questions": {split: len(questions) for split, questions in splits.items()},
                "draw_seed": self.draw_seed,
            },
        )
