"""How a model's answers are measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Method = Literal["next_token", "generate"]
Split = Literal["test", "val"]


@dataclass(frozen=True, kw_only=True)
class QuestionAnswering:
    """Settings of a measurement by questions.

    Args:
        batch_size: questions run at once.
        method: "next_token": right where the reference is what greedy decoding begins with;
            "generate": the generated answer is judged by the question's metric.
        max_new_tokens: of "generate".
        bootstrap: resamples of the questions for the 95 % intervals.
        split: "test", or "val" to choose settings by.

    Raises:
        ValueError: a number out of its range, or an unknown word.
    """

    batch_size: int = 128
    method: Method = "next_token"
    max_new_tokens: int = 32
    bootstrap: int = 1000
    split: Split = "test"

    def __post_init__(self) -> None:
        for name in ("batch_size", "max_new_tokens", "bootstrap"):
            if getattr(self, name) < 1:
                raise ValueError(f"evaluation.{name} is {getattr(self, name)}, must be at least 1")
        for name, words in (("method", get_args(Method)), ("split", get_args(Split))):
            if getattr(self, name) not in words:
                raise ValueError(
                    f"evaluation.{name} is {getattr(self, name)!r}, must be one of "
                    f"{', '.join(words)}"
                )
