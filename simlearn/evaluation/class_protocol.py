"""What is measured after every experience, as a configuration states it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

Split = Literal["test", "val"]


@dataclass(frozen=True, kw_only=True)
class ClassIncremental:
    """Accuracy matrix, forgetting, regions of the embedding space and pictures of it.

    Args:
        ideal: what omegas are divided by. ``"joint"``: a network that is trained on all seen
            classes in the same run; a number: the accuracy of such a network; another text: the
            folder of a finished joint run; ``None``: no omegas.
        bootstrap: resamples for the 95 % intervals.
        neighbours: nearest neighbours whose classes are counted.
        svm_folds: folds of the cross-validated linear SVM.
        diagnostics: measure after every experience what is no score: real class means, retrieval,
            the SVM, drift, purity, intrusion, and with ``probe`` that.
        probe: measure how well replayed representations are told from real ones.
        split: "test", or "val" where values are tuned on images that nothing is reported on.
        pictures: experiences, from 1, whose embedding is drawn; those beyond the last are left out,
            and there is no picture for none.

    Raises:
        ValueError: names the value and what it may be.
    """

    ideal: str | float | None = "joint"
    bootstrap: int = 1000
    neighbours: int = 10
    svm_folds: int = 5
    diagnostics: bool = True
    probe: bool = True
    split: Split = "test"
    pictures: tuple[int, ...] = (1, 3, 5)

    def __post_init__(self) -> None:
        self._check_ideal()
        least = {"bootstrap": 1, "neighbours": 1, "svm_folds": 2}
        for name, low in least.items():
            if getattr(self, name) < low:
                raise ValueError(
                    f"evaluation.{name} is {getattr(self, name)}, must be at least {low}"
                )
        if self.split not in get_args(Split):
            raise ValueError(f"evaluation.split is {self.split!r}, must be test or val")
        numbers = list(self.pictures)
        if any(n < 1 for n in numbers) or len(set(numbers)) < len(numbers):
            raise ValueError(
                f"evaluation.pictures is {numbers}, must be different experiences counted from 1"
            )

    def _check_ideal(self) -> None:
        ideal = self.ideal
        if isinstance(ideal, str):
            good = bool(ideal.strip())
        else:
            good = ideal is None or (not isinstance(ideal, bool) and 0 < ideal < math.inf)
        if not good:
            raise ValueError(
                f"evaluation.ideal is {ideal!r}, must be joint, an accuracy above 0, the folder of "
                "a finished joint run, or null for no omegas"
            )
