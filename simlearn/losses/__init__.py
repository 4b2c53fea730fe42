"""Similarity losses: each a function and a thin class."""

from simlearn.losses.angular import AngularLoss, angular_loss
from simlearn.losses.base import Loss, LossOutput, Pairs, Triplets
from simlearn.losses.center import CenterLoss, center_loss
from simlearn.losses.contrastive import ContrastiveLoss, contrastive_loss
from simlearn.losses.cross_batch_memory import CrossBatchMemory
from simlearn.losses.gather import gather_embeddings
from simlearn.losses.pml import PMLLoss
from simlearn.losses.triplet import TripletLoss, triplet_loss

__all__ = [
    "AngularLoss",
    "CenterLoss",
    "ContrastiveLoss",
    "CrossBatchMemory",
    "Loss",
    "LossOutput",
    "PMLLoss",
    "Pairs",
    "TripletLoss",
    "Triplets",
    "angular_loss",
    "center_loss",
    "contrastive_loss",
    "gather_embeddings",
    "triplet_loss",
]
