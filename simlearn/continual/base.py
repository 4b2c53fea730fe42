"""What most strategies have in common: no replay, no penalty, class means kept as they were."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from simlearn.continual.class_means import class_means, prototypes_of
from simlearn.continual.network import embeddings, tensor_bytes
from simlearn.data.embeddings import Embeddings
from simlearn.data.experiences import Experience
from simlearn.learners.contract import Replay, Step, Strategy
from simlearn.learners.metric import MetricLearner


class KeepMeans(Strategy):
    """A strategy that keeps nothing but the mean embedding of every class.

    The mean is taken over the training images at the end of the class's own experience and does
    not move with the network afterwards. Subclasses that override ``begin`` or ``end`` call these.

    Attributes:
        means: ``(K, d)`` float32, row k of label k; no row before the first experience.
    """

    def __init__(self) -> None:
        self.means = torch.zeros(0, 0)

    def begin(self, learner: MetricLearner, exp: Experience) -> None:
        """Nothing to prepare."""

    def end(self, learner: MetricLearner, exp: Experience) -> None:
        """Keep the means of the new classes, through the network as it is now."""
        z = embeddings(learner, exp.train, exp.scale)
        self.means = torch.cat([self.old_means(exp, z), class_means(z, exp.train.y, exp.new)])

    def old_means(self, exp: Experience, z: Tensor) -> Tensor:
        """``(len(exp.old), d)`` means that are kept, d and type as of embeddings ``z (N, d)``.

        Raises:
            ValueError: there are fewer, so that the new ones would get the labels of old classes.
        """
        if len(self.means) < len(exp.old):
            raise ValueError(
                f"{len(exp.old)} classes came before and the means of {len(self.means)} are kept: "
                "load the state of the experience before"
            )
        return self.means[: len(exp.old)] if exp.old else z.new_zeros(0, z.shape[1])

    def replayable(self) -> tuple[int, ...]:
        """No class."""
        return ()

    def replay(
        self, classes: Sequence[int], per_class: int, *, generator: torch.Generator
    ) -> Replay | None:
        """Nothing."""
        return None

    def penalty(self, step: Step) -> Tensor:
        """0."""
        return step.z.new_zeros(())

    def prototypes(self) -> Embeddings | None:
        """The means that were kept."""
        return prototypes_of(self.means, range(len(self.means))) if len(self.means) else None

    def memory_bytes(self) -> int:
        """Bytes of everything in :meth:`state_dict`."""
        return tensor_bytes(self.state_dict())

    def transient_bytes(self) -> int:
        """None."""
        return 0

    def state_dict(self) -> dict[str, Any]:
        """The means."""
        return {"means": self.means}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore them."""
        self.means = state["means"]
