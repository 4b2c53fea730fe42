"""Batches that are a function of the step's number, begun at any of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from torch.utils.data import DataLoader, Dataset, Sampler


class StepBatches(Dataset[Any]):
    """``make(step)`` for the steps of a training.

    Args:
        make: gives the batch of a step.
        steps: how many there are.
    """

    def __init__(self, make: Callable[[int], Any], steps: int) -> None:
        self.make, self.steps = make, steps

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, step: int) -> Any:
        """The batch of one step."""
        return self.make(step)


class StepsFrom(Sampler[int]):
    """The steps from ``start`` on; its length is that of the whole training.

    Args:
        steps: of the training.
        start: first one.
    """

    def __init__(self, steps: int, start: int = 0) -> None:
        self.steps, self.start = steps, start

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[int]:
        """Yield ``start`` to ``steps - 1``."""
        return iter(range(self.start, self.steps))


def step_loader(make: Callable[[int], Any], steps: int, *, start: int = 0) -> DataLoader[Any]:
    """A loader of one epoch of ``steps`` batches, begun at ``start``, in this process."""
    return DataLoader(
        StepBatches(make, steps), sampler=StepsFrom(steps, start), batch_size=None, num_workers=0
    )
