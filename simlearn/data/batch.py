"""What a loader hands to a learner."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """One batch of images or clips.

    Attributes:
        x: ``(B, C, H, W)`` images or ``(B, C, T, H, W)`` clips, float32.
        y: ``(B,)`` int64 labels, 0-based.
        group: ``(B,)`` int64 number of the video, -1 = none.
        index: ``(B,)`` int64 row in the data set.
        tuples: three ``(a, p, n)`` or four ``(a1, p, a2, n)`` int64 tensors of positions in this
            batch where pairs or triplets are given by the data, else ``None``.
    """

    x: Tensor
    y: Tensor
    group: Tensor
    index: Tensor
    tuples: Sequence[Tensor] | None = None

    def __post_init__(self) -> None:
        n = len(self.x)
        for name in ("y", "group", "index"):
            value = getattr(self, name)
            if value.shape != (n,) or value.dtype != torch.int64:
                raise ValueError(
                    f"{name} must be int64 of shape ({n},), found {value.dtype} "
                    f"of shape {tuple(value.shape)}"
                )

    def __len__(self) -> int:
        return len(self.y)

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Batch:
        """The same batch on ``device``."""
        return self._map(lambda t: t.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> Batch:
        """The same batch in pinned memory, for copies to a GPU beside the computation."""
        return self._map(lambda t: t.pin_memory())

    def _map(self, f: Callable[[Tensor], Tensor]) -> Batch:
        moved = {
            k.name: f(getattr(self, k.name))
            for k in fields(self)
            if isinstance(getattr(self, k.name), Tensor)
        }
        tuples = None if self.tuples is None else _like(self.tuples, [f(t) for t in self.tuples])
        return replace(self, **moved, tuples=tuples)


def _like(old: Sequence[Tensor], new: list[Tensor]) -> Sequence[Tensor]:
    """``new`` in the type of ``old``, which may be a named tuple, a tuple or a list."""
    make: Callable[[list[Tensor]], Sequence[Tensor]] = getattr(old, "_make", type(old))
    return make(new)
