"""Training on what arrives: the lower bound."""

from __future__ import annotations

from simlearn.continual.base import KeepMeans


class FineTune(KeepMeans):
    """Nothing is done against forgetting: the lower bound of every comparison."""
