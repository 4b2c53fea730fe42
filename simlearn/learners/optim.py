"""Optimisers and learning-rate schedules by name."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from torch import nn
from torch.optim import SGD as TorchSGD
from torch.optim import AdamW as TorchAdamW
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

Schedule = Literal["cosine", "constant", "step"]


def schedule_factor(
    step: int, *, total: int, schedule: Schedule, warmup: float, floor: float = 0.0
) -> float:
    """What the learning rate is multiplied by at ``step``.

    Args:
        step: 0-based optimiser step.
        total: steps of the whole training.
        schedule: "cosine" falls to ``floor``; "step" divides by ten at half and at three quarters;
            "constant" stays.
        warmup: share of the steps during which the rate first rises linearly.
        floor: lowest factor of the cosine.

    Returns:
        A factor in (0, 1]; with warm-up the first is 1 / number of warm-up steps, not 0.
    """
    rise = round(total * warmup)
    if step < rise:
        return (step + 1) / rise
    share = min(1.0, (step - rise) / max(1, total - rise))
    if schedule == "cosine":
        return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * share))
    if schedule == "step":
        return 0.1 ** ((share >= 0.5) + (share >= 0.75))
    return 1.0


@dataclass(frozen=True, kw_only=True)
class Schedules(ABC):
    """Settings that all optimisers share.

    Args:
        lr: highest learning rate.
        weight_decay: decay of weights with two or more axes; biases and norms have none.
        schedule: see :func:`schedule_factor`.
        warmup: share of all steps with a rising rate.
    """

    lr: float
    weight_decay: float = 1e-4
    schedule: Schedule = "cosine"
    warmup: float = 0.05

    def __post_init__(self) -> None:
        if not 0 < self.lr < math.inf:
            raise ValueError(f"optimizer.lr is {self.lr}, must be above 0")
        if not self.weight_decay >= 0:
            raise ValueError(f"optimizer.weight_decay is {self.weight_decay}, must not be negative")
        if self.schedule not in get_args(Schedule):
            raise ValueError(
                f"optimizer.schedule is {self.schedule!r}, must be one of "
                f"{', '.join(get_args(Schedule))}"
            )
        if not 0 <= self.warmup < 1:
            raise ValueError(f"optimizer.warmup is {self.warmup}, must be in [0, 1)")

    def groups(
        self,
        parameters: Iterable[nn.Parameter],
        *,
        slow: Iterable[nn.Parameter] = (),
        factor: float = 1.0,
    ) -> list[dict[str, object]]:
        """Parameter groups with and without weight decay; frozen parameters are left out.

        Args:
            parameters: all that are learnt.
            slow: those among them whose learning rate is ``factor`` times ``lr``.
            factor: see ``slow``.
        """
        learnt, slower = [p for p in parameters if p.requires_grad], {id(p) for p in slow}
        groups: list[dict[str, object]] = []
        for rate, chosen in (
            (self.lr, [p for p in learnt if id(p) not in slower]),
            (self.lr * factor, [p for p in learnt if id(p) in slower]),
        ):
            groups += [
                {
                    "params": [p for p in chosen if p.ndim > 1],
                    "weight_decay": self.weight_decay,
                    "lr": rate,
                },
                {"params": [p for p in chosen if p.ndim <= 1], "weight_decay": 0.0, "lr": rate},
            ]
        return [group for group in groups if group["params"]]

    @abstractmethod
    def optimizer(self, groups: list[dict[str, object]]) -> Optimizer:
        """The optimiser of these groups of parameters."""

    def build(
        self,
        parameters: Iterable[nn.Parameter],
        total: int,
        *,
        slow: Iterable[nn.Parameter] = (),
        factor: float = 1.0,
    ) -> tuple[Optimizer, LambdaLR]:
        """Optimiser and schedule for ``total`` steps; ``slow`` as for :meth:`groups`."""
        groups = self.groups(parameters, slow=slow, factor=factor)
        optimizer = self.optimizer(groups)
        return optimizer, self.scheduler(optimizer, total)

    def scheduler(self, optimizer: Optimizer, total: int) -> LambdaLR:
        """The schedule over ``total`` steps."""
        return LambdaLR(
            optimizer,
            lambda step: schedule_factor(
                step, total=total, schedule=self.schedule, warmup=self.warmup
            ),
        )


@dataclass(frozen=True, kw_only=True)
class AdamW(Schedules):
    """AdamW (Loshchilov and Hutter 2019); the arguments of :class:`Schedules` and betas."""

    lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)

    def optimizer(self, groups: list[dict[str, object]]) -> Optimizer:
        """The optimiser of these groups of parameters."""
        return TorchAdamW(groups, lr=self.lr, betas=self.betas)


@dataclass(frozen=True, kw_only=True)
class SGD(Schedules):
    """Stochastic gradient descent; the arguments of :class:`Schedules`, momentum and Nesterov."""

    lr: float = 1e-2
    momentum: float = 0.9
    nesterov: bool = False

    def optimizer(self, groups: list[dict[str, object]]) -> Optimizer:
        """The optimiser of these groups of parameters."""
        return TorchSGD(groups, lr=self.lr, momentum=self.momentum, nesterov=self.nesterov)
