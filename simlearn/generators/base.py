"""What a generator of representations promises."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn


class RepresentationGenerator(nn.Module, ABC):
    """Learns the activations of classes at one place of a network, and draws new ones.

    ``state_dict`` holds all that was learnt; loaded into a new, unfitted instance that was made
    with the same arguments it restores the classes too.

    Args:
        shape: of one activation, ``*F``.

    Attributes:
        nonnegative: samples are cut off at 0, as a ReLU does.
    """

    nonnegative: bool = False

    def __init__(self, shape: Sequence[int]) -> None:
        super().__init__()
        self.shape = tuple(int(n) for n in shape)

    @property
    @abstractmethod
    def classes(self) -> tuple[int, ...]:
        """Labels that can be drawn, in ascending order."""

    @abstractmethod
    def fit(self, h: Tensor, y: Tensor, *, generator: torch.Generator | None = None) -> None:
        """Learn the classes in ``y``; those of earlier calls stay as they are.

        Args:
            h: ``(N, *F)`` activations.
            y: ``(N,)`` int64 labels.
            generator: source of randomness; by default one with a fixed seed.

        Raises:
            ValueError: wrong shapes, no sample, or a class with too few.
        """

    @abstractmethod
    def sample(
        self, classes: Sequence[int], n: int, *, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """``n`` activations of each of ``classes``, class after class.

        Returns:
            h ``(K * n, *F)`` float32 and y ``(K * n,)`` int64.

        Raises:
            ValueError: a class that was never fitted.
        """

    def memory_bytes(self) -> int:
        """Bytes of what sampling needs: state tensors whose name does not begin with "encoder"."""
        return sum(
            value.numel() * value.element_size()
            for name, value in self.state_dict().items()
            if not name.startswith("encoder")
        )
