"""A quadratic penalty on moving away from earlier parameters, of constant size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

Tensors = dict[str, Tensor]


def squared_moves(
    parameters: Mapping[str, Tensor], importance: Mapping[str, Tensor], centre: Mapping[str, Tensor]
) -> Tensor:
    """``1/2 sum_p F_p (theta_p - theta*_p)^2``, a scalar with a graph to the parameters.

    The penalty of EWC (Kirkpatrick et al. 2017, equation 3) at lambda = 1: 9 for F = 2 and a move
    of 3. Avalanche leaves the 1/2 out, so that its lambda is half of this one.

    Args:
        parameters: theta by name.
        importance: F by name, not negative, in the parameters' shapes.
        centre: theta* by name; the names of ``importance``.

    Returns:
        0 for no name.

    Raises:
        ValueError: a name without a parameter of its shape.
    """
    total = torch.zeros(())
    for name, weight in importance.items():
        p = parameters.get(name)
        if p is None or p.shape != weight.shape:
            found = "there is none" if p is None else f"found shape {tuple(p.shape)}"
            raise ValueError(
                f"the penalty holds a parameter {name!r} of shape {tuple(weight.shape)}, {found}: "
                "use the backbone and the head that the state was made with"
            )
        total = total.to(p.device) + 0.5 * (weight * (p - centre[name]).square()).sum()
    return total


class QuadraticPenalty:
    """The penalties of all experiences so far, in the memory and the time of one.

    A sum of quadratics in one parameter is a quadratic: ``sum_t F_t (theta - theta_t)^2 = A (theta
    - C)^2 + K`` with A the sum of the F_t, C their weighted mean of the theta_t and K the spread of
    the theta_t about it. C and K are updated by one term at a time, as a running mean and variance
    are, so that nothing cancels. Where no F_t is above 0 the parameter is free.

    Attributes:
        importance: A by parameter name.
        centre: C by parameter name.
        constant: half of K summed over all parameters, a float64 scalar.
    """

    def __init__(self) -> None:
        self.importance: Tensors = {}
        self.centre: Tensors = {}
        self.constant = torch.zeros((), dtype=torch.float64)

    def add(self, importance: Mapping[str, Tensor], values: Mapping[str, Tensor]) -> None:
        """One more penalty beside those there are, with a centre of its own.

        A parameter that an experience does not name keeps what it had.

        Args:
            importance: F_t by parameter name, not negative.
            values: theta_t by parameter name.
        """
        for name, new in importance.items():
            theta = values[name].detach()
            if name not in self.importance:
                self.importance[name], self.centre[name] = new.clone(), theta.clone()
                continue
            old, centre = self.importance[name].to(theta.device), self.centre[name].to(theta.device)
            total = old + new
            share = torch.where(total > 0, new / total.clamp_min(torch.finfo(new.dtype).tiny), 1.0)
            move = theta - centre
            spread = (old * share).double() * move.double().square()
            self.constant = self.constant + 0.5 * spread.sum().cpu()
            self.importance[name], self.centre[name] = total, centre + share * move

    def follow(
        self, importance: Mapping[str, Tensor], values: Mapping[str, Tensor], *, decay: float = 1.0
    ) -> None:
        """One penalty about the newest parameters: ``A <- decay A + F_t``, ``C <- theta_t``.

        Online EWC (Schwarz et al. 2018). A parameter that an experience does not name keeps its
        centre, and its importance decays.

        Args:
            importance: F_t by parameter name, not negative.
            values: theta_t by parameter name.
            decay: what is left of the importance of the experiences before, 0 to 1.
        """
        self.importance = {name: decay * old for name, old in self.importance.items()}
        for name, new in importance.items():
            theta = values[name].detach()
            old = self.importance.get(name)
            self.importance[name] = new.clone() if old is None else old.to(new.device) + new
            self.centre[name] = theta.clone()

    def value(self, parameters: Mapping[str, Tensor]) -> Tensor:
        """The sum of the penalties at lambda = 1, a scalar with a graph; 0 before the first one.

        The tensors move to the parameters' device and stay there.

        Args:
            parameters: theta by name; others than those with an importance may be among them.

        Raises:
            ValueError: a name without a parameter of its shape.
        """
        for name, old in self.importance.items():
            p = parameters.get(name)
            if p is not None and old.device != p.device:
                self.importance[name] = old.to(p.device)
                self.centre[name] = self.centre[name].to(p.device)
        moves = squared_moves(parameters, self.importance, self.centre)
        return moves + self.constant.to(moves)

    def state_dict(self) -> dict[str, Any]:
        """Importance, centre and constant."""
        return {
            "importance": dict(self.importance),
            "centre": dict(self.centre),
            "constant": self.constant,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore them."""
        self.importance, self.centre = dict(state["importance"]), dict(state["centre"])
        self.constant = state["constant"]
