"""What EWC and MAS share: parameters are held at earlier values by their importance."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

from simlearn.continual.base import KeepMeans
from simlearn.continual.quadratic_penalty import QuadraticPenalty
from simlearn.data.experiences import Experience
from simlearn.data.labelled_images import LabelledImages
from simlearn.learners.contract import Step
from simlearn.learners.metric import MetricLearner

BATCH = 64
"""Images that are embedded with a graph at once; no value depends on it."""


class HoldParameters(KeepMeans):
    """A quadratic penalty on moving parameters, by an importance that subclasses define.

    It holds the parameters of the backbone and the head that are trained; tables that the loss
    keeps per class (centres, a softmax) are left free.

    Args:
        weight: lambda, at least 0.
        decay: of the importance before, 0 to 1.
        samples: training images of an experience that are used, drawn anew for each; ``None``: all.

    Attributes:
        held: importance and centre of every parameter.

    Raises:
        ValueError: a value out of its range.
    """

    def __init__(self, weight: float, decay: float, samples: int | None) -> None:
        super().__init__()
        if not 0 <= weight < math.inf:
            raise ValueError(f"strategy.weight is {weight}, must be a number from 0 on")
        if not 0 <= decay <= 1:
            raise ValueError(f"strategy.decay is {decay}, must be between 0 and 1")
        if samples is not None and samples < 1:
            raise ValueError(f"strategy.samples is {samples}, must be at least 1, or null for all")
        self.weight, self.decay, self.samples = weight, decay, samples
        self.held = QuadraticPenalty()
        self.parameters: dict[str, nn.Parameter] = {}

    @abstractmethod
    def importance(self, learner: MetricLearner, exp: Experience) -> dict[str, Tensor]:
        """Of every trained parameter for the classes of an experience, whose means are kept."""

    def begin(self, learner: MetricLearner, exp: Experience) -> None:
        """Know the parameters that the penalty will look at."""
        super().begin(learner, exp)
        self.parameters = held_parameters(learner)

    def penalty(self, step: Step) -> Tensor:
        """``lambda/2 sum_p importance_p (theta_p - theta*_p)^2``; 0 in the first experience."""
        if not self.held.importance:
            return super().penalty(step)
        return self.weight * self.held.value(self.parameters)

    def end(self, learner: MetricLearner, exp: Experience) -> None:
        """Keep the new classes' means, then the importance of every parameter for them."""
        super().end(learner, exp)
        self.keep(self.importance(learner, exp), held_parameters(learner))

    def keep(self, importance: dict[str, Tensor], values: dict[str, nn.Parameter]) -> None:
        """Hold the newest parameters, by what is left of the importance before and the new one."""
        self.held.follow(importance, values, decay=self.decay)

    def state_dict(self) -> dict[str, Any]:
        """The means, the importance and its centre."""
        return {**super().state_dict(), "held": self.held.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore them."""
        super().load_state_dict(state)
        self.held.load_state_dict(state["held"])


def held_parameters(learner: MetricLearner) -> dict[str, nn.Parameter]:
    """Parameters of the backbone and the head by their names in the learner, frozen ones too."""
    named = learner.named_parameters()
    return {name: p for name, p in named if name.startswith(("backbone.", "head."))}


def drawn_images(
    images: LabelledImages, samples: int | None, generator: torch.Generator
) -> LabelledImages:
    """``samples`` images, none twice, in the order of the data set; all where there are fewer."""
    if samples is None or samples >= len(images):
        return images
    return images.rows(torch.randperm(len(images), generator=generator)[:samples].sort().values)
