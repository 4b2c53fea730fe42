"""What a similarity loss takes and gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, TypeGuard, runtime_checkable

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


@runtime_checkable
class ClassLoss(Protocol):
    """A loss that keeps something per class, such as centres or the weights of a softmax."""

    @property
    def num_classes(self) -> int | None:
        """Classes there are now; None for one that happens to keep nothing."""
        ...

    def grow(self, num_classes: int, *, generator: torch.Generator | None = None) -> None:
        """Make room for so many classes in all; ``generator`` draws what is new."""
        ...


def grows(loss: object) -> TypeGuard[ClassLoss]:
    """Whether a loss keeps something per class, so that it must know how many there are."""
    return isinstance(loss, ClassLoss) and loss.num_classes is not None


def zero(z: Tensor) -> Tensor:
    """Scalar 0 with a graph to ``z``; nan where ``z`` is not finite."""
    return (z * 0.0).sum()


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
    if not z.is_floating_point():
        raise ValueError(f"z must hold real floating-point numbers, found {z.dtype}")
    if y.is_floating_point():
        raise ValueError(f"y must hold integer labels, found {y.dtype}")


def count_anchors(z: Tensor, anchors: int | None) -> int:
    """How many of the first rows of ``z (B, d)`` are anchors; all if ``None``.

    Raises:
        ValueError: not in 0..B.
    """
    if anchors is None:
        return len(z)
    if not 0 <= anchors <= len(z):
        raise ValueError(f"anchors is {anchors}, must be 0..{len(z)} for {len(z)} embeddings")
    return anchors


def labels_of_batch(z: Tensor, y: Tensor) -> Tensor:
    """``y (B,)`` as int64 on the device of ``z (B, d)``, both checked.

    Raises:
        ValueError: see :func:`check_batch`.
    """
    check_batch(z, y)
    return y.to(z.device, torch.int64)


def check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Raise a ValueError that lists the choices unless ``value`` is one of them."""
    if value not in choices:
        raise ValueError(f"{name} is {value!r}, must be one of {', '.join(choices)}")


def check_all_anchors(anchors: int | None) -> None:
    """Raise a ValueError where anchors are restricted although the tuples are given."""
    if anchors is not None:
        raise ValueError(f"anchors={anchors} cannot be used with tuples, which name their anchors")


def positive_number(name: str, value: float) -> None:
    """Raise a ValueError unless ``value`` is above 0."""
    if not value > 0:
        raise ValueError(f"{name} is {value}, must be above 0")
