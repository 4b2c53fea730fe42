"""Training on all classes seen so far: the ceiling."""

from __future__ import annotations

from typing import Any

from simlearn.continual.base import KeepMeans
from simlearn.continual.class_means import class_means
from simlearn.continual.network import embeddings, tensor_bytes
from simlearn.data.experiences import Experience
from simlearn.learners.metric import MetricLearner


class Joint(KeepMeans):
    """A network trained from scratch on the images of all classes seen so far: the ceiling.

    Args:
        restarts: draw the network anew for every experience; else go on with the one before.
    """

    cumulative = True

    def __init__(self, restarts: bool = True) -> None:
        super().__init__()
        self.restarts = restarts
        self.image_bytes = 0

    def end(self, learner: MetricLearner, exp: Experience) -> None:
        """Take the means of all classes anew: their images are all there."""
        z = embeddings(learner, exp.train, exp.scale)
        self.means = class_means(z, exp.train.y, exp.seen)
        self.image_bytes = tensor_bytes(exp.train.x)

    def memory_bytes(self) -> int:
        """Bytes of the means and of the images of all seen classes, which it needs again."""
        return super().memory_bytes() + self.image_bytes

    def state_dict(self) -> dict[str, Any]:
        """The means, and how many bytes the images have; they themselves are the data set's."""
        return super().state_dict() | {"image_bytes": self.image_bytes}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore them."""
        super().load_state_dict(state)
        self.image_bytes = int(state["image_bytes"])
