"""Questions as batches that can be put to a model again and again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from torch import Tensor

from simlearn.analysis.model_checks import tokenizer_of

if TYPE_CHECKING:
    from simlearn.analysis.adapter import ModelAdapter
    from simlearn.data.questions import Question


@dataclass(frozen=True, eq=False)
class EncodedQuestions:
    """A batch of questions, ready to be put to the model again and again.

    Attributes:
        rows: their numbers among all questions.
        questions: B questions.
        batch: prompts padded on the left.
        references: B lists of token ids of the first reference; empty without one.
        features: of the media, where the vision tower has already run; else empty.
    """

    rows: tuple[int, ...]
    questions: tuple[Question, ...]
    batch: Mapping[str, Tensor]
    references: list[list[int]]
    features: Mapping[str, Any] = field(default_factory=dict)


def row_batches(questions: Sequence[Question], size: int) -> Iterator[tuple[int, ...]]:
    """Numbers of the questions of each batch: of one kind of medium, of like length."""
    groups: dict[tuple[bool, bool], list[int]] = {}
    for row, q in enumerate(questions):
        groups.setdefault((q.image is not None, q.audio is not None), []).append(row)
    for rows in groups.values():
        rows.sort(key=lambda row: len(questions[row].text))
        for start in range(0, len(rows), size):
            yield tuple(rows[start : start + size])


def encode_batch(
    adapter: ModelAdapter, questions: Sequence[Question], rows: tuple[int, ...]
) -> EncodedQuestions:
    """Encode the questions of some rows and their first references."""
    chosen = tuple(questions[row] for row in rows)
    tokenizer = tokenizer_of(adapter.processor)
    chats = [getattr(one, "chat_template", None) for one in (adapter.processor, tokenizer)]
    space = "" if any(chats) else " "  # without a template the answer goes on in the same line
    references = [
        tokenizer(space + q.answers[0], add_special_tokens=False)["input_ids"] if q.answers else []
        for q in chosen
    ]
    return EncodedQuestions(rows, chosen, adapter.encode(chosen), references)
