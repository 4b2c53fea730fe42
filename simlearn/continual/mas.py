"""Memory aware synapses: hold what moves the length of the embeddings."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from simlearn.continual.hold_parameters import BATCH, HoldParameters, drawn_images
from simlearn.continual.per_sample import mean_power, single_target
from simlearn.data.experiences import Experience
from simlearn.learners.metric import MetricLearner


class MAS(HoldParameters):
    """``lambda/2 sum Omega (theta - theta*)^2``, Omega from images alone: no label, no loss.

    Aljundi et al. 2018 ("Memory Aware Synapses"), for embeddings as Yu et al. 2020 (E-MAS, their
    equation 6). Omega is :func:`sensitivity`, summed over the experiences; theta* are the newest
    parameters. It is held for the trained parameters of the backbone and the head.

    Args:
        weight: lambda. The default is ours, for AdamW; the best differs by loss and data. Plain SGD
            diverges where rate * lambda * the largest Omega exceeds about 2.
        decay: of the importance before: 1 keeps all, 0 only the last experience's.
        samples: training images of an experience that are used, drawn anew for each; ``None``: all.

    Raises:
        ValueError: a value out of its range.
    """

    def __init__(
        self, weight: float = 100.0, decay: float = 1.0, samples: int | None = 500
    ) -> None:
        super().__init__(weight, decay, samples)

    def importance(self, learner: MetricLearner, exp: Experience) -> dict[str, Tensor]:
        """The sensitivity of some of the experience's images."""
        images = drawn_images(exp.train, self.samples, exp.generator("mas"))
        return sensitivity(learner.backbone, learner.head, images.batches(exp.scale, BATCH))


def sensitivity(
    backbone: nn.Module, head: nn.Module, batches: Iterable[tuple[Tensor, Tensor]]
) -> dict[str, Tensor]:
    """Mean over samples of ``|d ||z||^2 / d theta|``, z before it is brought to length 1.

    The absolute value is that of each sample's gradient (Aljundi et al. 2018, equation 2), not of a
    batch's mean. An embedding of length 1 has a constant length and no gradient of it: a head with
    a switch ``normalise`` is asked without it; of another head z is taken as it comes.

    Args:
        backbone: images to features.
        head: features to embeddings ``(B, d)``.
        batches: images ``(B, ...)`` and labels, which are not looked at.

    Returns:
        By name (``backbone.*``, ``head.*``), in the parameters' shapes; frozen ones are left out.

    Raises:
        ValueError: no sample.
    """
    network = nn.Sequential(OrderedDict(backbone=backbone, head=head))
    with without_normalisation(head):
        return mean_power(network, _squared_length, batches, single_target, power=1)


@contextmanager
def without_normalisation(head: Any) -> Iterator[None]:
    """A head with a switch ``normalise`` gives embeddings of any length meanwhile."""
    normalise = getattr(head, "normalise", False)
    if normalise:
        head.normalise = False
    try:
        yield
    finally:
        if normalise:
            head.normalise = normalise


def _squared_length(z: Tensor, _y: Tensor) -> Tensor:
    return z.square().sum(1)
