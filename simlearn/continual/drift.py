"""Semantic drift compensation (Yu et al. 2020): move old class means as new images have moved."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from simlearn.continual.class_means import class_means, has_unit_length
from simlearn.continual.fine_tune import FineTune
from simlearn.continual.network import embeddings, tensor_bytes
from simlearn.data.experiences import Experience
from simlearn.learners.metric import MetricLearner
from simlearn.losses.base import positive_number

PAIRS = 4_000_000
"""Distances between prototypes and points that are held at once."""


def drift_of_prototypes(
    prototypes: Tensor, before: Tensor, after: Tensor, sigma: float = 0.3
) -> Tensor:
    """Prototypes moved by the mean drift of the points around them.

    Equations 9 to 13 of Yu et al. (2020)::

        mu + sum_i w_i (after_i - before_i) / sum_i w_i
        w_i = exp(-||before_i - mu||^2 / (2 sigma^2))

    The weights are taken relative to that of the nearest point. Far from all points, where each of
    them would be 0 in any precision, the prototype moves as its nearest point does. Computed in
    float64, some prototypes at a time where there are many points.

    Args:
        prototypes: ``(K, d)`` means mu in the old network.
        before: ``(N, d)`` embeddings of the points in the old network.
        after: ``(N, d)`` embeddings of the same points in the new network.
        sigma: reach of a point, in the units of the embeddings; 0.3 in the paper, for embeddings of
            length 1.

    Returns:
        ``(K, d)`` moved prototypes in the type of ``prototypes``; no row for K = 0.

    Raises:
        ValueError: no point, shapes that do not belong together, or a sigma that is not above 0.
    """
    positive_number("sigma", sigma)
    if before.ndim != 2 or before.shape != after.shape or prototypes.shape[1:] != before.shape[1:]:
        raise ValueError(
            f"prototypes must be (K, d), before and after (N, d), found {tuple(prototypes.shape)}, "
            f"{tuple(before.shape)} and {tuple(after.shape)}"
        )
    if not len(before):
        raise ValueError("there is no point whose drift could be measured: give new images")
    points = before.double()
    delta = after.double() - points
    moved = [
        some + _weights(some, points, sigma) @ delta
        for some in prototypes.double().split(max(1, PAIRS // len(points)))
    ]
    return torch.cat(moved).to(prototypes.dtype)


def _weights(prototypes: Tensor, points: Tensor, sigma: float) -> Tensor:
    """``(K, N)`` weights of the points for each prototype; every row sums to 1."""
    exact = "donot_use_mm_for_euclid_dist"
    square = torch.cdist(prototypes, points, compute_mode=exact).square()
    beyond = square - square.amin(dim=1, keepdim=True)
    weights = torch.exp(-(beyond / sigma / sigma) / 2)
    return weights / weights.sum(dim=1, keepdim=True)


class SDC(FineTune):
    """Fine-tuning whose old class means follow the network (E-FT + SDC, Yu et al. 2020).

    No image is kept. The new images are embedded before and after the training of an experience;
    :func:`drift_of_prototypes` carries their drift over to the means of the old classes. Where all
    embeddings have unit length a moved mean is brought back to it, as every other class mean is;
    the paper leaves it where it lands.

    Args:
        sigma: reach of a new image, in the units of the embeddings; the paper takes 0.3, and 0.2 on
            CIFAR-100.

    Raises:
        ValueError: a sigma that is not above 0.
    """

    def __init__(self, sigma: float = 0.3) -> None:
        super().__init__()
        positive_number("strategy.sigma", sigma)
        self.sigma = sigma
        self.before: Tensor | None = None

    def begin(self, learner: MetricLearner, exp: Experience) -> None:
        """Keep the embeddings of the new images, where there is an old mean to move."""
        self.before = embeddings(learner, exp.train, exp.scale) if exp.old else None

    def end(self, learner: MetricLearner, exp: Experience) -> None:
        """Move the old means by the drift of the new images, then keep the means of the new.

        Raises:
            ValueError: ``begin`` was not called for an experience with old classes.
        """
        after = embeddings(learner, exp.train, exp.scale)
        old = self.old_means(exp, after)
        if exp.old:
            if self.before is None:
                raise ValueError("the drift needs the embeddings before training: call begin first")
            old = drift_of_prototypes(old, self.before, after, self.sigma)
            if has_unit_length(after):
                old = F.normalize(old, dim=1)
        self.means = torch.cat([old, class_means(after, exp.train.y, exp.new)])
        self.before = None

    def transient_bytes(self) -> int:
        """Bytes of the new images' embeddings."""
        return tensor_bytes(self.before)
