"""A network that learns the first experience only."""

from __future__ import annotations

from simlearn.continual.base import KeepMeans
from simlearn.data.experiences import Experience


class Freeze(KeepMeans):
    """Train in the first experience, then only take the means of new classes ("E-Fix").

    Nothing is forgotten and nothing is learnt: a baseline that many methods fail to beat (Yu et
    al. 2020, tables 1 to 5).
    """

    def trains(self, exp: Experience) -> bool:
        """In the first experience only."""
        return exp.number == 0
