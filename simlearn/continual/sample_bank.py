"""Samples of a generator, drawn once and used many times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from simlearn.generators.base import RepresentationGenerator


@dataclass(frozen=True)
class SampleBank:
    """The same number of samples of every class.

    Attributes:
        classes: their labels.
        h: ``(K, n, *F)`` samples, class by class.
    """

    classes: tuple[int, ...]
    h: Tensor

    @staticmethod
    def draw(
        source: RepresentationGenerator,
        classes: Sequence[int],
        n: int,
        generator: torch.Generator,
    ) -> SampleBank:
        """Draw ``n`` samples of each class."""
        h, _ = source.sample(classes, n, generator=generator)
        return SampleBank(tuple(classes), h.unflatten(0, (len(classes), n)))

    def take(
        self, classes: Sequence[int], per_class: int, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """``per_class`` samples of each of ``classes``, class after class, with replacement.

        Returns:
            h ``(K * per_class, *F)`` and y ``(K * per_class,)``.

        Raises:
            ValueError: a class that is not in the bank.
        """
        lost = [label for label in classes if label not in self.classes]
        if lost:
            raise ValueError(f"class {lost[0]} is not in the bank, which holds {self.classes}")
        places = torch.tensor([self.classes.index(label) for label in classes], dtype=torch.int64)
        rows = torch.randint(self.h.shape[1], (len(places), per_class), generator=generator)
        h = self.h[places[:, None], rows].flatten(0, 1)
        return h, torch.tensor(list(classes), dtype=torch.int64).repeat_interleave(per_class)

    def bytes(self) -> int:
        """Bytes of the samples."""
        return self.h.numel() * self.h.element_size()
