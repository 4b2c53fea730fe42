"""Which questions come in which training step: so many with a medium, so many without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from simlearn.data.errors import DataError
from simlearn.data.questions import Question
from simlearn.data.randomness import numpy_generator


@dataclass(frozen=True, kw_only=True)
class QuestionBatches:
    """Sizes and shares of a step.

    Args:
        media: questions with a picture or sound in a step.
        texts: questions without one, which go through the model by themselves.
        shares: kind -> share of the questions with a medium, and of those without; kinds that are
            not named share what is left evenly.
        text_weight: what the loss of the questions without a medium is multiplied by.
        turns: flip and transpose pictures at random; right where no question names a place.

    Raises:
        ValueError: a number out of its range.
    """

    media: int = 48
    texts: int = 48
    shares: Mapping[str, float] = field(default_factory=dict)
    text_weight: float = 1.0
    turns: bool = True

    def __post_init__(self) -> None:
        for name in ("media", "texts", "text_weight"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"sampler.{name} is {getattr(self, name)}, must not be negative")
        if self.media + self.texts < 1:
            raise ValueError("sampler.media and sampler.texts are both 0: a step needs questions")
        values = self.shares.values()
        if not (min(values, default=0.0) >= 0 and sum(values) <= 1 + 1e-9):
            raise ValueError(f"sampler.shares are {dict(self.shares)}, must be in [0, 1] together")


def kind_counts(kinds: Sequence[str], count: int, shares: Mapping[str, float]) -> dict[str, int]:
    """How many questions of every kind a step has; the largest remainders are rounded up.

    Args:
        kinds: those that there are, each once.
        count: questions in all.
        shares: kind -> share; kinds that are not named share what is left evenly.

    Returns:
        kind -> count, summing to ``count``; empty where there are no kinds.
    """
    if not kinds:
        return {}
    rest = max(0.0, 1.0 - sum(shares.get(k, 0.0) for k in kinds))
    free = [k for k in kinds if k not in shares]
    wanted = np.array([shares[k] if k in shares else rest / len(free) for k in kinds])
    wanted = wanted / wanted.sum() * count if wanted.sum() else np.full(len(kinds), 0.0)
    if not wanted.sum():
        wanted = np.full(len(kinds), count / len(kinds))
    whole = np.floor(wanted + 1e-9).astype(int)
    for i in np.argsort(-(wanted - whole), kind="stable")[: count - int(whole.sum())]:
        whole[i] += 1
    return dict(zip(kinds, whole.tolist(), strict=True))


class QuestionSampler:
    """Rows of the questions of step s, a function of (seed, s).

    Args:
        questions: all training questions.
        batches: sizes and shares.
        seed: of the draws, with replacement between steps.

    Raises:
        DataError: a step asks for questions with (or without) a medium and there is none.
    """

    def __init__(
        self, questions: Sequence[Question], batches: QuestionBatches, *, seed: int
    ) -> None:
        self.seed = seed
        self.groups: list[tuple[bool, np.ndarray, int]] = []
        for medium, count in ((True, batches.media), (False, batches.texts)):
            rows = [
                i
                for i, q in enumerate(questions)
                if (q.image is not None or q.audio is not None) == medium
            ]
            if count and not rows:
                word, name = ("with", "media") if medium else ("without", "texts")
                raise DataError(
                    f"no training question {word} a picture or sound, and sampler.{name} is "
                    f"{count}: set sampler.{name}=0 or give such questions"
                )
            kinds = sorted({questions[i].kind for i in rows})
            for kind, n in kind_counts(kinds, count, batches.shares).items():
                chosen = np.array([i for i in rows if questions[i].kind == kind])
                self.groups.append((medium, chosen, n))

    def __call__(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """``(rows with a medium, rows without)`` of one step, int64."""
        drawn: dict[bool, list[np.ndarray]] = {True: [], False: []}
        for number, (medium, rows, count) in enumerate(self.groups):
            g = numpy_generator(self.seed, "question batch", step, number)
            drawn[medium].append(g.choice(rows, size=count, replace=count > len(rows)))
        empty = np.zeros(0, dtype=np.int64)
        return (np.concatenate([empty, *drawn[True]]), np.concatenate([empty, *drawn[False]]))
