"""Lightning modules that train a network with a similarity loss."""

from simlearn.learners.metric import MetricLearner
from simlearn.learners.optim import SGD, AdamW
from simlearn.learners.siamese import SiameseNetwork
from simlearn.learners.triplet import TripletNetwork

__all__ = ["SGD", "AdamW", "MetricLearner", "SiameseNetwork", "TripletNetwork"]
