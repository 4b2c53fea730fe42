"""One worked solution and what a model found wrong with it, as the figure of examples takes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from simlearn.analysis.errorradar.taxonomy import CATEGORIES
from simlearn.report.wording import one_line

UNREADABLE = "not readable"


@dataclass(frozen=True, eq=False)
class ErrorExample:
    """A problem with a student's steps, what is wrong with them, and what the model said.

    Attributes:
        question: the problem's text.
        steps: the student's steps, at least one.
        gold_step: number of the first wrong step, counted from 1; 0 where none is wrong.
        said_step: what was read from the reply; ``None`` where nothing could be.
        gold_category: a code of the kinds of errors; ``None`` where it is not known.
        said_category: the same from the reply.
        reply: the model's words as they came; may be anything, empty too.
        image: uint8 (H,W,3), RGB; ``None`` where there is no figure.
        id: of the problem; may be empty.
        asked: whether the model was asked for the step, the kind or both.
    """

    question: str
    steps: Sequence[str]
    gold_step: int
    said_step: int | None
    gold_category: str | None = None
    said_category: str | None = None
    reply: str = ""
    image: np.ndarray | None = None
    id: str = ""
    asked: Literal["joint", "step", "category"] = "joint"

    @property
    def step_right(self) -> bool | None:
        """Whether the step is right; ``None`` where it was not asked for."""
        return None if self.asked == "category" else self.said_step == self.gold_step

    @property
    def category_right(self) -> bool | None:
        """Whether the kind is right; ``None`` where it was not asked for or is not known."""
        if self.asked == "step" or self.gold_category is None:
            return None
        return self.said_category == self.gold_category


def check_error_example(example: ErrorExample, place: str) -> None:
    """Refuse what cannot be drawn.

    Args:
        example: to be looked at.
        place: names it in the text of the error.

    Raises:
        ValueError: no step, a step's number that is not in 0 to the number of steps, an unknown
            kind of error or task, an image that is not uint8 (H,W,3) with H, W >= 1.
    """
    count = len(example.steps)
    if isinstance(example.steps, str) or not count:
        raise ValueError(f"{place}: steps must be a list of at least one text")
    for field in ("gold_step", "said_step"):
        step = getattr(example, field)
        if field == "said_step" and step is None:
            continue
        if isinstance(step, bool) or not isinstance(step, int) or not 0 <= step <= count:
            raise ValueError(
                f"{place}: {field} is {_shown(step)}, must be from 1 to {count}, the number of "
                "steps (0: none is wrong)"
            )
    for field in ("gold_category", "said_category"):
        code = getattr(example, field)
        if code is not None and code not in CATEGORIES:
            raise ValueError(
                f"{place}: {field} is {_shown(code)}, must be one of {', '.join(CATEGORIES)}"
            )
    if example.asked not in ("joint", "step", "category"):
        raise ValueError(
            f"{place}: asked is {_shown(example.asked)}, must be joint, step or category"
        )
    _check_image(example.image, place)


def picked(step: int | None) -> str:
    """Write what a model said about the steps: "step 3", "none is wrong" or "not readable"."""
    if step is None:
        return UNREADABLE
    return f"step {step}" if step else "none is wrong"


def _check_image(image: np.ndarray | None, place: str) -> None:
    """Refuse what is not an 8-bit colour image."""
    if image is None:
        return
    fine = getattr(image, "dtype", None) == np.uint8 and image.ndim == 3 and image.shape[2] == 3
    if not fine or not image.size:
        raise ValueError(
            f"{place}: expected a uint8 image (H,W,3), found "
            f"{getattr(image, 'dtype', type(image).__name__)} {getattr(image, 'shape', '')}"
        )


def _shown(value: object) -> str:
    """A value as an error may show it: one short line."""
    return one_line(repr(value), 40)
