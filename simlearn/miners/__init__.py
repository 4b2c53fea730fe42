"""Miners: which tuples of a batch a loss looks at."""

from simlearn.miners.all_tuples import AllPairs, AllTriplets
from simlearn.miners.angular import AngularMiner
from simlearn.miners.base import Miner
from simlearn.miners.batch_easy import BatchEasyMiner
from simlearn.miners.batch_hard import BatchHardMiner
from simlearn.miners.distance_weighted import DistanceWeightedMiner
from simlearn.miners.pml import PMLMiner
from simlearn.miners.semihard import SemihardMiner

__all__ = [
    "AllPairs",
    "AllTriplets",
    "AngularMiner",
    "BatchEasyMiner",
    "BatchHardMiner",
    "DistanceWeightedMiner",
    "Miner",
    "PMLMiner",
    "SemihardMiner",
]
