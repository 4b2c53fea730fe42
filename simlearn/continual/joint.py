"""Training on all classes seen so far: the ceiling."""

from __future__ import annotations

from simlearn.continual.base import KeepMeans
from simlearn.continual.class_means import class_means
from simlearn.continual.network import embeddings
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

    def end(self, learner: MetricLearner, exp: Experience) -> None:
        """Take the means of all classes anew: their images are all there."""
        z = embeddings(learner, exp.train, exp.scale)
        self.means = class_means(z, exp.train.y, exp.seen)
