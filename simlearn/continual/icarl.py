"""iCaRL (Rebuffi et al. 2017) for networks that embed: exemplars, distillation, nearest mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from simlearn.continual.base import KeepMeans
from simlearn.continual.class_means import class_means
from simlearn.continual.distillation import embedding_distillation, sigmoid_distillation
from simlearn.continual.herding_order import herding
from simlearn.continual.memory import ExemplarMemory
from simlearn.continual.network import embeddings
from simlearn.continual.teacher import Teacher
from simlearn.data.experiences import Experience
from simlearn.data.labelled_images import LabelledImages, PixelScale
from simlearn.learners.contract import Replay, Step
from simlearn.learners.metric import MetricLearner

EXEMPLARS = 2000
"""K of the paper's experiments on CIFAR-100."""


class ICaRL(KeepMeans):
    """A few images of every old class join the batches; classes are told apart by their means.

    After an experience every new class keeps the images that herding chooses on their embeddings,
    brought to unit length, see :class:`simlearn.continual.memory.ExemplarMemory`. Prototypes are
    the means of the embeddings of all exemplars through the network as it is then, of unit length
    where the embeddings are. No image is mirrored for them, and replayed ones are not augmented.

    What learns is the metric loss over new and replayed images. From the second experience on
    the penalty holds all of them to the network before the experience: ``weight`` times the mean
    squared distance of the embeddings and, where the loss owns a softmax head (CenterLoss), the
    paper's distillation of the old classes' logits through sigmoids. The paper replaces the
    classification loss of old classes by the latter; here the loss keeps all classes.

    Args:
        exemplars: images kept of all classes together; 2,000, as in the paper, where neither this
            nor ``budget_bytes`` is given.
        budget_bytes: bytes of them instead.
        weight: of the distillation, at least 0.
        per_class: replayed images of each drawn class, at least 2; ``None`` for as many replayed
            as new ones.

    Attributes:
        memory: the exemplars.
        teacher: the network before the experience; ``None`` in the first one and between them.

    Raises:
        ValueError: a value out of its range, or both budgets.
    """

    replays = True

    def __init__(
        self,
        exemplars: int | None = None,
        budget_bytes: int | None = None,
        weight: float = 1.0,
        per_class: int | None = None,
    ) -> None:
        super().__init__()
        if exemplars is None and budget_bytes is None:
            exemplars = EXEMPLARS
        if not weight >= 0:
            raise ValueError(f"strategy.weight is {weight}, must not be negative")
        if per_class is not None and per_class < 2:
            raise ValueError(f"strategy.per_class is {per_class}, must be at least 2")
        self.memory = ExemplarMemory(exemplars, budget_bytes)
        self.weight, self.per_class = weight, per_class
        self.teacher: Teacher | None = None
        self.scale = PixelScale()

    def begin(self, learner: MetricLearner, exp: Experience) -> None:
        """From the second experience on: copy the network as it is before the first step.

        Raises:
            ValueError: the budget is too small for the classes of this experience.
        """
        self.scale = exp.scale
        self.memory.per_class(len(exp.seen), exp.train.x[0])
        self.teacher = Teacher(learner, len(exp.old)) if exp.number else None

    def end(self, learner: MetricLearner, exp: Experience) -> None:
        """Choose exemplars of the new classes, and take the means of those of all classes."""
        self.teacher = None
        m = self.memory.per_class(len(exp.seen), exp.train.x[0])
        z = F.normalize(embeddings(learner, exp.train, exp.scale), dim=1)
        chosen = []
        for label in exp.new:
            rows = (exp.train.y == label).nonzero().flatten()
            chosen.append(exp.train.x[rows[herding(z[rows], min(m, len(rows)))]])
        self.memory.add(chosen)
        counts = torch.tensor([len(images) for images in self.memory.images])
        y = torch.arange(len(counts)).repeat_interleave(counts)
        kept = LabelledImages(torch.cat(self.memory.images), y, torch.arange(len(y)))
        self.means = class_means(embeddings(learner, kept, exp.scale), y, exp.seen)

    def replayable(self) -> tuple[int, ...]:
        """All classes of earlier experiences."""
        return self.memory.classes

    def replay(
        self, classes: Sequence[int], per_class: int, *, generator: torch.Generator
    ) -> Replay | None:
        """Exemplars drawn uniformly, as the network sees them; again where a class has too few."""
        x, y = self.memory.draw(classes, per_class, generator=generator)
        return Replay(self.scale(x), y)

    def penalty(self, step: Step) -> Tensor:
        """The distillation over all rows of the batch; 0 in the first experience."""
        if self.teacher is None:
            return super().penalty(step)
        _, old = self.teacher.embed(step.h, step.cut)
        value = embedding_distillation(step.z, old)
        logits = self.teacher.logits(step.z, old)
        if logits is not None:
            value = value + sigmoid_distillation(*logits)
        return self.weight * value

    def transient_bytes(self) -> int:
        """Bytes of the copy of the network."""
        return self.teacher.bytes() if self.teacher is not None else 0

    def state_dict(self) -> dict[str, Any]:
        """The means and the exemplars."""
        return {**super().state_dict(), "memory": self.memory.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore them."""
        super().load_state_dict(state)
        self.memory.load_state_dict(state["memory"])
