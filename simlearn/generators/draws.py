"""Random tensors from an explicit generator, wherever they are needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor


def normal(shape: Sequence[int], generator: torch.Generator, like: Tensor) -> Tensor:
    """Standard normal values of a shape, with the type and the device of ``like``.

    They are drawn as float32 where the generator lies: the numbers do not depend on ``like``.
    """
    return torch.randn(*shape, generator=generator, device=generator.device).to(like)


def uniform(rows: int, columns: int, bound: float, generator: torch.Generator) -> Tensor:
    """``(rows, columns)`` float32 values in [-bound, bound), where the generator lies."""
    drawn = torch.rand(rows, columns, generator=generator, device=generator.device)
    return (2 * drawn - 1) * bound


def choose(weights: Tensor, n: int, generator: torch.Generator) -> Tensor:
    """``(n,)`` int64 places, drawn with replacement with probabilities ``weights (K,)``.

    The weights are at least 0 and not all 0; they need not add up to 1.
    """
    drawn = torch.multinomial(
        weights.to(generator.device), n, replacement=True, generator=generator
    )
    return drawn.to(weights.device)


def minibatches(n: int, size: int, steps: int, generator: torch.Generator) -> Iterator[Tensor]:
    """``steps`` minibatches of places in [0, n), pass after pass over all of them.

    Every pass is a new order, cut into ``ceil(n / size)`` parts of nearly the same size; the last
    pass ends where the steps do.

    Args:
        n: samples, at least 1.
        size: most samples of a minibatch.
        steps: minibatches in all.
        generator: draws the orders.

    Yields:
        int64 places of one minibatch, where the generator lies.
    """
    while steps > 0:
        order = torch.randperm(n, generator=generator, device=generator.device)
        parts = order.tensor_split(-(-n // size))[:steps]
        yield from parts
        steps -= len(parts)
