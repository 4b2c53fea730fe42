"""What a learner and a strategy against forgetting say to each other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from simlearn.data.embeddings import Embeddings
from simlearn.data.experiences import Experience

if TYPE_CHECKING:
    from simlearn.learners.metric import MetricLearner


@dataclass(frozen=True)
class Replay:
    """Samples of classes that join a batch.

    Attributes:
        h: ``(R, *F)`` activations at ``cut``; images ``(R, C, H, W)`` where it is "input".
        y: ``(R,)`` int64 labels.
        cut: where they enter the backbone.
        replace: the batch's own rows are left out: their classes are among the samples.
    """

    h: Tensor
    y: Tensor
    cut: str = "input"
    replace: bool = False


@dataclass(frozen=True)
class Step:
    """One training step as a penalty sees it: first the batch's own rows, then the replayed.

    Attributes:
        h: ``(B, *F)`` activations at ``cut``.
        f: ``(B, dim)`` features before the head.
        y: ``(B,)`` int64 labels.
        z: ``(B, d)`` embeddings, with a graph as f has.
        cut: where h lies; "input" for images.
        n_new: own rows of the batch; the others are replayed.
    """

    h: Tensor
    f: Tensor
    y: Tensor
    z: Tensor
    cut: str
    n_new: int


class Strategy(ABC):
    """What is done against forgetting.

    The loop calls ``begin``, trains, and calls ``end``, for one experience after the other. What a
    strategy must not lose between them is in its ``state_dict``; what ``begin`` makes for the
    experience alone (a copy of the network, a bank of samples) is a function of the state, of the
    learner and of the experience's seed, and is made again when a run is resumed.

    Attributes:
        cumulative: an experience brings the images of all classes seen so far.
        restarts: the network is drawn anew for every experience.
        per_class: replayed samples of each drawn class; ``None`` for as many replayed as new ones.
        replays: brings samples of other classes from the second experience on, so that a similarity
            loss has negatives even where one class arrives alone.
    """

    cumulative: bool = False
    restarts: bool = False
    per_class: int | None = None
    replays: bool = False

    def trains(self, exp: Experience) -> bool:
        """Whether anything is trained in an experience."""
        return True

    def source(self, exp: Experience) -> str:
        """Cut at which the training images of an experience are embedded once and for all.

        "input" where layers below a cut still move, or where images are augmented.
        """
        return "input"

    @abstractmethod
    def begin(self, learner: MetricLearner, exp: Experience) -> None:
        """Before the first step of an experience; the learner has all that was learnt before."""

    @abstractmethod
    def end(self, learner: MetricLearner, exp: Experience) -> None:
        """After its last step: keep what will be needed."""

    @abstractmethod
    def replayable(self) -> tuple[int, ...]:
        """Labels of which samples can be had in this experience; empty for none."""

    @abstractmethod
    def replay(
        self, classes: Sequence[int], per_class: int, *, generator: torch.Generator
    ) -> Replay | None:
        """``per_class`` samples of each of ``classes``; ``None`` for a strategy without any."""

    @abstractmethod
    def penalty(self, step: Step) -> Tensor:
        """A scalar that is added to the loss, 0 where there is nothing to hold."""

    @abstractmethod
    def prototypes(self) -> Embeddings | None:
        """One embedding per class seen so far, for the nearest class mean; ``None`` before any."""

    @abstractmethod
    def memory_bytes(self) -> int:
        """Bytes kept between experiences."""

    @abstractmethod
    def transient_bytes(self) -> int:
        """Bytes needed besides while an experience is trained, such as a copy of the network."""

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """Tensors and plain containers."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore them into an instance made with the same arguments."""
