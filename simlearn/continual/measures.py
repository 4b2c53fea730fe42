"""What is measured after every experience, on the test images of all classes seen so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from simlearn.continual.class_means import class_means, nearest_class, prototypes_of
from simlearn.continual.network import activations, embeddings, embeddings_from
from simlearn.data.experiences import Experience
from simlearn.data.labelled_images import LabelledImages, PixelScale
from simlearn.data.randomness import derive_seed, torch_generator
from simlearn.evaluation.class_diagnostics import class_diagnostics
from simlearn.evaluation.class_protocol import ClassIncremental
from simlearn.evaluation.origin_probe import origin_probe
from simlearn.evaluation.regions import intrusion, mean_drift, neighbour_purity
from simlearn.learners.contract import Strategy
from simlearn.learners.metric import MetricLearner

PICTURED = 60
"""Test images of each class in a picture of the embedding; half as many replayed points."""
PROBED = 1000
"""Most activations of each origin that the probe looks at."""


@dataclass(frozen=True)
class Measures:
    """Measures a learner after an experience; called by the loop.

    Attributes:
        train: training images of all classes, for the diagnostic ``ncm_real`` alone.
        test: test images of all classes.
        sizes: classes of every experience.
        scale: from bytes to what the network sees.
        protocol: what is measured.
        seed: of the run.
    """

    train: LabelledImages
    test: LabelledImages
    sizes: Sequence[int]
    scale: PixelScale
    protocol: ClassIncremental
    seed: int

    def __call__(
        self,
        learner: MetricLearner,
        strategy: Strategy,
        exp: Experience,
        earlier: list[dict[str, Any]],
    ) -> dict[str, Any]:
        """Accuracies and diagnostics after ``exp``.

        Returns:
            ``ncm``: for every experience so far the share of its test images whose nearest
            prototype is of their class; ``counts``: how many there are; ``correct``: bool per test
            image of a seen class, in order; ``labels``: their classes; ``test_means (K, d)``;
            ``ncm_real``; with ``protocol.diagnostics`` the figures of :meth:`_diagnostics`.

        Raises:
            ValueError: the strategy has no prototypes.
        """
        test = self.test.of(exp.seen)
        z = embeddings(learner, test, self.scale)
        prototypes = strategy.prototypes()
        if prototypes is None:
            raise ValueError(f"{type(strategy).__name__} has no prototypes after an experience")
        correct = nearest_class(z, prototypes) == test.y
        parts = [self._rows(test.y, k) for k in range(exp.number + 1)]
        found: dict[str, Any] = {
            "ncm": [float(correct[rows].float().mean()) for rows in parts],
            "counts": [int(rows.sum()) for rows in parts],
            "correct": correct,
            "labels": test.y,
            "test_means": class_means(z, test.y, exp.seen),
        }
        if self.protocol.diagnostics:
            found |= self._diagnostics(learner, strategy, exp, earlier, z, test.y)
        if exp.number + 1 in self.protocol.pictures:
            found["picture"] = self._picture(learner, strategy, exp, z, test.y)
        return found

    def _rows(self, y: Tensor, number: int) -> Tensor:
        """Which of the labels belong to experience ``number``."""
        first = sum(self.sizes[:number])
        return (y >= first) & (y < first + self.sizes[number])

    def _diagnostics(
        self,
        learner: MetricLearner,
        strategy: Strategy,
        exp: Experience,
        earlier: list[dict[str, Any]],
        z: Tensor,
        y: Tensor,
    ) -> dict[str, Any]:
        """``ncm_real``, retrieval, SVM, the regions of old classes, and the probe of origins."""
        train = self.train.of(exp.seen)
        real = class_means(embeddings(learner, train, self.scale), train.y, exp.seen)
        hits = nearest_class(z, prototypes_of(real, exp.seen)) == y
        found: dict[str, Any] = {"ncm_real": float(hits.float().mean())}
        found |= class_diagnostics(z, y, folds=self.protocol.svm_folds, seed=self._draw("svm", exp))
        if exp.old:
            before = earlier[-1]["test_means"] if earlier else z[:0]
            found |= self._regions(strategy, exp, before, z, y)
            if self.protocol.probe:
                found |= self._probe(learner, strategy, exp)
        return found

    def _regions(
        self, strategy: Strategy, exp: Experience, before: Tensor, z: Tensor, y: Tensor
    ) -> dict[str, Any]:
        """Drift of old classes' means, purity of their neighbourhoods, intrusion of new ones."""
        prototypes = strategy.prototypes()
        assert prototypes is not None  # noqa: S101 (measured before)
        there = exp.old[: len(before)]  # measured before; all old classes unless there were gaps
        now = class_means(z, y, there)
        return {
            "old_mean_drift": float(mean_drift(before[: len(there)], now).mean()),
            "old_purity": neighbour_purity(z, y, exp.old, k=self.protocol.neighbours),
            "intrusion": intrusion(z, y, prototypes, exp.old),
        }

    def _probe(self, learner: MetricLearner, strategy: Strategy, exp: Experience) -> dict[str, Any]:
        """How well a linear probe tells generated activations of old classes from real ones."""
        classes = [label for label in exp.old if label in strategy.replayable()]
        if not classes:
            return {}
        per_class = max(2, PROBED // len(classes))
        drawn = strategy.replay(classes, per_class, generator=self._generator("probe", exp))
        if drawn is None or drawn.cut == "input":
            return {}
        images = self.test.of(classes)
        images = images.rows(_some(images.y, per_class))
        real = activations(learner, images, self.scale, drawn.cut)
        found = origin_probe(real.flatten(1), drawn.h.flatten(1), seed=self._draw("probe", exp))
        return {"origin_probe": found["accuracy"]}

    def _picture(
        self, learner: MetricLearner, strategy: Strategy, exp: Experience, z: Tensor, y: Tensor
    ) -> dict[str, Tensor]:
        """Some embeddings of test images, and of replayed samples (``hollow``)."""
        rows = _some(y, PICTURED)
        z, y, hollow = z[rows], y[rows], torch.zeros(len(rows), dtype=torch.bool)
        classes = [label for label in exp.old if label in strategy.replayable()]
        drawn = (
            strategy.replay(classes, PICTURED // 2, generator=self._generator("picture", exp))
            if classes
            else None
        )
        if drawn is not None:
            replayed = embeddings_from(learner, drawn.h, drawn.cut)
            z, y = torch.cat([z, replayed]), torch.cat([y, drawn.y])
            hollow = torch.cat([hollow, torch.ones(len(replayed), dtype=torch.bool)])
        return {"z": z, "y": y, "hollow": hollow}

    def _generator(self, what: str, exp: Experience) -> torch.Generator:
        return torch_generator(self.seed, what, exp.number)

    def _draw(self, what: str, exp: Experience) -> int:
        return derive_seed(self.seed, what, exp.number) % 2**31


def _some(y: Tensor, most: int) -> Tensor:
    """Rows of the first ``most`` items of every class, in order."""
    kept = torch.zeros(len(y), dtype=torch.bool)
    for label in y.unique():
        kept[(y == label).nonzero().flatten()[:most]] = True
    return kept.nonzero().flatten()
