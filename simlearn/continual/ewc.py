"""Elastic weight consolidation for similarity losses."""

from __future__ import annotations

import math
from typing import Literal, get_args

from torch import Tensor, nn
from torch.nn import functional as F

from simlearn.continual.batch_loss_fisher import ROWS, batch_loss_fisher
from simlearn.continual.fisher import Kind, fisher_diagonal
from simlearn.continual.hold_parameters import BATCH, HoldParameters, drawn_images
from simlearn.continual.prototype_likelihood import PrototypeClassifier
from simlearn.data.experiences import Experience
from simlearn.learners.metric import MetricLearner

Mode = Literal["online", "offline"]
Likelihood = Literal["prototype", "batch_loss"]


class EWC(HoldParameters):
    """``lambda/2 sum F (theta - theta*)^2`` holds the parameters that earlier classes need.

    Kirkpatrick et al. 2017. The Fisher information needs a likelihood of a single sample, which
    similarity losses do not have: "prototype" takes ``p(c|x) = softmax_c(-||z - mu_c||^2 / tau)``
    with the class means that are kept, each from the end of its class's own experience (with a
    single class it is constant, and nothing is held); "batch_loss" takes the squared gradient of
    batches of the loss itself, which depends on their size and is 0 once every tuple is satisfied.
    F is held for the trained parameters of the backbone and the head; tables that the loss keeps
    per class are left free.

    Memory does not grow with the experiences: "offline" keeps the exact sum of all their penalties
    in the form of one; "online" (Schwarz et al. 2018) one penalty about the newest parameters.

    Args:
        weight: lambda. The default is ours, for AdamW; the best differs by orders of magnitude with
            loss and data. Plain SGD diverges where rate * lambda * the largest F exceeds about 2.
        kind: labels of the Fisher with "prototype": "exact" expectation over the classes,
            one "sample" of them, or the "empirical" given one.
        mode: "online" or "offline".
        decay: of the importance before, with "online": 1 keeps all, 0 only the last experience's.
        likelihood: "prototype" or "batch_loss".
        tau: temperature of "prototype".
        samples: training images of an experience that are used, drawn anew for each; ``None``: all.

    Raises:
        ValueError: a value out of its range.
    """

    def __init__(
        self,
        weight: float = 1000.0,
        kind: Kind = "exact",
        mode: Mode = "online",
        decay: float = 1.0,
        likelihood: Likelihood = "prototype",
        tau: float = 1.0,
        samples: int | None = 500,
    ) -> None:
        super().__init__(weight, decay, samples)
        for name, value, choices in (
            ("kind", kind, get_args(Kind)),
            ("mode", mode, get_args(Mode)),
            ("likelihood", likelihood, get_args(Likelihood)),
        ):
            if value not in choices:
                raise ValueError(f"strategy.{name} is {value!r}, must be one of {choices}")
        if mode == "offline" and decay != 1:
            raise ValueError(
                f"strategy.decay is {decay}: only strategy.mode=online lets the importance decay"
            )
        if not 0 < tau < math.inf:
            raise ValueError(f"strategy.tau is {tau}, must be above 0")
        self.kind, self.mode, self.likelihood, self.tau = kind, mode, likelihood, tau

    def importance(self, learner: MetricLearner, exp: Experience) -> dict[str, Tensor]:
        """The Fisher diagonal of some of the experience's images."""
        generator = exp.generator("ewc")
        images = drawn_images(exp.train, self.samples, generator)
        if self.likelihood == "batch_loss":
            batches = math.ceil(len(images) / ROWS)
            return batch_loss_fisher(
                learner, images, exp.scale, batches=batches, generator=generator
            )
        model = PrototypeClassifier(learner.backbone, learner.head, self.means, self.tau)
        batches_of_images = images.batches(exp.scale, BATCH)
        return fisher_diagonal(
            model, _negative_log_likelihood, batches_of_images, kind=self.kind, generator=generator
        )

    def keep(self, importance: dict[str, Tensor], values: dict[str, nn.Parameter]) -> None:
        """Add a penalty about the newest parameters, or move the one there is."""
        if self.mode == "offline":
            self.held.add(importance, values)
        else:
            super().keep(importance, values)


def _negative_log_likelihood(logits: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(logits, y, reduction="none")
