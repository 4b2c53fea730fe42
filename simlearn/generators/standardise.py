"""Features of one class with mean 0 and standard deviation 1."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

FLOOR = 0.05
"""Smallest standard deviation of a feature, relative to that of the class over all features."""

SMALLEST = 1e-6
"""Smallest standard deviation of all: for a class whose samples are all the same."""


def mean_and_std(x: Tensor, floor: float = FLOOR) -> tuple[Tensor, Tensor]:
    """Mean and floored standard deviation of every feature of a class.

    The standard deviation is the population's (divided by N), and at least ``floor`` times the
    class's overall one, the square root of the mean variance over features: a feature that hardly
    varies is not blown up to the size of the others, and a constant one is divided by no zero.

    Args:
        x: ``(N, D)`` features of one class, N at least 1.
        floor: at least 0; with 0 only :data:`SMALLEST` holds.

    Returns:
        mean ``(D,)`` and std ``(D,)``, above 0, in the type of x.

    Raises:
        ValueError: no sample.
    """
    if not len(x):
        raise ValueError("there is no sample to take the mean and the spread of")
    wide = x.double()
    mean, variance = wide.mean(dim=0), wide.var(dim=0, correction=0)
    overall = float(variance.mean().sqrt()) if variance.numel() else 0.0
    std = variance.sqrt().clamp_min(max(floor * overall, SMALLEST))
    return mean.to(x.dtype), std.to(x.dtype)


@dataclass(frozen=True)
class Standardiser:
    """Takes a class's features to mean 0 and standard deviation 1, and back.

    Attributes:
        mean: ``(D,)``.
        std: ``(D,)``, above 0.
    """

    mean: Tensor
    std: Tensor

    @classmethod
    def of(cls, x: Tensor, floor: float = FLOOR) -> Standardiser:
        """The one of ``x (N, D)``, see :func:`mean_and_std`.

        Raises:
            ValueError: no sample.
        """
        return cls(*mean_and_std(x, floor))

    def apply(self, x: Tensor) -> Tensor:
        """``(x - mean) / std`` of ``(N, D)``."""
        return (x - self.mean) / self.std

    def invert(self, x: Tensor) -> Tensor:
        """``mean + std * x`` of ``(N, D)``."""
        return self.mean + self.std * x
