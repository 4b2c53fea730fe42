"""One answered question as the figure of examples takes it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np


class Reply(NamedTuple):
    """What a model said.

    Attributes:
        text: its words; may be empty.
        score: 1 right, 0 wrong, between them partly right; nan where no right answer is known.
    """

    text: str
    score: float


@dataclass(frozen=True, eq=False)
class AnswerExample:
    """One question and what became of it.

    Attributes:
        question: what was asked.
        right: the right answer; empty where none is known.
        reply: of the model.
        blanked: its reply to a grey picture or silence; nothing without a medium.
        image: uint8 (H,W,3), RGB.
        sound: floating-point (S,), drawn where there is no image.
    """

    question: str
    right: str
    reply: Reply
    blanked: Reply | None = None
    image: np.ndarray | None = None
    sound: np.ndarray | None = None


def check_example(example: AnswerExample, place: str) -> None:
    """Refuse what cannot be drawn.

    Args:
        example: to be looked at.
        place: names it in the text of the error.

    Raises:
        ValueError: an image that is not uint8 (H,W,3) with H, W >= 1, a sound that is not finite
            floating-point (S,) with S >= 1, a score outside [0, 1].
    """
    image, sound = example.image, example.sound
    if image is not None and (
        image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size
    ):
        raise ValueError(
            f"{place}: expected a uint8 image (H,W,3), found {image.dtype} {image.shape}"
        )
    if sound is not None and (
        sound.dtype.kind != "f" or sound.ndim != 1 or not sound.size or not np.isfinite(sound).all()
    ):
        raise ValueError(
            f"{place}: expected a sound of finite floats (S,), found {sound.dtype} {sound.shape}"
        )
    for reply in (example.reply, example.blanked):
        if reply is not None and not (math.isnan(reply.score) or 0 <= reply.score <= 1):
            raise ValueError(f"{place}: a score lies in [0, 1], found {reply.score:g}")
