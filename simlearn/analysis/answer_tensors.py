"""Token ids of questions and answers, padded on the left, ready for training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from simlearn.analysis.errors import AnalysisError
from simlearn.data.questions import Question


def prompt_texts(processor: Any, questions: Sequence[Question]) -> list[str]:
    """What the chat template makes of every question, up to where the answer begins."""
    known: dict[tuple[str, bool], str] = {}
    texts = []
    for q in questions:
        medium = "image" if q.image is not None else "audio" if q.audio is not None else ""
        key = (q.text, bool(medium))
        if key not in known:
            parts = [{"type": medium}] if medium else []
            message = {"role": "user", "content": [*parts, {"type": "text", "text": q.text}]}
            known[key] = processor.apply_chat_template(
                [message], add_generation_prompt=True, tokenize=False
            )
        texts.append(known[key])
    return texts


@dataclass(frozen=True, eq=False)
class AnswerTensors:
    """Prompts with their answers.

    Attributes:
        ids: ``(Q, T)`` int64: padding, prompt, answer.
        mask: ``(Q, T)`` int64: 0 for padding.
        targets: ``(Q, 2)`` int64: the answer and the end, which the last two places predict.
    """

    ids: Tensor
    mask: Tensor
    targets: Tensor

    def batch(self, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """``(ids, mask, targets)`` of some rows, without columns that are padding in all."""
        ids, mask = self.ids[rows], self.mask[rows]
        first = int(mask.sum(dim=1).max()) if len(rows) else 0
        return ids[:, ids.shape[1] - first :], mask[:, mask.shape[1] - first :], self.targets[rows]


def answer_tensors(
    processor: Any, questions: Sequence[Question], *, place: str, tokens: int
) -> AnswerTensors:
    """Ids of prompts and one-word answers.

    Args:
        processor: of a tiny model.
        questions: with answers.
        place: the placeholder of a medium, which is repeated.
        tokens: how often.

    Raises:
        AnalysisError: a question without an answer, or an answer that is not one word of the
            vocabulary.
    """
    tokenizer = processor.tokenizer
    for q in questions:
        if not q.answers:
            raise AnalysisError(
                f"question {q.id!r} of {q.dataset!r} has no answer, so there is nothing to learn: "
                "leave it out of the training questions"
            )
    texts = [
        text.replace(place, place * tokens) if place else text
        for text in prompt_texts(processor, questions)
    ]
    prompts = tokenizer(texts, add_special_tokens=False)["input_ids"]
    words = {q.answers[0] for q in questions}
    known = {word: tokenizer(word, add_special_tokens=False)["input_ids"] for word in words}
    for word, ids in known.items():
        if len(ids) != 1 or ids[0] == tokenizer.unk_token_id:
            raise AnalysisError(
                f"the answer {word!r} is not one word of the vocabulary: tiny models learn "
                "one-word answers that occur in the training questions"
            )
    longest = 1 + max((len(row) for row in prompts), default=0)
    ids = torch.full((len(prompts), longest), tokenizer.pad_token_id)
    mask = torch.zeros_like(ids)
    targets = torch.full((len(prompts), 2), tokenizer.eos_token_id)
    for i, (row, q) in enumerate(zip(prompts, questions, strict=True)):
        full = [*row, known[q.answers[0]][0]]
        ids[i, longest - len(full) :] = torch.tensor(full)
        mask[i, longest - len(full) :] = 1
        targets[i, 0] = full[-1]
    return AnswerTensors(ids, mask, targets)
