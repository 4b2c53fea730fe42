"""What a similarity loss takes and gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import torch
from torch import Tensor


class Pairs(NamedTuple):
    """Positions in a batch, int64: ``(a1, p)`` of the same class, ``(a2, n)`` of different ones.

    The order of pytorch-metric-learning, so its tuples and ours are interchangeable.
    """

    a1: Tensor
    p: Tensor
    a2: Tensor
    n: Tensor


class Triplets(NamedTuple):
    """Positions in a batch, int64 ``(T,)`` each: anchor, positive, negative."""

    a: Tensor
    p: Tensor
    n: Tensor


@dataclass(frozen=True)
class LossOutput:
    """A loss and what it was made of.

    Attributes:
        value: scalar float32 (float64 for float64 embeddings); 0 with a graph if no tuple counts.
        active: tuples with a loss above 0.
        total: tuples considered after mining.
        parts: further scalars by name, detached.
    """

    value: Tensor
    active: int
    total: int
    parts: dict[str, Tensor] = field(default_factory=dict)


class Loss(Protocol):
    """``(z (B, d), y (B,), tuples) -> LossOutput``."""

    def __call__(self, z: Tensor, y: Tensor, tuples: Sequence[Tensor] | None = None) -> LossOutput:
        """Compute the loss of a batch."""
        ...


def full_precision(z: Tensor) -> Tensor:
    """Half-precision embeddings as float32; float32 and float64 as they are."""
    return z if z.dtype in (torch.float32, torch.float64) else z.float()


def check_batch(z: Tensor, y: Tensor) -> None:
    """Check ``z (B, d)`` and ``y (B,)`` int.

    Raises:
        ValueError: with the shapes found.
    """
    if z.ndim != 2 or y.shape != z.shape[:1]:
        raise ValueError(
            f"z must be (B, d) and y (B,), found {tuple(z.shape)} and {tuple(y.shape)}"
        )
    if y.is_floating_point():
        raise ValueError(f"y must hold integer labels, found {y.dtype}")


def check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Raise a ValueError that lists the choices unless ``value`` is one of them."""
    if value not in choices:
        raise ValueError(f"{name} is {value!r}, must be one of {', '.join(choices)}")


def positive_number(name: str, value: float) -> None:
    """Raise a ValueError unless ``value`` is above 0."""
    if not value > 0:
        raise ValueError(f"{name} is {value}, must be above 0")
