"""Strategies against forgetting, and the loop over experiences."""

from simlearn.continual.drift import SDC
from simlearn.continual.ebll import EBLL
from simlearn.continual.ewc import EWC
from simlearn.continual.fine_tune import FineTune
from simlearn.continual.fisher import fisher_diagonal
from simlearn.continual.freeze import Freeze
from simlearn.continual.herding_order import herding
from simlearn.continual.icarl import ICaRL
from simlearn.continual.joint import Joint
from simlearn.continual.lwf import LwF
from simlearn.continual.mas import MAS
from simlearn.continual.representation_replay import RepresentationReplay

__all__ = [
    "EBLL",
    "EWC",
    "MAS",
    "SDC",
    "FineTune",
    "Freeze",
    "ICaRL",
    "Joint",
    "LwF",
    "RepresentationReplay",
    "fisher_diagonal",
    "herding",
]
