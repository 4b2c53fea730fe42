"""How a model is asked for the wrong step and measured."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from simlearn.analysis.errorradar.endpoint import Task

Ask = Literal["joint", "separate", "step", "category"]
TASKS: dict[str, tuple[Task, ...]] = {
    "joint": ("joint",),
    "separate": ("step", "category"),
    "step": ("step",),
    "category": ("category",),
}
"""Prompts per problem, by what is asked."""


@dataclass(frozen=True, kw_only=True)
class ErrorRadar:
    """ErrorRadar's two sub-tasks, STEP and CATE (arXiv 2410.04509), and what stands beside them.

    Args:
        ask: "joint": both in one prompt; "separate": a prompt each, as in the paper; "step" or
            "category" alone.
        style: a shipped style of prompts ("plain", "stepwise", "json", "bare") or a YAML file.
        images: send the figures; without them it is a control of what the text alone gives.
        tell_step: the prompt for the category names the wrong step.
        bootstrap: resamples of the problems for the 95 % intervals.
        missing: share of prompts that may stay without reply; they count as wrong.
        human: CSV or JSON Lines with ratings (id, rater, step, category) of some problems.
        compare: folders of finished runs on the same problems, shown in one table with this one.
        neurons: folder of a finished run of ``task=neurons``, or its ``neurons.safetensors``: the
            table is also made with these neurons switched off, beside random ones.
        controls: random masks of the same size in every layer, beside each mined one.
        value: what a switched-off neuron's activation becomes; ``None`` for the smallest of each
            call.

    Raises:
        ValueError: a number out of its range, or an unknown word.
    """

    ask: Ask = "joint"
    style: str = "plain"
    images: bool = True
    tell_step: bool = False
    bootstrap: int = 2000
    missing: float = 0.0
    human: Path | None = None
    compare: tuple[Path, ...] = ()
    neurons: Path | None = None
    controls: int = 5
    value: float | None = 0.0

    def __post_init__(self) -> None:
        if self.ask not in get_args(Ask):
            raise ValueError(
                f"evaluation.ask is {self.ask!r}, must be one of {', '.join(get_args(Ask))}"
            )
        for name in ("bootstrap", "controls"):
            if getattr(self, name) < 1:
                raise ValueError(f"evaluation.{name} is {getattr(self, name)}, must be at least 1")
        if not 0 <= self.missing <= 1:
            raise ValueError(f"evaluation.missing is {self.missing}, must be a share in [0, 1]")
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError(f"evaluation.value is {self.value}, must be a number or null")
        if self.tell_step and self.ask not in ("separate", "category"):
            raise ValueError(
                f"evaluation.tell_step=true and evaluation.ask={self.ask}: the wrong step can be "
                "told only where the category is asked for alone; use evaluation.ask=separate"
            )

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The prompts of each problem."""
        return TASKS[self.ask]
