"""Learning without forgetting (Li and Hoiem 2016), for networks that embed."""

from __future__ import annotations

from torch import Tensor

from simlearn.continual.base import KeepMeans
from simlearn.continual.distillation import embedding_distillation, softmax_distillation
from simlearn.continual.teacher import Teacher
from simlearn.data.experiences import Experience
from simlearn.learners.contract import Step
from simlearn.learners.metric import MetricLearner
from simlearn.losses.base import positive_number


class LwF(KeepMeans):
    """Hold the embeddings of the new images to where the network before the experience put them.

    The penalty is ``weight`` times the mean squared distance between the embeddings of both
    networks ("E-LwF" of Yu et al. 2020). Where the loss owns a softmax head (CenterLoss), the
    logits of the old classes are distilled too, as in Li and Hoiem's paper, with the same weight;
    their warm-up of new output units is left out. Nothing is kept between experiences but the class
    means.

    Args:
        weight: of the penalty, at least 0; 1 in Yu et al. (2020).
        temperature: of the logits, above 0; see
            :func:`simlearn.continual.distillation.softmax_distillation`.

    Attributes:
        teacher: the network before the experience; ``None`` in the first one and between them.

    Raises:
        ValueError: a value out of its range.
    """

    def __init__(self, weight: float = 1.0, temperature: float = 2.0) -> None:
        super().__init__()
        if not weight >= 0:
            raise ValueError(f"strategy.weight is {weight}, must not be negative")
        positive_number("strategy.temperature", temperature)
        self.weight, self.temperature = weight, temperature
        self.teacher: Teacher | None = None

    def begin(self, learner: MetricLearner, exp: Experience) -> None:
        """From the second experience on: copy the network as it is before the first step."""
        self.teacher = Teacher(learner, len(exp.old)) if exp.number else None

    def end(self, learner: MetricLearner, exp: Experience) -> None:
        """Let go of the copy and keep the means of the new classes."""
        self.teacher = None
        super().end(learner, exp)

    def penalty(self, step: Step) -> Tensor:
        """The distillation over all rows of the batch; 0 in the first experience."""
        if self.teacher is None:
            return super().penalty(step)
        _, old = self.teacher.embed(step.h, step.cut)
        return self.distillation(self.teacher, step.z, old)

    def distillation(self, teacher: Teacher, z: Tensor, old: Tensor) -> Tensor:
        """``weight`` times the distillation of embeddings and of logits, if there are any.

        Args:
            teacher: the network before the experience.
            z: ``(B, d)`` embeddings by the present network.
            old: ``(B, d)`` of the same inputs by the teacher.
        """
        value = embedding_distillation(z, old)
        logits = teacher.logits(z, old)
        if logits is not None:
            value = value + softmax_distillation(*logits, self.temperature)
        return self.weight * value

    def transient_bytes(self) -> int:
        """Bytes of the copy of the network."""
        return self.teacher.bytes() if self.teacher is not None else 0
