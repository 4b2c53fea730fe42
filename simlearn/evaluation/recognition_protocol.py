"""What a face paper measures beyond retrieval, as a configuration states it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from simlearn.evaluation.protocol import VideoRetrieval

Kernel = Literal["linear", "rbf"]
Pairs = Literal["auto", "drawn", "none"]


@dataclass(frozen=True, kw_only=True)
class VideoRecognition(VideoRetrieval):
    """Retrieval, n-shot identification, verification and controls: what a face paper measures.

    n-shot identification draws n examples of each test identity, fits an SVM on their embeddings
    and names the items of its other videos; see :func:`simlearn.evaluation.nshot_svm`. The same
    identities are used for every n. Verification tells pairs of videos of one person from pairs of
    two; see :func:`simlearn.evaluation.verification`.

    Args:
        shots: numbers n of videos per identity in the support; empty for none.
        clip_shots: numbers n of clips per identity in the support; empty for none.
        kernels: of the SVM.
        draws: supports drawn.
        pairs: ``"auto"``: where ``data.split`` is a fold, the official pairs of the database, that
            fold being measured with the threshold of the others; else pairs drawn among the test
            videos in identity-disjoint folds. ``"drawn"``: always these; ``"none"``: no pairs.
        folds: folds of drawn pairs; fewer where there are too few identities.
        pairs_per_fold: drawn pairs in a fold, half of them of one person.
        exclude_pairs: file of official pairs to leave out, such as errata: ``Name``, ``Name/3`` or
            ``Name/3, Other/1``, one a line.
        controls: measure networks of clips with each clip's frames shuffled, and with one frame
            repeated, too.

    Raises:
        ValueError: names the value and what it may be.
    """

    shots: tuple[int, ...] = (1, 2)
    clip_shots: tuple[int, ...] = (5,)
    kernels: tuple[Kernel, ...] = ("linear", "rbf")
    draws: int = 20
    pairs: Pairs = "auto"
    folds: int = 10
    pairs_per_fold: int = 500
    exclude_pairs: Path | None = None
    controls: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("shots", "clip_shots"):
            _check_shots(name, getattr(self, name))
        wrong = [k for k in self.kernels if k not in get_args(Kernel)]
        if wrong or not self.kernels:
            raise ValueError(
                f"evaluation.kernels is {list(self.kernels)}, must be of "
                f"{', '.join(get_args(Kernel))}, at least one"
            )
        if self.pairs not in get_args(Pairs):
            raise ValueError(
                f"evaluation.pairs is {self.pairs!r}, must be one of {', '.join(get_args(Pairs))}"
            )
        for name, least in (("draws", 1), ("folds", 2), ("pairs_per_fold", 2)):
            if getattr(self, name) < least:
                raise ValueError(
                    f"evaluation.{name} is {getattr(self, name)}, must be at least {least}"
                )


def _check_shots(name: str, shots: Sequence[int]) -> None:
    if any(n < 1 for n in shots) or len(set(shots)) < len(shots):
        raise ValueError(
            f"evaluation.{name} is {list(shots)}, must be different whole numbers from 1 upward"
        )
