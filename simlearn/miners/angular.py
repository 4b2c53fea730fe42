"""Triplets with a large angle at the negative (Wang et al. 2017, angular loss)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from simlearn.losses.anchor_blocks import prepared
from simlearn.losses.base import Triplets
from simlearn.losses.distances import squared_distances
from simlearn.miners.base import Miner, select_triplets

WAY_OUT = "raise miner.angle, or put fewer samples of a class into a batch"


@torch.no_grad()
def angular_triplets(z: Tensor, y: Tensor, *, angle: float = 20.0) -> Triplets:
    """Every (a, p, n) whose angle at n is above ``angle``.

    The paper's angle, ``atan(|a - p| / (2 |n - c|))`` with c the middle of a and p. By
    Apollonius ``4 |n - c|^2 = 2 d_an^2 + 2 d_pn^2 - d_ap^2``, so it is above the bound where

        ``d_ap^2 > 2 sin^2(angle) (d_an^2 + d_pn^2)``:

    a sum of squared distances for each triplet, whatever d is, and nothing that cancels far from
    the origin or for duplicates. Of n = c with a != p the angle is 90 degrees; of a = p it is 0.
    The distances take O(B^2) memory.

    Args:
        z: ``(B, d)`` embeddings, used as given; computed in float64.
        y: ``(B,)`` integer labels.
        angle: degrees in [0, 90).

    Returns:
        The triplets in lexicographic order, possibly none. Above 10,000,000 a warning comes
        before they are made.

    Raises:
        ValueError: wrong shapes, float labels, or an angle outside [0, 90).
    """
    _check_angle(angle)
    z, y = prepared(z, y)
    d2 = squared_distances(z, z)
    share = 2.0 * math.sin(math.radians(angle)) ** 2

    def wide(a: Tensor, p: Tensor) -> Tensor:
        return d2[a].add_(d2[p]).mul_(share) < d2[a, p][:, None]

    return select_triplets(y, wide, way_out=WAY_OUT)


def _check_angle(angle: float) -> None:
    if not 0 <= angle < 90:
        raise ValueError(f"angle is {angle}, must be degrees from 0 to below 90")


class AngularMiner(Miner):
    """:func:`angular_triplets` with its setting, as a miner.

    Args:
        angle: degrees in [0, 90).

    Raises:
        ValueError: an angle outside [0, 90).
    """

    def __init__(self, angle: float = 20.0) -> None:
        _check_angle(angle)
        self.angle = angle

    def __call__(
        self, z: Tensor, y: Tensor, *, generator: torch.Generator | None = None
    ) -> Triplets:
        """The triplets of ``z (B, d)`` above the angle; ``generator`` is not used.

        Raises:
            ValueError: wrong shapes or float labels.
        """
        return angular_triplets(z, y, angle=self.angle)
