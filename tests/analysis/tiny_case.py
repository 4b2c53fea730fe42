"""Models of the three families that are taught here, as small as they get, and what they learn."""

from __future__ import annotations

from functools import cache

import numpy as np

from simlearn.analysis.tiny_models import TinyLlava, TinyQwen2Audio, TinyQwen2VL
from simlearn.analysis.word_tokenizer import words_of
from simlearn.data.questions import Question
from simlearn.data.text_questions import text_questions
from simlearn.data.tones import Tones
from tests.data.easy_vqa_files import PAINT, SHAPES, drawing, rows_about

TAUGHT = ("llava", "qwen2_vl", "qwen2_audio")
SIZES = {
    **{"hidden": 32, "intermediate": 48, "layers": 1, "heads": 4},
    **{"encoder_hidden": 32, "encoder_intermediate": 64, "encoder_layers": 1, "encoder_heads": 4},
    **{"encoder_steps": 6, "encoder_lr": 3e-3},
}
SIDES = {"llava": {"side": 24, "patch": 8}, "qwen2_vl": {"side": 24, "patch": 4}, "qwen2_audio": {}}


def tiny_settings(family, **changed):
    """Settings of a tiny model: nine tokens of a picture, sixteen of a sound."""
    kind = {"llava": TinyLlava, "qwen2_vl": TinyQwen2VL, "qwen2_audio": TinyQwen2Audio}[family]
    return kind(**{**SIZES, **SIDES[family], **changed})


def easy_questions(pictures=6, texts=6):
    """Six questions about each of some drawings in memory, then some about sentences."""
    found = []
    for n in range(pictures):
        colour, other, shape = tuple(PAINT)[n % 4], tuple(PAINT)[(n + 1) % 4], SHAPES[n % 3]
        image = drawing(colour, shape, 5 * n)
        for k, (text, answer, _) in enumerate(rows_about(n, colour, shape, other)):
            kind = ("colour", "shape", "yes_no", "yes_no", "yes_no", "yes_no")[k]
            found.append(Question(f"{n}-{k}", text, (answer,), kind, "easy_vqa", image=image))
    return found + text_questions(texts, seed=0, split="train")


@cache
def tiny_questions(family):
    """Questions for a family: about drawings, or about tones; and about sentences."""
    if family != "qwen2_audio":
        return easy_questions()
    return Tones(train=24, test=1, text_train=6, text_test=0).open().splits["train"]


def tiny_words(questions):
    """The vocabulary of some questions."""
    return words_of(f"{q.text} {' '.join(q.answers)}" for q in questions)


def tiny_case(family, *, seed=0, **changed):
    """(settings, untrained model, processor, questions)."""
    settings, questions = tiny_settings(family, **changed), tiny_questions(family)
    return settings, *settings.build(tiny_words(questions), seed=seed), questions


def shown(questions):
    """Those with a picture or sound."""
    return [q for q in questions if q.image is not None or q.audio is not None]


def read(questions):
    """Those without."""
    return [q for q in questions if q.image is None and q.audio is None]


def noise_picture(height, width, seed=0):
    """Random uint8 pixels."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
