"""Similarity losses: each a function and a thin class."""

from simlearn.losses.base import Loss, LossOutput, Pairs, Triplets
from simlearn.losses.contrastive import ContrastiveLoss, contrastive_loss
from simlearn.losses.triplet import TripletLoss, triplet_loss

__all__ = [
    "ContrastiveLoss",
    "Loss",
    "LossOutput",
    "Pairs",
    "TripletLoss",
    "Triplets",
    "contrastive_loss",
    "triplet_loss",
]
