"""What can be answered without looking: from the question alone, or from a blank picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from simlearn.analysis.answer_metrics import judge
from simlearn.data.questions import Question

GREY = 128
"""Of every pixel of a blank picture."""
RATE = 16000
"""Samples a second at which the length of a sound file is measured."""


def question_only_answers(train: Sequence[Question], test: Sequence[Question]) -> Tensor:
    """Whether the most frequent training answer to the same text is right.

    A text that was never asked in training gets the most frequent answer of all. Of two equally
    frequent answers the one seen first wins. Only a question's first answer is learnt.

    Args:
        train: questions to look answers up in; those without an answer are passed over.
        test: questions to be answered.

    Returns:
        bool ``(Q,)``; ``False`` for a question without a known answer.

    Raises:
        ValueError: no training question has an answer.
    """
    every = Counter(q.answers[0] for q in train if q.answers)
    if not every:
        raise ValueError("no training question has an answer, so there is none to give")
    by_text: dict[str, Counter[str]] = {}
    for q in train:
        if q.answers:
            by_text.setdefault(q.text, Counter())[q.answers[0]] += 1
    given = [by_text.get(q.text, every).most_common(1)[0][0] for q in test]
    return torch.tensor(
        [
            bool(q.answers) and judge(q.metric, text, q.answers) == 1.0
            for q, text in zip(test, given, strict=True)
        ],
        dtype=torch.bool,
    )


def blank_images(questions: Sequence[Question]) -> list[Question]:
    """The same questions with grey pictures of the same size and silence of the same length.

    Accuracy on them is what a model gets from the words alone. The blank arrays take no memory,
    whatever their size; they are not writable.

    Args:
        questions: with pictures, sounds or neither.

    Raises:
        DataError: a file that cannot be read.
    """
    return [
        replace(q, image=blank_image(q), audio=silence(q), rate=audio_rate(q)) for q in questions
    ]


def blank_image(question: Question) -> np.ndarray | None:
    """uint8 ``(H, W, 3)``, all ``GREY``; ``None`` without a picture."""
    if question.image is None:
        return None
    if isinstance(question.image, Path):
        from simlearn.data.media import load_image

        width, height = load_image(question).size
    else:
        height, width = question.image.shape[:2]
    return np.broadcast_to(np.uint8(GREY), (height, width, 3))


def silence(question: Question) -> np.ndarray | None:
    """float32 ``(S,)``, all 0; ``None`` without a sound."""
    if question.audio is None:
        return None
    if isinstance(question.audio, Path):
        from simlearn.data.media import load_audio

        length = len(load_audio(question, RATE))
    else:
        length = len(question.audio)
    return np.broadcast_to(np.float32(0), (length,))


def audio_rate(question: Question) -> int | None:
    """Samples a second of the silence."""
    return RATE if isinstance(question.audio, Path) else question.rate
