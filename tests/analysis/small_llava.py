"""A random LLaVA of 96 neurons with its processor, and questions with and without pictures."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch

from simlearn.analysis.adapter import ModelAdapter
from simlearn.analysis.tiny_models import TinyLlava
from simlearn.analysis.word_tokenizer import words_of
from simlearn.data.questions import Question
from simlearn.data.text_questions import text_questions

SIZES = {
    **{"hidden": 32, "intermediate": 48, "layers": 2, "heads": 2},
    **{"encoder_hidden": 16, "encoder_intermediate": 24, "encoder_layers": 1, "encoder_heads": 2},
}
"""Of a tiny model of any family; small enough for a test."""
COLOURS = {"red": (255, 0, 0), "green": (0, 128, 0), "blue": (0, 0, 255), "teal": (0, 128, 128)}
ASKED = ("what color is the shape?", "is there a red shape?", "is the shape blue?")


@cache
def words():
    """The vocabulary of all questions."""
    texts = [q.text + " " + q.answers[0] for q in text_questions(300, seed=0, split="train")]
    return words_of([*texts, *ASKED, *COLOURS])


def small_llava(*, seed=0, dtype=torch.float32, **changed):
    """A LLaVA of two layers of 48 neurons with four image tokens, in an adapter."""
    settings = TinyLlava(**{**SIZES, "side": 16, "patch": 8, **changed})
    model, processor = settings.build(words(), seed=seed)
    return ModelAdapter(model.to(dtype).requires_grad_(False), processor)


def shape_questions(pictures, *, split="train", dataset="shapes", each=2):
    """``each`` questions about every drawn square; those about one picture share the array."""
    found = []
    for number in range(pictures):
        g = np.random.default_rng([number, split == "train"])
        colour = tuple(COLOURS)[int(g.integers(len(COLOURS)))]
        image = g.integers(0, 60, (16, 16, 3)).astype(np.uint8)
        image[4:12, 4:12] = COLOURS[colour]
        answers = (colour, "yes" if colour == "red" else "no", "yes" if colour == "blue" else "no")
        for asked in range(each):
            name = f"{number}-{asked}"
            found.append(
                Question(
                    name,
                    ASKED[asked],
                    (answers[asked],),
                    "colour" if asked == 0 else "yes_no",
                    dataset,
                    image=image,
                )
            )
    return found


def sentence_questions(count, *, split="train"):
    """Questions of the data set "text"."""
    return text_questions(count, seed=0, split=split)
