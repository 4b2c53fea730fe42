"""Sums over samples of powers of per-sample gradients, for parameters that layers use."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from simlearn.continual.layer_gradients import sample_gradients
from simlearn.continual.layer_uses import LayerUse

CHUNK = 2**20
"""Numbers that the per-sample gradients of a chunk, and what they are made of, may take."""


class LayerSums:
    """Adds up ``|gradient| ** power`` over the samples of a batch, for one loss after the other.

    For the weight of a Linear layer that is used once, on ``(B, d)``, a sample's gradient is the
    outer product ``g_i a_i^T``, and the powers of an outer product are the outer product of the
    powers: the sum over samples is the matrix product ``(|G|^p)^T |A|^p``, and nothing of the size
    of samples times parameters is made. Everywhere else a sample's gradient is a sum over places or
    uses, which is taken first, for a chunk of samples at a time.

    Args:
        uses: recorded calls of layers.
        parameters: ids of the parameters to be summed.
        power: 1 or 2.
    """

    def __init__(self, uses: Sequence[LayerUse], parameters: set[int], power: int) -> None:
        self.power = power
        self.sums: dict[int, Tensor] = {}
        self._of: dict[int, list[tuple[int, str]]] = {}
        self._values: dict[int, nn.Parameter] = {}
        self._outputs: dict[int, Tensor] = {}
        self.uses = uses
        for place, use in enumerate(uses):
            for name, parameter in use.parameters():
                if id(parameter) in parameters:
                    self._of.setdefault(id(parameter), []).append((place, name))
                    self._values[id(parameter)] = parameter

    def add(self, grads: Sequence[Tensor | None]) -> None:
        """Add one loss.

        Args:
            grads: gradient at each call, ``None`` where the loss does not depend on it.
        """
        for key, calls in self._of.items():
            found = [(self.uses[place], name, grads[place]) for place, name in calls]
            known = [(use, name, g) for use, name, g in found if g is not None]
            if not known:
                continue
            if self._is_outer_product(calls):
                more = _power(known[0][2], self.power)
                self._outputs[key] = self._outputs[key] + more if key in self._outputs else more
            else:
                self._add(key, self._by_chunks(self._values[key], known))

    def total(self) -> dict[int, Tensor]:
        """The sums by the parameters' ids; a parameter that no loss depends on is left out."""
        for key, powers in self._outputs.items():
            inputs = self.uses[self._of[key][0][0]].x
            self._add(key, powers.T @ _power(inputs, self.power))
        self._outputs = {}
        return self.sums

    def _add(self, key: int, more: Tensor) -> None:
        self.sums[key] = self.sums[key] + more if key in self.sums else more

    def _is_outer_product(self, calls: Sequence[tuple[int, str]]) -> bool:
        place, name = calls[0]
        use = self.uses[place]
        once = len(calls) == 1 and use.x.ndim == 2
        return once and name == "weight" and isinstance(use.layer, nn.Linear)

    def _by_chunks(
        self, parameter: nn.Parameter, calls: Sequence[tuple[LayerUse, str, Tensor]]
    ) -> Tensor:
        each = parameter.numel() + sum(use.x[0].numel() for use, _, _ in calls)
        size = max(1, CHUNK // each)
        total = torch.zeros_like(parameter, requires_grad=False)
        for low in range(0, len(calls[0][2]), size):
            part = slice(low, low + size)
            of_calls = [sample_gradients(u.layer, n, u.x[part], g[part]) for u, n, g in calls]
            total += _power(torch.stack(of_calls).sum(0), self.power).sum(0)
        return total


def _power(t: Tensor, power: int) -> Tensor:
    """``|t| ** power`` for the powers 1 and 2."""
    return t.abs() if power == 1 else t.square()
